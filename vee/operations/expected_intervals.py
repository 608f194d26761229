"""Which intervals were to come: what the completeness of days is measured against."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.db.models.fields.json import KeyTextTransform

from vee.models import InstallEvent, MeasuringComponent, MeasuringComponentType, OffPeriod
from vee.storage import fetch_rows


ROUTE = "measurement_cycle_route"
"""The characteristic of a service point that names its measurement cycle route."""

_ROUTE_LENGTH = 60


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Components that share a zone: their ids, routes, devices, and since when they are known."""

    zone: str
    offset: int
    ids: list[int]
    routes: list[str]
    devices: list[int | None]
    created: list[int]


def places_of(kind: MeasuringComponentType) -> list[Place]:
    """Give the components of a type by the zone that they stand in; one query."""
    rows = (
        MeasuringComponent.objects.filter(type=kind)
        .annotate(
            own_route=KeyTextTransform(ROUTE, "service_point__characteristics"),
            device_route=KeyTextTransform(ROUTE, "device__service_point__characteristics"),
        )
        .order_by("pk")
        .values_list(
            "pk", "device", "created_at",
            "service_point__time_zone", "service_point__standard_offset_seconds", "own_route",
            "device__service_point__time_zone", "device__service_point__standard_offset_seconds", "device_route",
        )
    )  # fmt: skip
    places: dict[tuple[str, int], Place] = {}
    for pk, device, created, zone, offset, route, device_zone, device_offset, device_route in fetch_rows(rows):
        key = (zone, offset) if zone is not None else (device_zone or "UTC", device_offset or 0)
        place = places.setdefault(key, Place(*key, [], [], [], []))
        place.ids.append(pk)
        place.routes.append(str((route if zone is not None else device_route) or "")[:_ROUTE_LENGTH])
        place.devices.append(device)
        place.created.append(int(created.timestamp()))
    return list(places.values())


@dataclasses.dataclass(frozen=True, slots=True)
class ExpectedIntervals:
    """
    When components were expected to measure, in epoch seconds.

    A device without any installation counts as installed since its component was registered, and before that where it
    measured nevertheless.
    """

    place: Place
    installed: Mapping[int, list[tuple[float, float]]]
    off: Mapping[int, list[tuple[float, float]]]

    @classmethod
    def read(cls, place: Place) -> ExpectedIntervals:
        """Read them for the devices of a place: two queries."""
        devices = {device for device in place.devices if device is not None}
        installed: dict[int, list[tuple[float, float]]] = defaultdict(list)
        off: dict[int, list[tuple[float, float]]] = defaultdict(list)
        events: Any = InstallEvent.objects.filter(device__any_of=devices)
        for device, begin, until in fetch_rows(events.values_list("device", "installed_at", "removed_at")):
            installed[device].append((begin.timestamp(), _until(until)))
        periods: Any = OffPeriod.objects.filter(install_event__device__any_of=devices)
        for device, begin, until in fetch_rows(periods.values_list("install_event__device", "start", "end")):
            off[device].append((begin.timestamp(), _until(until)))
        return cls(place, installed, off)

    def whole(self, row: int, start: int, end: int) -> bool | None:
        """Whether all of a day is expected; None when that has to be looked at."""
        device = self.place.devices[row] or 0
        if any(begin < end and until > start for begin, until in self.off.get(device, [])):
            return None
        events = self.installed.get(device)
        if events is None:
            return True if self.place.created[row] <= start else None
        return True if any(begin <= start and end <= until for begin, until in events) else None

    def some(self, row: int, start: int, end: int) -> bool:
        """Whether any of a day may be expected."""
        events = self.installed.get(self.place.devices[row] or 0)
        if events is None:
            return self.place.created[row] < end
        return any(begin < end and until > start for begin, until in events)

    def expected(self, row: int, starts: np.ndarray, ends: np.ndarray, *, known: np.ndarray) -> np.ndarray:
        """Tell which intervals are expected: those in all of which the device was installed, and not off."""
        device = self.place.devices[row] or 0
        events = self.installed.get(device)
        if events is None:
            wanted = (starts >= self.place.created[row]) | known
        else:
            wanted = _inside(events, starts, ends)
        return wanted & ~_inside(self.off.get(device, []), starts, ends)


def _inside(spans: Sequence[tuple[float, float]], starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    inside = np.zeros(len(starts), dtype=bool)
    for begin, until in spans:
        inside |= (starts >= begin) & (ends <= until)
    return inside


def _until(end: dt.datetime | None) -> float:
    return float("inf") if end is None else end.timestamp()
