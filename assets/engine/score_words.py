"""
The words of score calculations: what formulas may use, with meaning, unit and source (`integration.md` 9).

Plain Python.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A number that is known of each device: `scale` digits behind the decimal point."""

    name: str
    meaning: str
    unit: str
    source: str
    scale: int = 0


VARIABLES = (
    Variable(
        name="CA",
        meaning="Successful event participation limit of a cycle",
        unit="events",
        source="the program's event limit",
    ),
    Variable(
        name="CU",
        meaning="Successful event participations in the current cycle",
        unit="events",
        source="participations with outcome D1SP since the cycle began",
    ),
    Variable(
        name="CAyear",
        meaning="Successful event participation limit of a calendar year",
        unit="events",
        source="the program's event limit per year",
    ),
    Variable(
        name="CUyear",
        meaning="Successful event participations in the current calendar year",
        unit="events",
        source="participations with outcome D1SP since the year began",
    ),
    Variable(name="DP", meaning="Days in the cycle", unit="days", source="the program's cycle and time zone"),
    Variable(name="d", meaning="Day of the cycle, from 1", unit="days", source="the program's cycle and time zone"),
    Variable(
        name="DE",
        meaning="Days elapsed since the last successful participation; DP when there was none",
        unit="days",
        source="dates of the last participation with outcome D1SP and of the score, in the program's time zone",
    ),
    Variable(
        name="specKw",
        meaning="Rated power of the device",
        unit="kW",
        source="the device's specification",
        scale=3,
    ),
    Variable(
        name="referenceKw",
        meaning="Power of a device that counts in full",
        unit="kW",
        source="the program's reference power",
        scale=3,
    ),
    Variable(
        name="communication",
        meaning="How well the device is reached: 1 online, 0.5 stale or never checked, 0 offline",
        unit="ratio",
        source="the last status check",
        scale=1,
    ),
    Variable(
        name="successes",
        meaning="Successful participations in the months looked back",
        unit="events",
        source="participations with outcome D1SP",
    ),
    Variable(
        name="attempts",
        meaning="Attempted participations in the months looked back",
        unit="events",
        source="participations with outcome D1SP, D1IO, D1ND or D1ER",
    ),
    Variable(
        name="active",
        meaning="1 while the subscription is active and the program is under way, else 0",
        unit="flag",
        source="periods of the program subscription and the program",
    ),
    Variable(
        name="optedOut",
        meaning="1 while the customer takes no part in events, else 0",
        unit="flag",
        source="the subscription's opted out until",
    ),
    Variable(
        name="reserved",
        meaning="1 when a reservation overlaps the hours that the score is for, else 0",
        unit="flag",
        source="reserved participations",
    ),
)
NAMES = tuple(variable.name for variable in VARIABLES)
BY_NAME = {variable.name: variable for variable in VARIABLES}

RESULTS = {
    "n": "Cycle index: row of the factor tables",
    "AV": "Availability",
    "BR": "Burn rate",
    "AC": "Activation cost",
    "cap": "Capacity beside that of the program's reference",
    "comm": "Communication",
    "rel": "Reliability",
    "SC": "Score",
}
"""What the formulas of the default are called in words; BRn and SNn are its tables: burn-rate and score factors."""

SCORE = "SC"
NOT_ELIGIBLE = "NOT_ELIGIBLE"
NOT_CALCULATED = "NOT_CALCULATED"

DEFAULT: dict[str, object] = {
    "formulas": [
        {"name": "n", "expression": "CU + 1"},
        {"name": "AV", "expression": "1 if CU < CA else 0"},
        {"name": "BR", "expression": "factor(BRn, n) * (CU / CA) / (d / DP)"},
        {"name": "AC", "expression": "BR"},
        {"name": "cap", "expression": "min(1, specKw / referenceKw)"},
        {"name": "comm", "expression": "communication"},
        {"name": "rel", "expression": "(successes + 1) / (attempts + 2)"},
        {
            "name": "SC",
            "expression": "factor(SNn, n) * AV * (0.5 + 0.5 * min(DE, DP) / DP) / (1 + AC) * cap * comm * rel",
        },
    ],
    "tables": {"BRn": ["1", "1", "1.5", "2"], "SNn": ["100", "90", "70", "40"]},
    "eligible": "AV == 1 and comm > 0 and active == 1 and CUyear < CAyear and optedOut == 0 and reserved == 0",
    "reasons": [
        {"code": "NOT_ACTIVE", "condition": "active == 0"},
        {"code": "OPTED_OUT", "condition": "optedOut == 1"},
        {"code": "EVENT_LIMIT_REACHED", "condition": "AV == 0"},
        {"code": "YEAR_LIMIT_REACHED", "condition": "CUyear >= CAyear"},
        {"code": "DEVICE_OFFLINE", "condition": "comm == 0"},
        {"code": "RESERVED", "condition": "reserved == 1"},
    ],
    "history_months": 12,
    "stale_hours": 24,
    "reservation_hours": 24,
}
"""`integration.md` 9.2."""
