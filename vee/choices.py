"""States with their labels, and the named groups of them that logic uses."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from vee import codes


class ImdState(models.TextChoices):
    """Life cycle of initial measurement data (`house.md` D8)."""

    PENDING = "PENDING", _("Pending")
    ERROR = "ERROR", _("Error")
    VEE_READY = "VEE_READY", _("VEE ready")
    VEE = "VEE", _("VEE complete")
    EXCEPTION = "EXCEPTION", _("Exception")
    FORCE_COMPLETE = "FORCE_COMPLETE", _("Force complete")
    COMPLETE = "COMPLETE", _("Complete")
    DISCARDED = "DISCARDED", _("Discarded")


# Of these, PENDING manual data waits for a person all the same: see `is_due`.
DUE_STATES = (ImdState.PENDING, ImdState.VEE_READY)
OPEN_STATES = (
    ImdState.PENDING,
    ImdState.ERROR,
    ImdState.VEE_READY,
    ImdState.VEE,
    ImdState.EXCEPTION,
    ImdState.FORCE_COMPLETE,
)
TERMINAL_STATES = (ImdState.COMPLETE, ImdState.DISCARDED)


class ImdKind(models.TextChoices):
    """Where an IMD comes from."""

    INITIAL_LOAD = codes.ImdKind.INITIAL_LOAD.value, _("Initial load")
    MANUAL = codes.ImdKind.MANUAL.value, _("Manual")
    ESTIMATION = codes.ImdKind.ESTIMATION.value, _("Estimation")


def is_due() -> models.Q:
    """Give the condition for IMDs to be processed by themselves; *Perform VEE* releases manual data (`vee.md` 2.4)."""
    return models.Q(state__in=DUE_STATES) & ~models.Q(state=ImdState.PENDING, kind=ImdKind.MANUAL)


class ComponentKind(models.TextChoices):
    """What a measuring component measures with."""

    INTERVAL = codes.ComponentKind.INTERVAL.value, _("Interval")
    SCALAR = codes.ComponentKind.SCALAR.value, _("Scalar")
    SUBTRACTIVE_INTERVAL = codes.ComponentKind.SUBTRACTIVE_INTERVAL.value, _("Subtractive interval")


class Severity(models.TextChoices):
    """What a finding does to the run and to the IMD."""

    INFO = codes.Severity.INFO.value, _("Info")
    ISSUE = codes.Severity.ISSUE.value, _("Issue")
    TERMINATE = codes.Severity.TERMINATE.value, _("Terminate")


class IncomingDataShift(models.TextChoices):
    """How a device's naive times are meant (`vee.md` 7.5)."""

    STANDARD = "STANDARD", _("Always standard time")
    LEGAL = "LEGAL", _("Always legal time")


class GapAction(models.TextChoices):
    """What periodic gap finding does about a gap (`vee.md` 2.5)."""

    ESTIMATE = "ESTIMATE", _("Create an estimation")
    ASK = "ASK", _("Ask a person")


class DerivationMethod(models.TextChoices):
    """How a further value is computed from a measurement (`vee.md` 7.3)."""

    HEATING_VALUE = codes.DerivationMethod.HEATING_VALUE.value, _("Energy of a volume, by its heating value")
    DEMAND = codes.DerivationMethod.DEMAND.value, _("Average demand of an interval's energy")
    FORMULA = codes.DerivationMethod.FORMULA.value, _("Formula")


class ToDoStatus(models.TextChoices):
    """Life cycle of a To Do."""

    OPEN = "OPEN", _("Open")
    BEING_WORKED_ON = "BEING_WORKED_ON", _("Being worked on")
    COMPLETE = "COMPLETE", _("Complete")


class DailyKind(models.TextChoices):
    """What is counted by day, for the trends of the home page."""

    COMPLETE = "COMPLETE", _("Complete")
    EXCEPTION = "EXCEPTION", _("To a person")
    ERROR = "ERROR", _("Error")
    DISCARDED = "DISCARDED", _("Discarded")
    TODO_OPENED = "TODO_OPENED", _("Opened")
    TODO_CLOSED = "TODO_CLOSED", _("Closed")


