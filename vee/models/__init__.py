"""The tables of meter data. Thin: reads are in `vee.queries`, writes in `vee.operations`."""

from __future__ import annotations

from vee.models.column_profiles import ColumnProfile
from vee.models.completeness import DayCompleteness, DayCompletenessDue
from vee.models.daily_counts import DailyCount, DailyCountCursor
from vee.models.direct import DirectLoad
from vee.models.exceptions import VeeException
from vee.models.imds import ImdEdit, ImdPayload, ImdPostVee, ImdTransition, InitialMeasurement, RunLog
from vee.models.installations import Holiday, InstallEvent, OffPeriod
from vee.models.measurements import (
    MeasurementBlock,
    MeasurementBlockHistory,
    RegisterMark,
    RegisterMeasurement,
    RegisterMeasurementHistory,
)
from vee.models.meters import (
    Device,
    MeasuringComponent,
    MeasuringComponentProgress,
    MeasuringComponentType,
    Outage,
    ServicePoint,
    ValueDerivation,
)
from vee.models.reading_files import ReadingFile, ReadingFileError
from vee.models.retries import VeeRetryPolicy
from vee.models.rules import Factor, FactorValue, VeeExceptionType, VeeGroup, VeeRule
from vee.models.todos import ToDo, ToDoType
from vee.models.trials import RuleTrial
from vee.models.usage import (
    UsageCorrection,
    UsageSubscription,
    UsageTransaction,
    UsageTransactionTotal,
    UsageTransactionTransition,
)


__all__ = [
    "ColumnProfile",
    "DailyCount",
    "DailyCountCursor",
    "DayCompleteness",
    "DayCompletenessDue",
    "Device",
    "DirectLoad",
    "Factor",
    "FactorValue",
    "Holiday",
    "ImdEdit",
    "ImdPayload",
    "ImdPostVee",
    "ImdTransition",
    "InitialMeasurement",
    "InstallEvent",
    "MeasurementBlock",
    "MeasurementBlockHistory",
    "MeasuringComponent",
    "MeasuringComponentProgress",
    "MeasuringComponentType",
    "OffPeriod",
    "Outage",
    "ReadingFile",
    "ReadingFileError",
    "RegisterMark",
    "RegisterMeasurement",
    "RegisterMeasurementHistory",
    "RuleTrial",
    "RunLog",
    "ServicePoint",
    "ToDo",
    "ToDoType",
    "UsageCorrection",
    "UsageSubscription",
    "UsageTransaction",
    "UsageTransactionTotal",
    "UsageTransactionTransition",
    "ValueDerivation",
    "VeeException",
    "VeeExceptionType",
    "VeeGroup",
    "VeeRetryPolicy",
    "VeeRule",
]
