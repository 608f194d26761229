"""Program subscriptions: made with a usage subscription of `vee`, joined and left by devices, ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from assets.choices import OPEN_SUBSCRIPTIONS
from assets.choices import SubscriptionStatus as Status
from assets.models import (
    Contact,
    ControllableDevice,
    DeviceLocation,
    Program,
    ProgramSubscription,
    SubscriptionDevice,
)
from assets.operations import installations, moves
from assets.operations.change_capture import captured
from assets.refusals import OTHER_CUSTOMER, refuse
from foundation.kept_texts import kept


def open_at(*, program: Program, location: DeviceLocation) -> ProgramSubscription | None:
    """Give the open subscription to a program at a place that the caller has locked."""
    return (
        ProgramSubscription.objects.select_related("contact", "usage_subscription")
        .filter(program=program, location=location, status__in=OPEN_SUBSCRIPTIONS)
        .first()
    )


def subscription_of(
    *,
    program: Program,
    contact: Contact,
    location: DeviceLocation,
    start: dt.datetime,
    account: str,
    service_agreement: str,
    by: str,
    at: dt.datetime,
) -> ProgramSubscription:
    """
    Give the customer's open subscription to a program at a place, made when there is none; the caller holds the place.

    :raises BusinessRefusal: when the one that is open there is another customer's.
    """
    found = open_at(program=program, location=location)
    if found is None:
        usage = installations.new_usage_subscription(
            point=location.service_point, recipient=program.usage_recipient, at=at
        )
        made = ProgramSubscription(
            usage_subscription=usage,
            program=program,
            contact=contact,
            location=location,
            cis_account_id=account,
            cis_service_agreement_id=service_agreement,
            starts_at=start,
            created_at=at,
        )
        moves.save_as_of(made, at=at)
        moves.note_made([made], at=at, by=by, reason="Enrollment")
        return made
    if found.contact_id != contact.pk:
        raise refuse(
            OTHER_CUSTOMER,
            f"The place takes part in {program.code} with subscription {found.usage_subscription.identifier} of "
            f"another customer ({found.contact.cis_person_id}), who has to be unenrolled first.",
        )
    changed = {
        name: value
        for name, value in (("cis_account_id", account), ("cis_service_agreement_id", service_agreement))
        if value and getattr(found, name) != value
    }
    if changed:
        for name, value in changed.items():
            setattr(found, name, value)
        moves.save_as_of(found, at=at, fields=list(changed))
        if found.status == Status.ACTIVE:
            captured(subscription_ids=[found.pk], what="CIS account or service agreement", by=by, at=at)
    return found


def change(*, subscription_id: int, values: Mapping[str, Any], by: str, at: dt.datetime, person: Any = None) -> None:
    """Change what a person may change of a subscription, and tell of it when it is active."""
    with transaction.atomic():
        location_id = ProgramSubscription.objects.values_list("location_id", flat=True).get(pk=subscription_id)
        moves.lock_place(location_id=location_id)
        row = ProgramSubscription.objects.get(pk=subscription_id)
        changed = [name for name, value in values.items() if getattr(row, name) != value]
        for name in changed:
            setattr(row, name, values[name])
        if changed:
            moves.save_as_of(row, at=at, fields=changed, person=person)
            if row.status == Status.ACTIVE:
                captured(subscription_ids=[row.pk], what=kept(f"Changed: {', '.join(changed)}"), by=by, at=at)


def members(subscription: ProgramSubscription) -> list[SubscriptionDevice]:
    """Give the devices that take part, in the order in which they came."""
    return list(
        subscription.devices.filter(removed_at__isnull=True)
        .select_related("device__device", "device__specification")
        .order_by("added_at", "pk")
    )


def join(
    *,
    subscription: ProgramSubscription,
    device: ControllableDevice,
    replaces: ControllableDevice | None,
    by: str,
    at: dt.datetime,
) -> None:
    """
    Have a device take part, in the place of another when `replaces` says so; the first one activates the subscription.

    The caller holds the place. A device that takes part already goes on as it does.
    """
    if any(one.device_id == device.pk for one in members(subscription)):
        return
    SubscriptionDevice.objects.create(subscription=subscription, device=device, added_at=at)
    what = kept(f"Device {device.device.identifier} added")
    if replaces is not None and drop(
        subscription=subscription, device=replaces, replaced_by=device, leaves=True, at=at
    ):
        what = kept(f"Device {replaces.device.identifier} replaced by {device.device.identifier}")
    if subscription.status == Status.PENDING:
        moves.move(subscription, "activate", at=at, by=by, reason=what)
    captured(subscription_ids=[subscription.pk], what=what, by=by, at=at)


def drop(
    *,
    subscription: ProgramSubscription,
    device: ControllableDevice,
    replaced_by: ControllableDevice | None = None,
    leaves: bool,
    at: dt.datetime,
) -> bool:
    """
    Have a device take part no more; tell whether it did. With `leaves` it leaves the place too, unless it is still
    needed there by another program. The caller tells the change capture.
    """
    member = subscription.devices.filter(device=device, removed_at__isnull=True).first()
    if member is None:
        return False
    member.removed_at = max(at, member.added_at)
    member.replaced_by = replaced_by
    member.save(update_fields=["removed_at", "replaced_by"])
    if leaves and not installations.is_needed(device):
        installations.remove(device=device, at=at)
    return True


def end(*, subscription: ProgramSubscription, leaves: bool | None, by: str, at: dt.datetime, reason: str) -> None:
    """
    End the customer's part: no device takes part any more, and with `leaves` the devices leave the place.

    `leaves` None: those of the utility do. The caller holds the place, and cancels what is still under way.
    """
    dropped = [one.device for one in members(subscription)]
    active = subscription.status == Status.ACTIVE
    ends_at = min(subscription.ends_at, at) if subscription.ends_at is not None else at
    subscription.ends_at = max(ends_at, subscription.starts_at)
    moves.move(subscription, "deactivate" if active else "cancel", at=at, by=by, reason=reason, also=["ends_at"])
    for device in dropped:
        gone = leaves if leaves is not None else device.ownership == "W1OW"
        drop(subscription=subscription, device=device, leaves=gone, at=at)
    if active:
        captured(subscription_ids=[subscription.pk], what=kept(f"Unenrolled: {reason}")[:200], by=by, at=at)
