"""
Common Error Handler: an integration reports a fault, people hear of it (`integration.md` 3.10).

Stored, acknowledged, and told at most once per cause and window. It never answers an error of its own making.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from integration.flows import error_message, registry
from integration.flows.contract import Fault, Outcome, Reply
from integration.flows.error_message import ErrorMessage
from integration.flows.run import Run
from integration.models import Flow
from integration.operations import errors
from outbound.retry import FaultType


class ErrorHandler:
    """The flow; see `integration.flows.contract.PackagedFlow`."""

    def accept(self, document: Any) -> ErrorMessage:
        """
        Read the report.

        :raises MessageRefused: when it does not fit.
        """
        return error_message.read(document)

    def identifiers(self, accepted: ErrorMessage) -> list[tuple[str, str]]:
        """Give the instance that failed, and the business identifiers that it named."""
        named = [(name[:40], value) for name, value in accepted.businessIdentifiers.items() if value]
        return [("instanceId", accepted.instanceId), *named] if accepted.instanceId else named

    def recall(self, accepted: ErrorMessage, *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """Give None: the same report twice means that it happened twice."""
        return None

    def claim(self, accepted: ErrorMessage, *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:
        """Take nothing: reports have no business key."""

    def run(self, run: Run, accepted: ErrorMessage) -> Outcome:
        """Do the work, step by step."""
        with run.step("Report the fault") as step:
            flow = _reported_flow(accepted)
            fault = Fault(
                type=accepted.faultType,
                code=accepted.faultCode,
                reason=accepted.faultReason,
                detail=accepted.faultDetail,
            )
            incident = errors.report(
                flow=flow,
                source=flow.identifier if flow else accepted.integrationIdentifier,
                fault=fault,
                run=run.row,
                identifiers=accepted.businessIdentifiers,
                at=run.clock(),
            )
            if incident is not None:
                step.count(incident=incident.pk, occurrences=incident.occurrences)
            elif fault.type is FaultType.BUSINESS:
                step.warn("A business fault was returned to its caller already: nobody is told")
        return Outcome(document={"instanceId": str(run.row.pk), "ackType": "SUCCESS"}, status=202, ack_type="SUCCESS")


def _reported_flow(message: ErrorMessage) -> Flow | None:
    try:
        declaration = registry.find(message.integrationIdentifier)
    except registry.UnknownFlow:
        return None
    return Flow.objects.filter(identifier=declaration.identifier).first()


FLOW = ErrorHandler()
