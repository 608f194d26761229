"""Models of integration: flows, their runs with evidence, the enrollment ledger, incidents."""

from __future__ import annotations

from integration.models.cancellations import Cancellation
from integration.models.configuration import AppliedConfiguration
from integration.models.control import FlowSchedule, FlowStatistics, Pause, ScheduleSlot, ZoneHeartbeat
from integration.models.devices import DeviceStatusCheck, EnrollmentSync
from integration.models.enrollments import EnrollmentRecord
from integration.models.events import Event, Reservation
from integration.models.files import FileAttempt, Segment, StoredFile
from integration.models.flows import Flow
from integration.models.home import HomeLook, SetupReview
from integration.models.incidents import Incident
from integration.models.mappings import MappingOverlay, MappingOverlayField, UnmappedElement
from integration.models.outcomes import Outcome
from integration.models.reports import ReportDelivery, ReportSchedule
from integration.models.runs import FlowRun, Payload, RunIdentifier, RunStep, RunTransition
from integration.models.transferred_files import TransferredFile, TransferredFileEvent
from integration.models.unmapped_codes import UnmappedCode


__all__ = [
    "AppliedConfiguration",
    "Cancellation",
    "DeviceStatusCheck",
    "EnrollmentRecord",
    "EnrollmentSync",
    "Event",
    "FileAttempt",
    "Flow",
    "FlowRun",
    "FlowSchedule",
    "FlowStatistics",
    "HomeLook",
    "Incident",
    "MappingOverlay",
    "MappingOverlayField",
    "Outcome",
    "Pause",
    "Payload",
    "ReportDelivery",
    "ReportSchedule",
    "Reservation",
    "RunIdentifier",
    "RunStep",
    "RunTransition",
    "ScheduleSlot",
    "Segment",
    "SetupReview",
    "StoredFile",
    "TransferredFile",
    "TransferredFileEvent",
    "UnmappedCode",
    "UnmappedElement",
    "ZoneHeartbeat",
]
