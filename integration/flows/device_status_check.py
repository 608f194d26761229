"""
Device Status Check: DACS asks how a device is, DERMS takes the question; its answer comes later, or never.

The guide's processing details, step by step (`integration.md` 3.4): route by division; call DERMS; give DACS its
`externalId` and keep the check open until Device Status Ack brings the answer.
"""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import msgspec

from integration.flows import dacs_messages, derms_calls, enrollment_sync_mapping, fault_answers
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault, Outcome, Reply
from integration.flows.dacs_messages import CHECKED_DEVICE_LENGTHS, StatusMessage
from integration.flows.fault_answers import Stopped
from integration.flows.overlays import OverlayFailed
from integration.flows.run import Run
from integration.operations import status_checks
from outbound.retry import FaultType


NAME = "Device Status Check"
MAPPING = "device_status_check"
# Below the base address of the connection DERMS, which ends in /nms-drms/rest/v1.
STATUS_CHECK_PATH = "/status-check"

derms_calls.uses_routing(NAME)


class DeviceStatusCheck:
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    def accept(self, document: Any) -> StatusMessage:
        """
        Check the message.

        :raises MessageRefused: when it does not fit.
        """
        return dacs_messages.check_status(document)

    def identifiers(self, accepted: StatusMessage) -> list[tuple[str, str]]:
        """Give the communication and the device."""
        return [("communicationId", accepted.communication_id), ("nicId", accepted.device["nicId"])]

    def recall(self, accepted: StatusMessage, *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """
        Give the original answer when DERMS has this very check.

        :raises MessageKeyReused: when its id came with another body.
        :raises MessageInProgress: when it is being worked on.
        """
        row = status_checks.asked(message=accepted, at=at)
        if row is None:
            return None
        body = msgspec.json.encode(_answer(accepted))
        return Reply(status=200, body=body, run_id=str(row.run_id or ""), repeated=True)

    def claim(self, accepted: StatusMessage, *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:
        """
        Take the check for this run.

        :raises MessageKeyReused: when its id came with another body.
        :raises MessageInProgress: when another run holds it.
        """
        status_checks.claim(message=accepted, run_id=run_id, again=again, at=at)

    def run(self, run: Run, accepted: StatusMessage) -> Outcome:
        """Do the work, step by step."""
        stop = self._ask(run, accepted, started=time.monotonic())
        if stop is not None:
            status_checks.release(run=run.row)
            return fault_answers.stopped(stop, run_id=str(run.row.pk), message_id=accepted.communication_id)
        return Outcome(document=_answer(accepted), ack_type=str(AckCode.SUCCESS))

    def _ask(self, run: Run, message: StatusMessage, *, started: float) -> Stopped | None:
        with run.step("Route by division") as step:
            site = derms_calls.route(run, step, division=message.division, pointer="/sendDetails/deviceInfo/division")
        if isinstance(site, Stopped):
            return site
        with run.step("Send to DERMS") as step:
            target = derms_calls.target(step)
            if isinstance(target, Stopped):
                return target
            try:
                document = run.overlay(
                    MAPPING,
                    message=message.details,
                    base=to_derms(message, connection_id=site.connection_id),
                    step=step,
                )
            except OverlayFailed as error:
                stop = fault_answers.overlay_failed(error)
                step.fail(stop.fault)
                return stop
            answer = derms_calls.send(
                step,
                target=target,
                path=STATUS_CHECK_PATH,
                document=document,
                key=message.communication_id,
                started=started,
            )
            if isinstance(answer, Stopped):
                return answer
            if answer.code is AckCode.ERROR:
                # No answer would ever come: DACS is told now what DERMS has against the check.
                fault = Fault(type=FaultType.BUSINESS, code="refused", reason=f"DERMS refused the check: {answer.text}")
                step.fail(fault)
                return Stopped(fault=fault, status=400, refused=True)
        with run.step("Keep the check open") as step:
            if not status_checks.opened(run=run.row, at=run.clock()):
                step.note({"text": "The ledger has it already, or the answer was here first"})
        return None


def to_derms(message: StatusMessage, *, connection_id: str) -> dict[str, Any]:
    """Give the request to DERMS."""
    return {
        "dacsMessageId": message.communication_id,
        "deviceInfo": {name: message.device[name] for name in CHECKED_DEVICE_LENGTHS if name in message.device},
        "connectivityProperties": enrollment_sync_mapping.connectivity(connection_id),
    }


def _answer(message: StatusMessage) -> dict[str, Any]:
    return {"responseDetails": {"externalId": message.communication_id}}


FLOW = DeviceStatusCheck()
