"""Readings for page tests: a plausible day of one household."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from vee.operations import intake, master_data, processing


AT = dt.datetime(2026, 1, 6, 9, tzinfo=dt.UTC)
START = dt.datetime(2026, 1, 5, 5, tzinfo=dt.UTC)
SPIKED = 73


def a_day() -> list[Decimal | None]:
    """96 quarter-hours in kWh: a low night, a morning and an evening peak."""
    shape = [18, 16, 15, 15, 16, 22, 38, 55, 48, 36, 30, 28, 30, 29, 28, 30, 38, 56, 74, 80, 72, 58, 40, 26]
    return [Decimal(shape[index // 4] + index % 4) / 100 for index in range(96)]


def register(name: str) -> None:
    """Make a service point in New York with one quarter-hourly component."""
    answers = master_data.upsert(
        [
            {"kind": "service_point", "id": f"SP-{name}", "time_zone": "America/New_York"},
            {"kind": "device", "id": f"DEV-{name}", "service_point": f"SP-{name}"},
            {
                "kind": "measuring_component",
                "id": name,
                "type": "RES-15MIN-KWH",
                "device": f"DEV-{name}",
                "service_point": f"SP-{name}",
            },
        ],
        at=AT,
    )
    assert [answer.errors for answer in answers] == [[], [], []]


def receive(name: str, values: list[Decimal | None], **fields: Any) -> int:
    """Take a day in and run VEE on it; give the IMD's id."""
    record = {
        "measuring_component": name,
        "start": START.isoformat(),
        "end": (START + dt.timedelta(days=1)).isoformat(),
        "seconds_per_interval": 900,
        "uom": "KWH",
        "kind": "INITIAL_LOAD",
        "multiplier": 1,
        "external_id": f"HES-{name}",
        "values": values,
        **fields,
    }
    (result,) = intake.receive_imds(records=[record], at=AT)
    assert result.problem is None, result
    processing.process_due(at=AT)
    assert result.id is not None
    return result.id
