"""
Device Status Ack: DERMS answers a status check, DACS gets the answer (`integration.md` 3.5).

SUCCESS and FAILURE say how the device is: both are answers, and forwarding either is a success. Only DACS not taking
the answer is a fault: DERMS gets FAILURE, and people are told. An answer to a check that never came by is forwarded all
the same (C-45).
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec

from integration.flows import acknowledgements, applied_overlays, dacs_answers, device_status_answer, peer_calls
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault, Outcome, Reply
from integration.flows.device_status_answer import StatusAnswer
from integration.flows.overlays import OverlayFailed
from integration.flows.peer_calls import Call
from integration.flows.run import Run
from integration.flows.step import Step
from integration.operations import status_checks
from outbound import queries as outbound_queries
from outbound.retry import FaultType, classify_status
from outbound.transports import rest
from outbound.transports.base import TransportError


DACS = "DACS"
MAPPING = "device_status_ack"
# Below the connection's base address.
RESPONSE_PATH = "/rest/apis/cross/digitalAssets/controllableDeviceStatus/response"
_VALUE_LENGTH = 900


class DeviceStatusAck:
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    def accept(self, document: Any) -> StatusAnswer:
        """
        Check the message.

        :raises MessageRefused: when it does not fit.
        """
        return device_status_answer.read(document)

    def identifiers(self, accepted: StatusAnswer) -> list[tuple[str, str]]:
        """Give the communication."""
        return [("communicationId", accepted.communication_id)]

    def recall(self, accepted: StatusAnswer, *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """
        Give the original acknowledgement when DACS has this very answer.

        :raises MessageKeyReused: when the check was answered with another body.
        :raises MessageInProgress: when it is being worked on.
        """
        row = status_checks.answered(answer=accepted, at=at)
        if row is None:
            return None
        return Reply(
            status=200, body=msgspec.json.encode(row.reply), run_id=str(row.answer_run_id or ""), repeated=True
        )

    def claim(self, accepted: StatusAnswer, *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:
        """
        Take the answer for this run.

        :raises MessageKeyReused: when the check was answered with another body.
        :raises MessageInProgress: when another run holds it.
        """
        status_checks.claim_answer(answer=accepted, run_id=run_id, again=again, at=at)

    def run(self, run: Run, accepted: StatusAnswer) -> Outcome:
        """Do the work, step by step."""
        with run.step("Find the check") as step:
            if not status_checks.was_asked(communication_id=accepted.communication_id):
                step.warn(f"No check {accepted.communication_id} came by here: the answer is forwarded all the same")
        with run.step("Send to DACS") as step:
            value, fault = _forwarded(run, step, accepted)
        with run.step("Answer DERMS"):
            at = run.clock()
            entry = acknowledgements.response(
                code=AckCode.SUCCESS if fault is None else AckCode.FAILURE,
                answer_id="",
                value=value[:_VALUE_LENGTH],
                message_id="",
                dacs_message_id=accepted.communication_id,
                at=at,
            )
            # Neither is known here: the answer of a check has no id and no messageId of its own.
            del entry["id"], entry["messageId"]
            document = acknowledgements.message_acknowledgement(responses=[entry], at=at)
            status_checks.settle_answer(run=run.row, reply=document, forwarded=fault is None)
        return Outcome(document=document, ack_type=document["ackType"], fault=fault, notify=fault is not None)


def _forwarded(run: Run, step: Step, answer: StatusAnswer) -> tuple[str, Fault | None]:
    """Give DACS the answer; give what DERMS is told, and the fault when DACS did not take it."""
    try:
        client = rest.client(outbound_queries.connection(DACS))
        document = run.overlay(MAPPING, message=answer.message, base=device_status_answer.to_dacs(answer), step=step)
    except outbound_queries.UnknownConnection as error:
        fault = Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error))
    except OverlayFailed as error:
        fault = applied_overlays.fault_of(error)
    except TransportError as error:
        fault, _status = peer_calls.fault_of(error, peer=DACS)
    else:
        call = peer_calls.call(
            client=client,
            peer=DACS,
            method="POST",
            path=RESPONSE_PATH,
            document=document,
            idempotency_key=f"{answer.communication_id}-{answer.result}",
        )
        found = _fault(call)
        step.exchange(
            request=call.request,
            response=call.response,
            label=answer.communication_id,
            succeeded=found is None,
            media_type=call.media_type,
        )
        if found is None:
            return device_status_answer.bo_status(call.document), None
        fault = found
    step.fail(fault)
    return fault.reason, fault


def _fault(call: Call) -> Fault | None:
    if call.fault is not None:
        return call.fault
    if 200 <= call.status < 300:
        if call.document is not peer_calls.NOT_JSON:
            return None
        reason = f"DACS answered {call.status} with a body that is not JSON"
        return Fault(type=FaultType.REMOTE, code="upstream_error", reason=reason)
    text = dacs_answers.problem_text(call.document)
    reason = peer_calls.status_text(call.status, peer=DACS) + (f": {text}" if text else "")
    # The guide wants a mail for any refusal (C-20): there is nobody else to act on it.
    business = classify_status(call.status) is FaultType.BUSINESS
    return Fault(
        type=FaultType.TECHNICAL if business else FaultType.REMOTE, code=str(call.status), reason=reason[:1000]
    )


FLOW = DeviceStatusAck()
