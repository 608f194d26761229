"""The tables of meter data. Thin: reads are in `vee.queries`, writes in `vee.operations`."""

from __future__ import annotations

from vee.models.column_profiles import ColumnProfile
from vee.models.exceptions import VeeException
from vee.models.imds import ImdEdit, ImdPayload, ImdPostVee, ImdTransition, InitialMeasurement
from vee.models.measurements import (
    MeasurementBlock,
    MeasurementBlockHistory,
    RegisterMeasurement,
    RegisterMeasurementHistory,
)
from vee.models.meters import (
    Device,
    MeasuringComponent,
    MeasuringComponentType,
    Outage,
    ServicePoint,
)
from vee.models.reading_files import ReadingFile, ReadingFileError
from vee.models.rules import VeeExceptionType, VeeGroup, VeeRule
from vee.models.todos import ToDo, ToDoType
from vee.models.usage import UsageSubscription, UsageTransaction


__all__ = [
    "ColumnProfile",
    "Device",
    "ImdEdit",
    "ImdPayload",
    "ImdPostVee",
    "ImdTransition",
    "InitialMeasurement",
    "MeasurementBlock",
    "MeasurementBlockHistory",
    "MeasuringComponent",
    "MeasuringComponentType",
    "Outage",
    "ReadingFile",
    "ReadingFileError",
    "RegisterMeasurement",
    "RegisterMeasurementHistory",
    "ServicePoint",
    "ToDo",
    "ToDoType",
    "UsageSubscription",
    "UsageTransaction",
    "VeeException",
    "VeeExceptionType",
    "VeeGroup",
    "VeeRule",
]
