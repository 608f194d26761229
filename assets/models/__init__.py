"""The tables of the DACS side. Thin: reads are in `assets.queries`, writes in `assets.operations`."""

from __future__ import annotations

from assets.models.customers import (
    Contact,
    ControllableDevice,
    DeviceLocation,
    ProgramSubscription,
    SubscriptionDevice,
)
from assets.models.enrollments import Communication, DeviceSetup, Enrollment
from assets.models.events import Participation, ProgramEvent
from assets.models.performance import BaselineMethod, EventPerformance
from assets.models.programs import (
    ActivityType,
    CommunicationType,
    DeviceSpecification,
    HeadEndSystem,
    ProcessingMethod,
    Program,
    ServiceTaskType,
)
from assets.models.scores import ControlScore, ScoreCalculation, ScoreCalculationVersion
from assets.models.work import AssetToDo, BatchRun, StatusChange


__all__ = [
    "ActivityType",
    "AssetToDo",
    "BaselineMethod",
    "BatchRun",
    "Communication",
    "CommunicationType",
    "Contact",
    "ControlScore",
    "ControllableDevice",
    "DeviceLocation",
    "DeviceSetup",
    "DeviceSpecification",
    "Enrollment",
    "EventPerformance",
    "HeadEndSystem",
    "Participation",
    "ProcessingMethod",
    "Program",
    "ProgramEvent",
    "ProgramSubscription",
    "ScoreCalculation",
    "ScoreCalculationVersion",
    "ServiceTaskType",
    "StatusChange",
    "SubscriptionDevice",
]
