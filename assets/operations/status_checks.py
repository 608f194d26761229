"""What becomes of the question how a device is: it arrives, is answered, times out, or cannot be delivered."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from assets import choices, refusals
from assets.choices import CommunicationStatus as Talk
from assets.choices import DeviceReach, ToDoType
from assets.choices import DeviceSetupStatus as Setup
from assets.models import Communication, ControllableDevice, DeviceSetup, ProgramSubscription
from assets.operations import communications, device_setups, moves, status
from assets.operations.status import SYSTEM
from assets.refusals import refuse
from foundation.kept_texts import kept
from outbound.choices import MessageStatus


SUCCESS, FAILURE = "SUCCESS", "FAILURE"
_ROWS = Communication.objects.select_related("device__device", "device__head_end_system")


def check_now(*, device_id: int, by: str, at: dt.datetime) -> Communication:
    """
    Ask how a device is because a person wants to know; no set-up waits for the answer.

    :raises assets.operations.communications.UnableToAsk: saying what is missing.
    """
    with transaction.atomic():
        device = (
            ControllableDevice.objects.select_for_update(of=("self",))
            .select_related("device", "head_end_system", "specification")
            .get(pk=device_id)
        )
        return communications.ask_for_status(device=device, by=by, at=at)


def answer(*, identifier: str, result: str, by: str, at: dt.datetime) -> Communication:
    """
    Take the answer to a check, in time or late; the same answer again changes nothing (`integration.md` 3.5).

    :raises BusinessRefusal: when there is no such check, or it was answered otherwise before.
    """
    with transaction.atomic():
        communication = _locked(identifier=identifier)
        if communication is None:
            raise refuse(refusals.NOT_KNOWN, f"Communication {identifier} is not known.")
        if communication.result:
            if communication.result != result:
                said = f"Communication {identifier} was answered with {communication.result} before."
                raise refuse(refusals.WRONG_STATE, said)
            return communication
        communication.result, communication.answered_at, communication.message = result, at, ""
        also = ["result", "answered_at", "message"]
        if communication.status == Talk.CANCELED:
            # Nobody waits for it any more; what it says of the device is worth knowing all the same.
            communication.save(update_fields=also)
        else:
            moves.move(communication, "complete", at=at, by=by, reason=result, also=also)
            status.complete_todos(subject=communication, at=at, by=by, completion=f"Answered: {result}")
        _note_reach(communication.device, online=result == SUCCESS, at=at)
        for setup in _waiting(communication):
            if result == SUCCESS:
                subscription = _subscription(setup)
                reason = f"Status check {identifier}: {result}"
                device_setups.complete(setup=setup, subscription=subscription, by=by, at=at, reason=reason)
            else:
                device_setups.fail(setup=setup, by=by, at=at, message="The device could not be reached.")
            device_setups.settle(enrollment=setup.enrollment, by=by, at=at)
    return communication


def message_settled(*, message_id: str, outcome: str, error: str, at: dt.datetime) -> None:
    """Follow the end of the outbound message that carries a check; nothing when it carries none."""
    with transaction.atomic():
        communication = _locked(message_id=message_id)
        if communication is None:
            return
        if outcome == MessageStatus.SUCCESS:
            if communication.status in (Talk.PENDING, Talk.ERROR) and not communication.result:
                communication.message = ""
                moves.move(communication, "await_response", at=at, also=["message"])
            return
        if communication.status in choices.OPEN_COMMUNICATIONS:
            text = error or "The message could not be delivered."
            _give_up(communication, "fail", kept(f"The status check could not be asked for: {text}")[:900], at=at)


def time_out(*, identifier: str, at: dt.datetime) -> None:
    """Give up waiting for an answer; one that comes later is taken all the same."""
    with transaction.atomic():
        communication = _locked(identifier=identifier)
        if communication is not None and communication.status in choices.OPEN_COMMUNICATIONS:
            _give_up(communication, "time_out", f"Status check {identifier} was not answered in time.", at=at)


def _give_up(communication: Communication, step: str, text: str, *, at: dt.datetime) -> None:
    communication.message = text[:1000]
    moves.move(communication, step, at=at, reason=text, also=["message"])
    setups = _waiting(communication)
    for setup in setups:
        device_setups.fail(setup=setup, at=at, message=text)
        device_setups.settle(enrollment=setup.enrollment, at=at)
    if not setups:
        summary = kept(f"Device {communication.device}: {text}")
        status.open_todo(kind=ToDoType.DEVICE_STATUS, subject=communication, summary=summary, at=at)


def _waiting(communication: Communication) -> list[DeviceSetup]:
    """Give the set-ups that wait for this answer, or gave up on it; there is one at most."""
    return list(
        communication.setups.filter(status__in=(Setup.CHECKING, Setup.ERROR)).select_related(
            "enrollment", "device__device", "device__head_end_system", "replaces__device"
        )
    )


def _subscription(setup: DeviceSetup) -> ProgramSubscription:
    return ProgramSubscription.objects.select_related("program").get(pk=setup.enrollment.subscription_id)


def _note_reach(device: ControllableDevice, *, online: bool, at: dt.datetime) -> None:
    before = device.reach
    device.reach, device.reach_checked_at = DeviceReach.ONLINE if online else DeviceReach.OFFLINE, at
    ControllableDevice.objects.filter(pk=device.pk).update(reach=device.reach, reach_checked_at=at)
    if before != device.reach:
        status.note(device, before=before, after=device.reach, at=at, by=SYSTEM, reason="Status check")


def _locked(**which: Any) -> Communication | None:
    """Give a communication as it is now: the place of its set-up locked first, where it has one."""
    place = (
        DeviceSetup.objects.filter(**{f"communication__{name}": value for name, value in which.items()})
        .values_list("enrollment__subscription__location_id", flat=True)
        .first()
    )
    if place is not None:
        moves.lock_place(location_id=place)
    return _ROWS.select_for_update(of=("self",)).filter(**which).first()