# IMD states whose entries are counted by day; of the same names on purpose.
DAILY_STATES = (ImdState.COMPLETE, ImdState.EXCEPTION, ImdState.ERROR, ImdState.DISCARDED)


OPEN_TODO_STATUSES = (ToDoStatus.OPEN, ToDoStatus.BEING_WORKED_ON)


class ReadingFileStatus(models.TextChoices):
    """What became of a reading file."""

    RECEIVED = "RECEIVED", _("Received")
    LOADING = "LOADING", _("Loading")
    LOADED = "LOADED", _("Loaded")
    PARTIAL = "PARTIAL", _("Loaded in part")
    FAILED = "FAILED", _("Failed")


class UsageTransactionStatus(models.TextChoices):
    """Life cycle of a usage transaction (`vee.md` 8)."""

    PENDING = "PENDING", _("Pending")
    CALCULATION_DEFERRED = "CALCULATION_DEFERRED", _("Calculation deferred")
    CALCULATED = "CALCULATED", _("Calculated")
    ISSUE_DETECTED = "ISSUE_DETECTED", _("Issue detected")
    SENT = "SENT", _("Sent")
    SUBSEQUENT_CORRECTION = "SUBSEQUENT_CORRECTION", _("Subsequent correction")
    DISCARDED = "DISCARDED", _("Discarded")


class TrialStatus(models.TextChoices):
    """How far a rule trial is."""

    REQUESTED = "REQUESTED", _("Requested")
    RUNNING = "RUNNING", _("Running")
    DONE = "DONE", _("Done")
    FAILED = "FAILED", _("Failed")
    PROMOTED = "PROMOTED", _("Promoted")


# A person or the sweep may (re)calculate or discard it.
USAGE_NOT_SENT = (
    UsageTransactionStatus.PENDING,
    UsageTransactionStatus.CALCULATION_DEFERRED,
    UsageTransactionStatus.CALCULATED,
    UsageTransactionStatus.ISSUE_DETECTED,
)
# Changed measurements make its figures stale, or call for a correction.
USAGE_SENSITIVE = (
    UsageTransactionStatus.CALCULATION_DEFERRED,
    UsageTransactionStatus.CALCULATED,
    UsageTransactionStatus.ISSUE_DETECTED,
    UsageTransactionStatus.SENT,
)


class ColumnArrangement(models.TextChoices):
    """What a row of a column profile stands for."""

    ROW_PER_READING = "ROW_PER_READING", _("One reading in a row")
    ROW_PER_DAY = "ROW_PER_DAY", _("One day in a row, its values side by side")


class ColumnContent(models.TextChoices):
    """What the rows of a column profile measure."""

    INTERVAL = "INTERVAL", _("Quantities of intervals")
    REGISTER = "REGISTER", _("Reads of a register")


class ColumnDelimiter(models.TextChoices):
    """What separates the fields of a text."""

    COMMA = ",", _("comma ,")
    SEMICOLON = ";", _("semicolon ;")
    TAB = "\t", _("tab")
    BAR = "|", _("bar |")


class ColumnEncoding(models.TextChoices):
    """How a text is encoded."""

    UTF_8 = "utf-8", _("UTF-8")
    UTF_16 = "utf-16", _("UTF-16")
    LATIN_1 = "iso-8859-1", _("ISO 8859-1 (Latin 1)")
    WINDOWS = "cp1252", _("Windows 1252")


class ColumnTimeShift(models.TextChoices):
    """By which clock the times of a column profile are read."""

    DEVICE = "DEVICE", _("As each device says")
    STANDARD = "STANDARD", _("Always standard time")
    LEGAL = "LEGAL", _("Always legal time")


class ColumnLabel(models.TextChoices):
    """Which end of its interval a time names."""

    START = "START", _("The start of the interval")
    END = "END", _("The end of the interval")


class ColumnDayColumns(models.TextChoices):
    """What the n-th value of a day is when the clock changes."""

    SEQUENCE = "SEQUENCE", _("The n-th interval of the day")
    CLOCK = "CLOCK", _("The interval that begins at the column's time of day")
