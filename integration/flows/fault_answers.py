"""How a request/response flow tells its caller that a message did not get through (`integration.md` 2.4)."""

from __future__ import annotations

from dataclasses import dataclass

from foundation.api.problems import problem_document
from integration.flows import applied_overlays
from integration.flows.contract import Fault, Finding, Outcome
from integration.flows.overlays import OverlayFailed
from outbound.retry import FaultType


_CODES = {400: "upstream_error", 502: "upstream_error", 503: "unavailable", 504: "upstream_timeout"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """
    Why a run ends here, and the HTTP status that its caller gets.

    `refused`: the target turned the message down as it is and took nothing of it.
    """

    fault: Fault
    status: int
    findings: tuple[Finding, ...] = ()
    refused: bool = False


def stopped(stop: Stopped, *, run_id: str, message_id: str) -> Outcome:
    """Give the outcome with its problem document; people are told of everything but a business fault."""
    code = "validation" if stop.fault.type is FaultType.BUSINESS else _CODES.get(stop.status, "upstream_error")
    document = problem_document(
        status_code=stop.status,
        code=code,
        detail=stop.fault.reason,
        errors=[finding.as_error() for finding in stop.findings],
        instance=f"urn:uuid:{run_id}",
        extra={"faultType": str(stop.fault.type), "instanceId": run_id, "messageId": message_id},
    )
    return Outcome(
        document=document,
        status=stop.status,
        ack_type=document["ackType"],
        fault=stop.fault,
        notify=stop.fault.type is not FaultType.BUSINESS,
    )


def configuration(error: Exception) -> Stopped:
    """Give the stop that something missing or wrong in the configuration is."""
    return Stopped(fault=Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error)), status=503)


def overlay_failed(error: OverlayFailed) -> Stopped:
    """Give the stop that an overlay is which cannot be applied to the message; its findings point into the target."""
    return Stopped(fault=applied_overlays.fault_of(error), status=503, findings=error.findings)


def not_in_lookup(*, table: str, name: str, value: str, pointer: str) -> Stopped:
    """Give the stop that a value without counterpart is: a business fault that names the table and the value."""
    message = f"{name} {value} is not in the lookup {table}"
    finding = Finding(pointer=pointer, code="not_in_lookup", message=message)
    return Stopped(
        fault=Fault(type=FaultType.BUSINESS, code="not_in_lookup", reason=message),
        status=400,
        findings=(finding,),
    )
