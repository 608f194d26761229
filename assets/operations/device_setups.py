"""The devices of an enrollment on their way into the program, and what becomes of the enrollment by it."""

from __future__ import annotations

import datetime as dt

from assets import choices
from assets.choices import DeviceSetupStatus as Setup
from assets.choices import EnrollmentStatus as Status
from assets.choices import InstallationMethod, ToDoType
from assets.models import DeviceSetup, Enrollment, ProgramSubscription
from assets.operations import communications, moves, status, subscriptions
from assets.operations.change_capture import captured
from assets.operations.status import SYSTEM
from foundation.kept_texts import kept


def start(*, enrollment: Enrollment, by: str, at: dt.datetime) -> None:
    """
    Begin with every set-up that waits: ask whether the device can be reached, or, where the program does not want
    that or the device takes part already, have it take part. The caller holds the place.
    """
    subscription = _subscription(enrollment)
    taking_part = {one.device_id for one in subscriptions.members(subscription)}
    for setup in setups_of(enrollment):
        if setup.status != Setup.PENDING:
            continue
        if setup.device_id in taking_part:
            complete(setup=setup, subscription=subscription, by=by, at=at, reason="It takes part already")
        elif not subscription.program.needs_status_check:
            complete(setup=setup, subscription=subscription, by=by, at=at, reason="The program wants no status check")
        else:
            _ask(setup, by=by, at=at)
    settle(enrollment=enrollment, by=by, at=at)


def complete(
    *, setup: DeviceSetup, subscription: ProgramSubscription, by: str = SYSTEM, at: dt.datetime, reason: str
) -> None:
    """Have the device of a set-up take part. The caller holds the place, and settles the enrollment."""
    setup.message = ""
    moves.move(setup, "complete", at=at, by=by, reason=reason, also=["message"])
    subscriptions.join(subscription=subscription, device=setup.device, replaces=setup.replaces, by=by, at=at)


def fail(*, setup: DeviceSetup, by: str = SYSTEM, at: dt.datetime, message: str) -> None:
    """Give up on a set-up until a person has looked. The caller holds the place, and settles the enrollment."""
    setup.message = message[:1000]
    if setup.status == Setup.ERROR:
        setup.save(update_fields=["message"])
    else:
        moves.move(setup, "fail", at=at, by=by, reason=message, also=["message"])
    enrollment = setup.enrollment
    status.open_todo(
        kind=ToDoType.ENROLLMENT,
        subject=enrollment,
        summary=f"Enrollment {enrollment.identifier}, device {setup.device}: {message}",
        at=at,
    )


def settle(*, enrollment: Enrollment, by: str = SYSTEM, at: dt.datetime) -> None:
    """Let an enrollment follow its set-ups: complete when all are, in error when one is and none is under way."""
    setups = setups_of(enrollment)
    standing = {setup.status for setup in setups}
    if standing & {Setup.PENDING, Setup.CHECKING}:
        return
    if Setup.ERROR in standing:
        if enrollment.status == Status.DEVICE_SETUP:
            enrollment.message = next(setup.message for setup in setups if setup.status == Setup.ERROR)
            moves.move(enrollment, "fail", at=at, by=by, reason=enrollment.message, also=["message"])
        return
    if enrollment.status == Status.ERROR:
        moves.move(enrollment, "set_up_devices", at=at, by=by, reason="An answer came after all")
    if enrollment.status != Status.DEVICE_SETUP:
        return
    _drop_those_not_named(enrollment, [setup.device_id for setup in setups], by=by, at=at)
    enrollment.message, enrollment.message_number, enrollment.completed_at = "", None, at
    also = ["message", "message_number", "completed_at"]
    moves.move(enrollment, "complete", at=at, by=by, reason="All devices are set up", also=also)
    status.complete_todos(subject=enrollment, at=at, by=by, completion="The enrollment is complete")


def cancel_all(*, enrollment: Enrollment, by: str, at: dt.datetime, reason: str) -> None:
    """Cancel what is under way for an enrollment: its set-ups, and the questions about their devices."""
    for setup in setups_of(enrollment):
        if setup.status in choices.OPEN_SETUPS:
            moves.move(setup, "cancel", at=at, by=by, reason=reason)
        communication = setup.communication
        if communication is not None and communication.status in choices.OPEN_COMMUNICATIONS:
            moves.move(communication, "cancel", at=at, by=by, reason=reason)


def setups_of(enrollment: Enrollment) -> list[DeviceSetup]:
    """Give the set-ups of an enrollment in order, as they are now."""
    found = list(
        enrollment.device_setups.select_related(
            "device__device", "device__head_end_system", "device__specification", "replaces__device", "communication"
        ).order_by("sequence")
    )
    for setup in found:
        setup.enrollment = enrollment
    return found


def _ask(setup: DeviceSetup, *, by: str, at: dt.datetime) -> None:
    try:
        setup.communication = communications.ask_for_status(device=setup.device, by=by, at=at)
    except communications.UnableToAsk as error:
        fail(setup=setup, by=by, at=at, message=str(error))
        return
    setup.message = ""
    moves.move(setup, "check_status", at=at, by=by, also=["communication", "message"])


def _drop_those_not_named(enrollment: Enrollment, named: list[int], *, by: str, at: dt.datetime) -> None:
    """Where an enrollment names all devices from now on (re-enroll), let those go that were there before it."""
    if enrollment.request.get("assetInfo", {}).get("installationMethod") != InstallationMethod.RE_ENROLL:
        return
    subscription = _subscription(enrollment)
    for member in subscriptions.members(subscription):
        if member.device_id not in named and member.added_at <= enrollment.received_at:
            subscriptions.drop(subscription=subscription, device=member.device, leaves=True, at=at)
            what = kept(f"Device {member.device.device.identifier} removed")
            captured(subscription_ids=[subscription.pk], what=what, by=by, at=at)


def _subscription(enrollment: Enrollment) -> ProgramSubscription:
    return ProgramSubscription.objects.select_related("program").get(pk=enrollment.subscription_id)
