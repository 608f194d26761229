"""Meter master data and small NEM12 texts of our own making."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from vee import models
from vee.engine.calendar import standard_offset_seconds


AT = dt.datetime(2026, 3, 4, 5, 6, 7, tzinfo=dt.UTC)


def service_point(identifier: str = "SP-NY", time_zone: str = "America/New_York") -> models.ServicePoint:
    """A service point."""
    return models.ServicePoint.objects.create(
        identifier=identifier, time_zone=time_zone, standard_offset_seconds=standard_offset_seconds(time_zone)
    )


def component_type(identifier: str = "RES-15MIN-KWH", **fields: Any) -> models.MeasuringComponentType:
    """A measuring component type: 15-minute kWh unless told otherwise."""
    values = {"component_kind": "INTERVAL", "seconds_per_interval": 900, "uom": "KWH", **fields}
    return models.MeasuringComponentType.objects.create(identifier=identifier, **values)


def component(
    identifier: str = "MC-NY",
    *,
    type: models.MeasuringComponentType | None = None,  # noqa: A002  (the field's own word)
    **fields: Any,
) -> models.MeasuringComponent:
    """A measuring component with a type and a service point of its own unless they are given."""
    if "service_point" not in fields:
        fields["service_point"] = service_point(f"SP-{identifier}")
    return models.MeasuringComponent.objects.create(identifier=identifier, type=type or component_type(), **fields)


def day(date: str, values: Sequence[object], flag: str = "A", *rest: str) -> str:
    """A 300 row."""
    tail = list(rest) + [""] * (4 - len(rest))
    return ",".join(["300", date, *map(str, values), flag, *tail])


def stream(nmi: str = "NMI0000001", suffix: str = "E1", minutes: int = 30, uom: str = "kWh") -> str:
    """A 200 row."""
    return f"200,{nmi},E1,1,{suffix},N1,METER1,{uom},{minutes},"


def nem12(*rows: str, end: str = "\n") -> bytes:
    """A whole file: header, rows, end."""
    return (end.join(["100,NEM12,202603040506,MDP1,RET1", *rows, "900"]) + end).encode()
