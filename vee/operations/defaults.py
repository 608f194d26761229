"""The VEE groups and measuring component types that Tieline ships."""

from __future__ import annotations

from typing import Any


def _rules(*rules: dict[str, Any]) -> list[dict[str, Any]]:
    """Number rules by tens."""
    return [{"sequence": place * 10, **rule} for place, rule in enumerate(rules, start=1)]


_FITS_ANY_COMPONENT: tuple[dict[str, Any], ...] = (
    {"rule": "uom_check", "severity": "TERMINATE", "exception_type": "UOM-MISMATCH"},
    {"rule": "multiplier_check", "severity": "ISSUE", "exception_type": "MULTIPLIER-MISMATCH"},
)
_FITS_AN_INTERVAL_COMPONENT: tuple[dict[str, Any], ...] = (
    *_FITS_ANY_COMPONENT,
    {"rule": "interval_size_validation", "severity": "TERMINATE", "exception_type": "INTERVAL-SIZE-MISMATCH"},
)
_SPIKES: dict[str, Any] = {
    "rule": "interval_spike_check",
    "severity": "ISSUE",
    "exception_type": "SPIKE",
    "parameters": {"tolerance": 1.8, "mode": "PER_24H"},
}
_NOTHING_MISSING: dict[str, Any] = {
    "rule": "raise_missing_quantity_exception",
    "severity": "ISSUE",
    "exception_type": "MISSING-QUANTITY",
}


def _interpolated(**limit: Any) -> dict[str, Any]:
    return {"rule": "interval_interpolation_estimation", "severity": "INFO", "parameters": limit}


def _averaged(description: str, severity: str = "INFO", **parameters: Any) -> dict[str, Any]:
    return {
        "rule": "interval_averaging_estimation",
        "description": description,
        "severity": severity,
        "exception_type": "INSUFFICIENT-HISTORY",
        "parameters": parameters,
    }


# The profiles of `vee.md` 9.7. What stays missing holds the IMD by their last rule, so that an estimation which finds
# too little history only notes it.
_PROFILES: list[dict[str, Any]] = [
    {
        "code": "CA",
        "description": "California: two hours interpolated, longer gaps from three like weekdays, spikes of a day",
        "rules": _rules(
            *_FITS_AN_INTERVAL_COMPONENT,
            _interpolated(max_hours=2),
            _averaged("Reference days", comparison_search=["SAME_WEEKDAY"], days_to_average=3, max_days_back=60),
            _SPIKES,
            _NOTHING_MISSING,
        ),
    },
    {
        "code": "CAISO",
        "description": "California ISO: one hour interpolated, longer gaps from the three weeks before",
        "rules": _rules(
            *_FITS_AN_INTERVAL_COMPONENT,
            _interpolated(max_hours=1),
            _averaged("Historical", comparison_search=["SAME_WEEKDAY"], days_to_average=3, max_days_back=21),
            _NOTHING_MISSING,
        ),
    },
    {
        "code": "NEM",
        "description": "Australian market: methods 17, 14, 15, and 20 or 22",
        "rules": _rules(
            *_FITS_AN_INTERVAL_COMPONENT,
            _interpolated(max_hours=2),
            _averaged("14 Retrospective like day", comparison_search=["NEM_LIKE_DAY"], days_to_average=1),
            _averaged(
                "15 Retrospective average like day",
                comparison_search=["SAME_WEEKDAY"],
                days_to_average=4,
                max_days_back=28,
            ),
            _averaged(
                "20, 22 Prospective (average) like day",
                comparison_search=["SAME_WEEKDAY"],
                days_to_average=4,
                max_days_back=0,
                max_days_forward=28,
            ),
            _NOTHING_MISSING,
        ),
    },
    {
        "code": "DE",
        "description": "Germany: three intervals interpolated, longer gaps from the seven days before",
        "rules": _rules(
            *_FITS_AN_INTERVAL_COMPONENT,
            _interpolated(max_consecutive_intervals=3),
            _averaged("Prior week", comparison_search=["NEIGHBOUR_DAY"], days_to_average=7, max_days_back=7),
            _NOTHING_MISSING,
        ),
    },
    {
        "code": "ORACLE_DEFAULT",
        "description": "The rules' own defaults: interpolation, averaging, spikes",
        "rules": _rules(
            *_FITS_AN_INTERVAL_COMPONENT, _interpolated(), _averaged("Averaging"), _SPIKES, _NOTHING_MISSING
        ),
    },
]

GROUPS: list[dict[str, Any]] = [
    {
        "code": "DEFAULT-INTERVAL",
        "description": "Interval meters: what fits the component, gaps of up to two hours filled, no spikes",
        "rules": _rules(*_FITS_AN_INTERVAL_COMPONENT, _interpolated(max_hours=2), _SPIKES),
    },
    {
        "code": "DEFAULT-REGISTER",
        "description": "Register reads: what fits the component",
        "rules": _rules(*_FITS_ANY_COMPONENT),
    },
    *_PROFILES,
]

COMPONENT_TYPES: list[dict[str, Any]] = [
    *(
        {
            "id": f"RES-{minutes}MIN-KWH",
            "description": f"Energy every {minutes} minutes",
            "component_kind": "INTERVAL",
            "seconds_per_interval": minutes * 60,
            "uom": "KWH",
            "vee_groups": dict.fromkeys(("INITIAL_LOAD", "MANUAL_OVERRIDE", "ESTIMATION"), "DEFAULT-INTERVAL"),
        }
        for minutes in (5, 15, 30, 60)
    ),
    {
        "id": "REG-KWH",
        "description": "Energy register",
        "component_kind": "SCALAR",
        "uom": "KWH",
        "vee_groups": dict.fromkeys(("INITIAL_LOAD", "MANUAL_OVERRIDE", "ESTIMATION"), "DEFAULT-REGISTER"),
    },
]
