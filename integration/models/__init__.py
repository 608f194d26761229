"""Models of integration: flows, their runs with evidence, the enrollment ledger, incidents."""

from __future__ import annotations

from integration.models.enrollments import EnrollmentRecord
from integration.models.flows import Flow
from integration.models.incidents import Incident
from integration.models.runs import FlowRun, Payload, RunIdentifier, RunStep, RunTransition


__all__ = [
    "EnrollmentRecord",
    "Flow",
    "FlowRun",
    "Incident",
    "Payload",
    "RunIdentifier",
    "RunStep",
    "RunTransition",
]
