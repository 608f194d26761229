"""What an unenrollment asks for, done: the subscription ended, now or on its day, or single devices taken out of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

from assets import choices, refusals
from assets import service_forms as forms
from assets.choices import EnrollmentKind, RemovalMethod, SubscriptionStatus
from assets.choices import EnrollmentStatus as Status
from assets.models import Enrollment, ProgramSubscription
from assets.operations import device_setups, installations, moves, status, subscriptions
from assets.operations.change_capture import captured
from assets.refusals import refuse
from foundation.kept_texts import kept


def build(*, enrollment: Enrollment, form: forms.UnenrollForm, by: str, at: dt.datetime) -> None:
    """
    Do what an unenrollment asks for, in the caller's transaction.

    One for a day that is to come stays PENDING until then; the subscription has its end at once.

    :raises BusinessRefusal: when it is not possible; what was done until then is the caller's to undo.
    """
    location_id = _found(form).location_id
    moves.lock_place(location_id=location_id)
    # Looked for again behind the lock: it may have ended meanwhile.
    subscription = _found(form)
    enrollment.subscription = subscription
    enrollment.message, enrollment.message_number = "", None
    enrollment.save(update_fields=["subscription", "message", "message_number"])
    reason = form.unenroll_reason or "Unenrollment"
    if form.asset_info.asset_list:
        _take_out(subscription, form, by=by, at=at, reason=reason)
        if subscriptions.members(subscription):
            _complete(enrollment, by=by, at=at)
            return
    day = forms.end_date(form)
    ends_at = installations.local_midnight(day=day, point=subscription.location.service_point) if day else at
    if ends_at > at and subscription.status == SubscriptionStatus.ACTIVE:
        _set_end(subscription, max(ends_at, subscription.starts_at), by=by, at=at)
        return
    if subscription.status == SubscriptionStatus.ACTIVE and day is not None:
        subscription.ends_at = ends_at
    finish(enrollment=enrollment, subscription=subscription, form=form, by=by, at=at)


def finish(
    *, enrollment: Enrollment, subscription: ProgramSubscription, form: forms.UnenrollForm, by: str, at: dt.datetime
) -> None:
    """End the subscription of an unenrollment. The caller holds the place."""
    reason = form.unenroll_reason or "Unenrollment"
    rows = Enrollment.objects.filter(subscription=subscription, status__in=choices.OPEN_ENROLLMENTS)
    for other in rows.exclude(pk=enrollment.pk):
        if other.kind == EnrollmentKind.ENROLL:
            device_setups.cancel_all(enrollment=other, by=by, at=at, reason=reason)
        other.completed_at = at
        moves.move(other, "cancel", at=at, by=by, reason=reason, also=["completed_at"])
        status.complete_todos(subject=other, at=at, by=by, completion=reason)
    leaves = _leaves(form)
    subscriptions.end(subscription=subscription, leaves=leaves, by=by, at=at, reason=reason)
    _complete(enrollment, by=by, at=at)


def take_back(*, subscription: ProgramSubscription, by: str, at: dt.datetime) -> None:
    """Have a subscription go on whose unenrollment is canceled before its day. The caller holds the place."""
    if subscription.status == SubscriptionStatus.ACTIVE and subscription.ends_at is not None:
        _set_end(subscription, None, by=by, at=at)


def _complete(enrollment: Enrollment, *, by: str, at: dt.datetime) -> None:
    enrollment.completed_at = at
    moves.move(enrollment, "complete", at=at, by=by, also=["completed_at"])


def _set_end(subscription: ProgramSubscription, ends_at: dt.datetime | None, *, by: str, at: dt.datetime) -> None:
    subscription.ends_at = ends_at
    moves.save_as_of(subscription, at=at, fields=["ends_at"])
    captured(subscription_ids=[subscription.pk], what=kept("End of the subscription"), by=by, at=at)


def _take_out(
    subscription: ProgramSubscription, form: forms.UnenrollForm, *, by: str, at: dt.datetime, reason: str
) -> None:
    members = subscriptions.members(subscription)
    for number, asset in enumerate(form.asset_info.asset_list, start=1):
        found = [one.device for one in members if _is(one.device, asset)]
        if len(found) != 1:
            raise refuse(
                refusals.DEVICE_INCOMPLETE,
                f"Device {number} is none of subscription {subscription.usage_subscription}.",
            )
        device = found[0]
        leaves = _leaves(form)
        gone = leaves if leaves is not None else device.ownership == choices.AssetOwnership.UTILITY
        if subscriptions.drop(subscription=subscription, device=device, leaves=gone, at=at):
            what = kept(f"Device {device.device.identifier} removed: {reason}")[:200]
            captured(subscription_ids=[subscription.pk], what=what, by=by, at=at)


def _is(device: Any, asset: forms.Asset) -> bool:
    if asset.asset_id:
        return bool(device.device.identifier == asset.asset_id)
    return bool(device.nic_id == asset.nic_id and device.head_end_system.name == asset.head_end_system)


def _leaves(form: forms.UnenrollForm) -> bool | None:
    method = form.asset_info.removal_method
    return None if method is None else method != RemovalMethod.KEEP


def _found(form: forms.UnenrollForm) -> ProgramSubscription:
    rows = ProgramSubscription.objects.select_related("location__service_point", "usage_subscription", "program")
    rows = rows.filter(program__code=form.program_info.program_code, status__in=choices.OPEN_SUBSCRIPTIONS)
    given = {
        "usage_subscription__identifier": form.subscription_id,
        "contact__cis_person_id": form.customer_info.cis_person_id,
        "cis_account_id": form.customer_info.cis_account_id,
        "location__cis_service_point_id": form.location_info.cis_service_point_id,
        "location__cis_premise_id": form.location_info.cis_premise_id,
    }
    narrowed = {name: value.strip() for name, value in given.items() if value and value.strip()}
    if not narrowed:
        raise refuse(refusals.PERSON_NOT_KNOWN, "Neither the customer nor the service point is named.")
    found = list(rows.filter(**narrowed)[:2])
    if not found:
        raise refuse(
            refusals.SUBSCRIPTION_NOT_KNOWN,
            f"There is no open subscription to {form.program_info.program_code} of this customer and place.",
        )
    if len(found) > 1:
        raise refuse(
            refusals.SUBSCRIPTION_NOT_KNOWN,
            f"There are several open subscriptions to {form.program_info.program_code}: name the service point.",
        )
    return found[0]


def finish_due(*, enrollment: Enrollment, by: str = status.SYSTEM, at: dt.datetime) -> bool:
    """End the subscription of an unenrollment whose day has come; tell whether it has. The caller holds the place."""
    subscription = enrollment.subscription
    if enrollment.status != Status.PENDING or subscription is None:
        return False
    if subscription.ends_at is None or subscription.ends_at > at:
        return False
    form = forms.read_unenroll(enrollment.request)
    if subscription.status in choices.OPEN_SUBSCRIPTIONS:
        finish(enrollment=enrollment, subscription=subscription, form=form, by=by, at=at)
    else:
        _complete(enrollment, by=by, at=at)
    return True
