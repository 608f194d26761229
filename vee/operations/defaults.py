"""The VEE groups and measuring component types that Tieline ships."""

from __future__ import annotations

from typing import Any


GROUPS: list[dict[str, Any]] = [
    {
        "code": "DEFAULT-INTERVAL",
        "description": "Interval meters: what fits the component, gaps of up to two hours filled, no spikes",
        "rules": [
            {"sequence": 10, "rule": "uom_check", "severity": "TERMINATE", "exception_type": "UOM-MISMATCH"},
            {"sequence": 20, "rule": "multiplier_check", "severity": "ISSUE", "exception_type": "MULTIPLIER-MISMATCH"},
            {
                "sequence": 30,
                "rule": "interval_size_validation",
                "severity": "TERMINATE",
                "exception_type": "INTERVAL-SIZE-MISMATCH",
            },
            {
                "sequence": 40,
                "rule": "interval_interpolation_estimation",
                "severity": "INFO",
                "parameters": {"max_hours": 2},
            },
            {
                "sequence": 50,
                "rule": "interval_spike_check",
                "severity": "ISSUE",
                "exception_type": "SPIKE",
                "parameters": {"tolerance": 1.8, "mode": "PER_24H"},
            },
        ],
    },
    {
        "code": "DEFAULT-REGISTER",
        "description": "Register reads: what fits the component",
        "rules": [
            {"sequence": 10, "rule": "uom_check", "severity": "TERMINATE", "exception_type": "UOM-MISMATCH"},
            {"sequence": 20, "rule": "multiplier_check", "severity": "ISSUE", "exception_type": "MULTIPLIER-MISMATCH"},
        ],
    },
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
