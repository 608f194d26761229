"""Writes of the ledger of device status checks: asked, answered, overdue."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from foundation.kept_texts import kept
from integration.choices import UNFINISHED_STATES, CheckAnswerState, CheckState
from integration.flows import registry
from integration.flows.contract import Fault, Finding, MessageInProgress, MessageKeyReused
from integration.flows.dacs_messages import StatusMessage
from integration.flows.device_status_answer import StatusAnswer
from integration.models import DeviceStatusCheck, Flow, FlowRun
from integration.operations import errors
from lookups.queries import UnableToReadProperty, UnknownLookup, config_property
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

ACK_TIMEOUT = "deviceStatusCheck.ackTimeout"
# DERMS has the check: the communication id belongs to it for good.
_TAKEN = (CheckState.OPEN, CheckState.ANSWERED, CheckState.OVERDUE)


def asked(*, message: StatusMessage, at: dt.datetime) -> DeviceStatusCheck | None:
    """
    Give the ledger's row when DERMS has this very check; None when it is to be sent (again).

    :raises MessageKeyReused: when the communicationId came before with another body.
    :raises MessageInProgress: when a live run is working on it.
    """
    row = DeviceStatusCheck.objects.select_related("run").filter(communication_id=message.communication_id).first()
    if row is None or not row.digest:
        return None
    _refuse(row, message, at)
    return row if row.state in _TAKEN else None


def claim(*, message: StatusMessage, run_id: uuid.UUID, again: bool, at: dt.datetime) -> None:
    """
    Take a check for a run; what DERMS has stays as it is, whatever a replay (`again`) gives.

    :raises MessageKeyReused: when the communicationId came before with another body.
    :raises MessageInProgress: when another run holds it, also one that took it just now.
    """
    with transaction.atomic():
        row = (
            DeviceStatusCheck.objects.select_for_update(of=("self",))
            .select_related("run")
            .filter(communication_id=message.communication_id)
            .first()
        )
        if row is None:
            row = DeviceStatusCheck(communication_id=message.communication_id)
        elif row.digest:
            _refuse(row, message, at)
            if row.state in _TAKEN:
                if again:
                    return
                raise MessageInProgress(f"communicationId {message.communication_id} was taken just now.")
        # An answer that was here before the check needs none any more.
        row.state = CheckState.IN_PROGRESS if row.answered_at is None else CheckState.ANSWERED
        row.run_id, row.asked_at, row.digest = run_id, at, message.digest
        row.division, row.device_type = message.division, message.device.get("deviceType") or ""
        row.head_end_system, row.nic_id = message.device["headEndSystem"], message.device["nicId"]
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            raise MessageInProgress(f"communicationId {message.communication_id} came twice at once.") from None


def opened(*, run: FlowRun, at: dt.datetime) -> bool:
    """Note that DERMS has the check; False when the run does not hold it, or the answer was here first."""
    return bool(
        DeviceStatusCheck.objects.filter(run_id=run.pk, state=CheckState.IN_PROGRESS).update(
            state=CheckState.OPEN, asked_at=at
        )
    )


def release(*, run: FlowRun) -> bool:
    """Note that the check did not get to DERMS: it is tried again when it comes again."""
    return bool(
        DeviceStatusCheck.objects.filter(run_id=run.pk, state=CheckState.IN_PROGRESS).update(state=CheckState.FAULT)
    )


def answered(*, answer: StatusAnswer, at: dt.datetime) -> DeviceStatusCheck | None:
    """
    Give the ledger's row when this very answer was forwarded; None when it is to be forwarded (again).

    :raises MessageKeyReused: when the check was answered before with another body.
    :raises MessageInProgress: when a live run is forwarding it.
    """
    row = (
        DeviceStatusCheck.objects.select_related("answer_run").filter(communication_id=answer.communication_id).first()
    )
    if row is None:
        return None
    _refuse_answer(row, answer, at)
    return row if row.answer_state == CheckAnswerState.FORWARDED else None


def claim_answer(*, answer: StatusAnswer, run_id: uuid.UUID, again: bool, at: dt.datetime) -> None:
    """
    Take an answer for a run; to a check that never came by, too. One that was forwarded stays so.

    :raises MessageKeyReused: when the check was answered before with another body.
    :raises MessageInProgress: when another run holds it, also one that took it just now.
    """
    with transaction.atomic():
        row = (
            DeviceStatusCheck.objects.select_for_update(of=("self",))
            .select_related("answer_run")
            .filter(communication_id=answer.communication_id)
            .first()
        )
        if row is None:
            row = DeviceStatusCheck(communication_id=answer.communication_id, state=CheckState.NOT_SEEN)
        else:
            _refuse_answer(row, answer, at)
            if row.answer_state == CheckAnswerState.FORWARDED:
                if again:
                    return
                raise MessageInProgress(f"communicationId {answer.communication_id} was answered just now.")
        row.answer_state, row.answer_digest = CheckAnswerState.IN_PROGRESS, answer.digest
        row.answer_run_id, row.result, row.answered_at = run_id, answer.result, at
        try:
            with transaction.atomic():
                row.save()
        except IntegrityError:
            raise MessageInProgress(f"communicationId {answer.communication_id} came twice at once.") from None


def was_asked(*, communication_id: str) -> bool:
    """Whether a check of this id came by here (C-45: an answer to one that did not is legal)."""
    return DeviceStatusCheck.objects.filter(communication_id=communication_id, asked_at__isnull=False).exists()


def settle_answer(*, run: FlowRun, reply: Mapping[str, Any], forwarded: bool) -> bool:
    """Store what DERMS is told, and whether DACS has the answer; False when the run does not hold it."""
    with transaction.atomic():
        row = (
            DeviceStatusCheck.objects.select_for_update()
            .filter(answer_run_id=run.pk, answer_state=CheckAnswerState.IN_PROGRESS)
            .first()
        )
        if row is None:
            return False
        row.answer_state = CheckAnswerState.FORWARDED if forwarded else CheckAnswerState.FAILED
        row.reply = dict(reply)
        if row.state != CheckState.NOT_SEEN:
            row.state = CheckState.ANSWERED
        row.save(update_fields=["answer_state", "reply", "state"])
    return True


def mark_overdue(*, at: dt.datetime) -> int:
    """Mark checks that have waited too long for their answer, and tell people once of all; give how many."""
    try:
        timeout = config_property(ACK_TIMEOUT)
    except (UnknownLookup, UnableToReadProperty):
        logger.exception("unable_to_read_property", name=ACK_TIMEOUT)
        return 0
    if not isinstance(timeout, dt.timedelta):
        return 0
    waiting = Q(state=CheckState.OPEN, asked_at__lte=at - timeout)
    oldest = DeviceStatusCheck.objects.filter(waiting).order_by("asked_at", "pk").first()
    if oldest is None:
        _resolve_when_answered(at)
        return 0
    marked = DeviceStatusCheck.objects.filter(waiting).update(state=CheckState.OVERDUE, overdue_at=at)
    if marked:
        _report_overdue(oldest, marked, timeout, at)
    return marked


def _resolve_when_answered(at: dt.datetime) -> None:
    if not DeviceStatusCheck.objects.filter(state=CheckState.OVERDUE).exists():
        source = registry.find("device_status_check").identifier
        errors.resolve(
            source=source, fault_code=errors.CHECKS_OVERDUE, note="Every overdue check has been answered.", at=at
        )


def _report_overdue(oldest: DeviceStatusCheck, marked: int, timeout: dt.timedelta, at: dt.datetime) -> None:
    declaration = registry.find("device_status_check")
    noun = kept("device status check has") if marked == 1 else kept("device status checks have")
    errors.report(
        flow=Flow.objects.filter(identifier=declaration.identifier).first(),
        source=declaration.identifier,
        fault=Fault(
            type=FaultType.REMOTE,
            code=errors.CHECKS_OVERDUE,
            reason=f"{marked} {noun} waited longer than {timeout} for the answer of DERMS",
        ),
        identifiers={"communicationId": oldest.communication_id},
        at=at,
    )


def _refuse(row: DeviceStatusCheck, message: StatusMessage, at: dt.datetime) -> None:
    in_progress = row.state == CheckState.IN_PROGRESS and _is_alive(row.run, at)
    if row.digest != message.digest and (in_progress or row.state in _TAKEN):
        raise _reused(message.communication_id, "/sendDetails/communicationId", "communicationId", "came before")
    if in_progress:
        raise MessageInProgress(f"communicationId {message.communication_id} is being worked on by run {row.run_id}.")


def _refuse_answer(row: DeviceStatusCheck, answer: StatusAnswer, at: dt.datetime) -> None:
    in_progress = row.answer_state == CheckAnswerState.IN_PROGRESS and _is_alive(row.answer_run, at)
    bound = in_progress or row.answer_state == CheckAnswerState.FORWARDED
    if bound and row.answer_digest != answer.digest:
        raise _reused(answer.communication_id, "/dacsMessageId", "dacsMessageId", "was answered before")
    if in_progress:
        raise MessageInProgress(f"dacsMessageId {answer.communication_id} is being worked on.")


def _is_alive(run: FlowRun | None, at: dt.datetime) -> bool:
    # A run without a lease waits for a worker, such as a replay.
    return run is not None and run.state in UNFINISHED_STATES and (run.lease_until is None or run.lease_until > at)


def _reused(key: str, pointer: str, name: str, what: str) -> MessageKeyReused:
    text = f"{name} {key} {what} with another body"
    return MessageKeyReused(
        f"{text}. Nothing was stored.",
        findings=[Finding(pointer=pointer, code="idempotency_key_reused", message=text)],
        message_id=key,
    )
