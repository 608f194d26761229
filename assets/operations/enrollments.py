"""
Enrollments: kept as they came, made into contact, place, subscription and devices, or refused for a person to see.

An enrollment is committed before it is acknowledged, in PENDING or VALERROR; a worker sets its devices up afterwards.
What stands against it undoes all but the enrollment itself.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from assets import choices, refusals
from assets import service_forms as forms
from assets.choices import EnrollmentKind, ToDoType
from assets.choices import EnrollmentStatus as Status
from assets.models import Enrollment, ServiceTaskType
from assets.operations import device_setups, enrollment_building, moves, status, unenrollment_building
from assets.operations.defaults import ENROLL_TASK, UNENROLL_TASK
from foundation.dispatch import after_commit
from foundation.kept_texts import kept


SET_UP_TASK = "assets.tasks.set_up_devices"
# Two requests may make the same contact, place or device at once; the one that comes second finds it the next time.
_ATTEMPTS = 6
_TASK_TYPES = {EnrollmentKind.ENROLL: ENROLL_TASK, EnrollmentKind.UNENROLL: UNENROLL_TASK}
_FORMS: dict[EnrollmentKind, Callable[[Any], Any]] = {
    EnrollmentKind.ENROLL: forms.read_enroll,
    EnrollmentKind.UNENROLL: forms.read_unenroll,
}
T = TypeVar("T")


class AlreadyExists(Exception):
    """A request with this transaction id is here already; `enrollment` is what it became."""

    def __init__(self, enrollment: Enrollment, *, same: bool) -> None:
        super().__init__(enrollment.transaction_id)
        self.enrollment = enrollment
        self.same = same


class UnableToChangeEnrollment(Exception):
    """The enrollment does not stand where this can be done; the text tells a person."""


def receive(*, kind: EnrollmentKind, document: Any, by: str, at: dt.datetime) -> Enrollment:
    """
    Store a request and do what can be done at once.

    :raises assets.service_forms.FormRefused: when it is not made as it has to be; nothing is stored.
    :raises AlreadyExists: when its transaction id is known; `same` says whether the request is the same.
    """
    form = _FORMS[kind](document)

    def once() -> Enrollment:
        return _receive(kind, form, document, by=by, at=at)

    return _again_when_two_collide(once)


def set_up(*, enrollment_id: int, at: dt.datetime, by: str = status.SYSTEM) -> None:
    """Begin with the devices of an enrollment that waits for it; nothing when it does not."""
    with transaction.atomic():
        enrollment = _locked(enrollment_id)
        if enrollment.kind == EnrollmentKind.ENROLL and enrollment.status == Status.PENDING:
            moves.move(enrollment, "set_up_devices", at=at, by=by)
            device_setups.start(enrollment=enrollment, by=by, at=at)


def finish_due(*, enrollment_id: int, at: dt.datetime) -> bool:
    """End the subscription of an unenrollment whose day has come; tell whether that was so."""
    with transaction.atomic():
        return unenrollment_building.finish_due(enrollment=_locked(enrollment_id), at=at)


def retry(*, enrollment_id: int, by: str, reason: str = "", at: dt.datetime) -> Enrollment:
    """
    Try again what went wrong: a refused request from its beginning, a failed one with the devices that failed.

    :raises UnableToChangeEnrollment: when nothing went wrong with it.
    """
    return _again_when_two_collide(lambda: _retry(enrollment_id, by=by, reason=reason, at=at))


def cancel(*, enrollment_id: int, by: str, reason: str, at: dt.datetime) -> Enrollment:
    """
    Give an enrollment up; a subscription that nothing else will activate is canceled with it.

    :raises UnableToChangeEnrollment: when it has come to its end, or no reason is given.
    """
    if not reason.strip():
        raise UnableToChangeEnrollment("Say why the enrollment is canceled.")
    with transaction.atomic():
        enrollment = _locked(enrollment_id)
        _demand(enrollment, choices.OPEN_ENROLLMENTS, kept("can be canceled any more"))
        end(enrollment=enrollment, by=by, at=at, reason=reason)
        subscription = enrollment.subscription
        if subscription is not None and enrollment.kind == EnrollmentKind.UNENROLL:
            unenrollment_building.take_back(subscription=subscription, by=by, at=at)
        elif (
            subscription is not None
            and subscription.status == choices.SubscriptionStatus.PENDING
            and not subscription.enrollments.filter(status__in=choices.OPEN_ENROLLMENTS).exists()
        ):
            moves.move(subscription, "cancel", at=at, by=by, reason=reason)
    return enrollment


def end(*, enrollment: Enrollment, by: str, at: dt.datetime, reason: str) -> None:
    """Cancel an open enrollment with all that is under way for it. The caller holds the place."""
    device_setups.cancel_all(enrollment=enrollment, by=by, at=at, reason=reason)
    enrollment.completed_at = at
    moves.move(enrollment, "cancel", at=at, by=by, reason=reason, also=["completed_at"])
    status.complete_todos(subject=enrollment, at=at, by=by, completion=f"Canceled: {reason}")


def _receive(kind: EnrollmentKind, form: Any, document: Any, *, by: str, at: dt.datetime) -> Enrollment:
    digest = forms.digest(document)
    with transaction.atomic():
        known = Enrollment.objects.filter(transaction_id=form.transaction_id).first()
        if known is not None:
            raise AlreadyExists(known, same=known.digest == digest and known.kind == kind)
        enrollment = Enrollment(
            transaction_id=form.transaction_id,
            kind=kind,
            task_type=ServiceTaskType.objects.filter(code=_TASK_TYPES[kind]).first(),
            request=forms.plain(document),
            digest=digest,
            received_at=at,
        )
        enrollment.save(force_insert=True)
        moves.note_made([enrollment], at=at, by=by)
        _build(enrollment, form, by=by, at=at)
    return enrollment


def _build(enrollment: Enrollment, form: Any, *, by: str, at: dt.datetime) -> bool:
    """Make of a request what it asks for, or nothing and say why; tell whether it was made."""
    try:
        with transaction.atomic():
            if enrollment.kind == EnrollmentKind.ENROLL:
                enrollment_building.build(enrollment=enrollment, form=form, by=by, at=at)
                after_commit(SET_UP_TASK, enrollment_pk=enrollment.pk)
            else:
                unenrollment_building.build(enrollment=enrollment, form=form, by=by, at=at)
    except refusals.BusinessRefusal as refusal:
        enrollment.message, enrollment.message_number = str(refusal)[:1000], refusal.number
        also = ["message", "message_number"]
        moves.move(enrollment, "refuse", at=at, by=by, reason=str(refusal), also=also)
        name = f"{enrollment.get_kind_display()} {enrollment.transaction_id}"
        status.open_todo(
            kind=ToDoType.ENROLLMENT,
            subject=enrollment,
            summary=kept(f"{name}: {refusal}"),
            at=at,
        )
        return False
    return True


def _retry(enrollment_id: int, *, by: str, reason: str, at: dt.datetime) -> Enrollment:
    with transaction.atomic():
        enrollment = _locked(enrollment_id)
        _demand(enrollment, choices.RETRYABLE_ENROLLMENTS, kept("has nothing to be tried again"))
        if enrollment.status == Status.VALIDATION_ERROR:
            try:
                form = _FORMS[EnrollmentKind(enrollment.kind)](enrollment.request)
            except forms.FormRefused as error:
                # Taken by a version that asked for less.
                raise UnableToChangeEnrollment(f"The request has to be sent anew: {error}") from None
            moves.move(enrollment, "reconsider", at=at, by=by, reason=reason or "Tried again")
            if _build(enrollment, form, by=by, at=at):
                status.complete_todos(subject=enrollment, at=at, by=by, completion="Tried again")
            return enrollment
        for setup in device_setups.setups_of(enrollment):
            if setup.status == choices.DeviceSetupStatus.ERROR:
                moves.move(setup, "retry", at=at, by=by, reason=reason)
        enrollment.message, enrollment.message_number = "", None
        also = ["message", "message_number"]
        moves.move(enrollment, "set_up_devices", at=at, by=by, reason=reason or "Tried again", also=also)
        status.complete_todos(subject=enrollment, at=at, by=by, completion="Tried again")
        device_setups.start(enrollment=enrollment, by=by, at=at)
    return enrollment


def _locked(enrollment_id: int) -> Enrollment:
    """Give an enrollment as it is now, its place locked where it has one."""
    rows = Enrollment.objects.select_related("subscription__program", "subscription__usage_subscription")
    try:
        location_id = Enrollment.objects.values_list("subscription__location_id", flat=True).get(pk=enrollment_id)
    except Enrollment.DoesNotExist:
        raise UnableToChangeEnrollment(f"There is no enrollment {enrollment_id}.") from None
    if location_id is not None:
        moves.lock_place(location_id=location_id)
    Enrollment.objects.select_for_update(of=("self",)).get(pk=enrollment_id)
    return rows.get(pk=enrollment_id)


def _demand(enrollment: Enrollment, standing: tuple[Status, ...], what: str) -> None:
    if enrollment.status not in standing:
        said = f"Enrollment {enrollment.identifier} is {enrollment.get_status_display()}: nothing of it {what}."
        raise UnableToChangeEnrollment(said)


def _again_when_two_collide(once: Callable[[], T]) -> T:
    for _ in range(_ATTEMPTS - 1):
        try:
            return once()
        except IntegrityError:
            # Made in this moment by another request: seen when it is looked for again.
            continue
    return once()
