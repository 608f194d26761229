"""Condition codes, severities and outcomes: plain values that the engine shares with everything above it."""

from __future__ import annotations

import enum


# The value of an interval that has none: the lowest number of 64 bits. PostgreSQL stores NULL in its place.
NO_VALUE = -(2**63)


class Condition(enum.IntEnum):
    """
    The quality of one value, six digits; the first digit is the band (`vee.md` 6.2).

    Rules compare bands and ranges, never single codes. Only 102000 is the vendor's own number.
    """

    NO_READ_OUTAGE = 101000
    NO_READ_DISCONNECTED = 102000
    NO_READ_OTHER = 109000
    MISSING = 201000
    MISSING_PULSE_OVERFLOW = 201100
    MISSING_TEST_MODE = 201200
    MISSING_ERROR_VALUE = 201300
    SYSTEM_ESTIMATED = 301000
    ESTIMATED_INTERPOLATED = 301100
    ESTIMATED_AVERAGED = 301200
    ESTIMATED_PROFILE = 301300
    ESTIMATED_PRORATED = 301400
    EXTERNAL_ESTIMATED = 401000
    EXTERNAL_ESTIMATED_LOW = 401100
    EXTERNAL_ESTIMATED_FINAL = 409000
    REGULAR = 501000
    SUPER = 601000


class Band(enum.Enum):
    """Ranges of condition codes, inclusive on both ends."""

    NO_READ = (100000, 199999)
    OUTAGE = (101000, 101999)
    DISCONNECTED = (102000, 102999)
    MISSING = (200000, 299999)
    SYSTEM_ESTIMATE = (300000, 399999)
    EXTERNAL_ESTIMATE = (400000, 499999)
    REGULAR = (500000, 599999)
    SUPER = (600000, 699999)

    @property
    def low(self) -> int:
        return self.value[0]

    @property
    def high(self) -> int:
        return self.value[1]


CONDITION_NAMES: dict[int, str] = {
    Condition.NO_READ_OUTAGE: "No Read - Outage",
    Condition.NO_READ_DISCONNECTED: "No Read - Disconnected",
    Condition.NO_READ_OTHER: "No Read - Other",
    Condition.MISSING: "Missing",
    Condition.MISSING_PULSE_OVERFLOW: "Missing, pulse overflow",
    Condition.MISSING_TEST_MODE: "Missing, meter in test mode",
    Condition.MISSING_ERROR_VALUE: "Missing, error value of the head-end system",
    Condition.SYSTEM_ESTIMATED: "System Estimated",
    Condition.ESTIMATED_INTERPOLATED: "System Estimated, interpolated",
    Condition.ESTIMATED_AVERAGED: "System Estimated, averaged",
    Condition.ESTIMATED_PROFILE: "System Estimated, profile",
    Condition.ESTIMATED_PRORATED: "System Estimated, prorated",
    Condition.EXTERNAL_ESTIMATED: "External Estimated",
    Condition.EXTERNAL_ESTIMATED_LOW: "External Estimated, forward estimate",
    Condition.EXTERNAL_ESTIMATED_FINAL: "External Estimated, final",
    Condition.REGULAR: "Regular",
    Condition.SUPER: "Super",
}


def condition_name(code: int) -> str:
    """Give the name that people read for a condition code; an unknown code is named after its band."""
    if code in CONDITION_NAMES:
        return CONDITION_NAMES[code]
    for band in (
        Band.NO_READ,
        Band.MISSING,
        Band.SYSTEM_ESTIMATE,
        Band.EXTERNAL_ESTIMATE,
        Band.REGULAR,
        Band.SUPER,
    ):
        if band.low <= code <= band.high:
            return f"{band.name.replace('_', ' ').title()} ({code})"
    return str(code)


class Severity(enum.StrEnum):
    """What a finding does to the run and to the IMD (`vee.md` 3.5)."""

    INFO = "INFO"
    ISSUE = "ISSUE"
    TERMINATE = "TERMINATE"


BLOCKING_SEVERITIES = frozenset({Severity.ISSUE, Severity.TERMINATE})


class ComponentKind(enum.StrEnum):
    """What a measuring component measures with."""

    INTERVAL = "INTERVAL"
    SCALAR = "SCALAR"
    SUBTRACTIVE_INTERVAL = "SUBTRACTIVE_INTERVAL"


class ImdKind(enum.StrEnum):
    """Where an IMD comes from; decides the role of the VEE group that it passes (`vee.md` 3.1)."""

    INITIAL_LOAD = "INITIAL_LOAD"
    MANUAL = "MANUAL"
    ESTIMATION = "ESTIMATION"


class DerivationMethod(enum.StrEnum):
    """How a further value is computed from a measurement (`vee.md` 7.3)."""

    HEATING_VALUE = "HEATING_VALUE"
    DEMAND = "DEMAND"
    FORMULA = "FORMULA"


class Role(enum.StrEnum):
    """The role in which a measuring component or its type names a VEE group."""

    INITIAL_LOAD = "INITIAL_LOAD"
    MANUAL_OVERRIDE = "MANUAL_OVERRIDE"
    ESTIMATION = "ESTIMATION"


ROLE_OF_KIND: dict[ImdKind, Role] = {
    ImdKind.INITIAL_LOAD: Role.INITIAL_LOAD,
    ImdKind.MANUAL: Role.MANUAL_OVERRIDE,
    ImdKind.ESTIMATION: Role.ESTIMATION,
}


class UsageIssue(enum.StrEnum):
    """What stands against sending usage."""

    NO_COMPONENT = "NO_COMPONENT"
    NO_MEASUREMENT = "NO_MEASUREMENT"
    MISSING_DATA = "MISSING_DATA"
    NEGATIVE = "NEGATIVE"
    UNREADABLE = "UNREADABLE"
    NOT_SENT = "NOT_SENT"
    NOT_DELIVERED = "NOT_DELIVERED"


# Data that may still come: usage can wait for it.
INCOMPLETE_ISSUES = frozenset({UsageIssue.NO_COMPONENT, UsageIssue.NO_MEASUREMENT, UsageIssue.MISSING_DATA})
# These are about the way to the recipient: the figures are good, and may be sent again as they are.
DELIVERY_ISSUES = frozenset({UsageIssue.NOT_SENT, UsageIssue.NOT_DELIVERED})
