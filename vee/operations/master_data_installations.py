"""How installations of devices, and the periods in which they were off, are kept."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from msgspec import UNSET

from vee import models
from vee.events import MasterData
from vee.operations import master_data_records as records
from vee.operations.master_data_keeper import (
    PART,
    Keeper,
    LineRefused,
    by_identifier,
    instant,
    multiplier,
    named,
    unknown,
)


class InstallEvents(Keeper):
    """Known by device and start; a device is installed once at a time."""

    model = models.InstallEvent
    history = False
    told_as = MasterData.DEVICE
    told_key = "device_id"
    guarded = ("removed_at",)

    def load(self, lines: Sequence[Any]) -> None:
        self.devices = by_identifier(models.Device, named(lines, "device"))
        self.points = by_identifier(models.ServicePoint, named(lines, "service_point"))
        self.rows = {}
        self.of_device: dict[int, list[models.InstallEvent]] = defaultdict(list)
        for row in _events_of(self.devices):
            self.rows[row.device.identifier, row.installed_at] = row
            self.of_device[row.device_id].append(row)

    def key(self, line: Any) -> Any:
        return line.device, instant(line.installed_at, "/installed_at")

    def new(self, line: records.InstallEvent) -> models.InstallEvent:
        device = self.devices.get(line.device)
        if device is None:
            raise unknown("device", "device", line.device)
        return models.InstallEvent(device=device, installed_at=instant(line.installed_at, "/installed_at"))

    def values(self, line: records.InstallEvent, row: models.InstallEvent) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if line.service_point is not UNSET:
            point = self.points.get(line.service_point)
            if point is None:
                raise unknown("service_point", "service point", line.service_point)
            found["service_point"] = point
        if line.removed_at is not UNSET:
            found["removed_at"] = None if line.removed_at is None else instant(line.removed_at, "/removed_at")
        if line.multiplier is not UNSET:
            found["multiplier"] = multiplier(line.multiplier)
        return found

    def check(self, row: models.InstallEvent, after: dict[str, Any], *, created: bool) -> None:
        end = after["removed_at"]
        if end is not None and end <= row.installed_at:
            raise LineRefused("/removed_at", "invalid_period", "the removal does not lie after the installation")
        others = self.of_device[row.device_id]
        for other in others:
            if other is not row and _overlap(row.installed_at, end, other.installed_at, other.removed_at):
                raise LineRefused(
                    "/installed_at", "overlap", f"the device is installed from {other.installed_at.isoformat()} on"
                )
        if created:
            others.append(row)


class OffPeriods(Keeper):
    """Known by device and start; a period belongs to the installation in which it begins."""

    model = models.OffPeriod
    history = False
    guarded = ("end",)

    def load(self, lines: Sequence[Any]) -> None:
        self.devices = by_identifier(models.Device, named(lines, "device"))
        self.events: dict[str, list[models.InstallEvent]] = defaultdict(list)
        for event in _events_of(self.devices):
            self.events[event.device.identifier].append(event)
        self.rows = {}
        ids = [event.pk for events in self.events.values() for event in events]
        for begin in range(0, len(ids), PART):
            stored = models.OffPeriod.objects.filter(install_event__in=ids[begin : begin + PART])
            for row in stored.select_related("install_event__device"):
                self.rows[row.install_event.device.identifier, row.start] = row

    def key(self, line: Any) -> Any:
        return line.device, instant(line.start, "/start")

    def new(self, line: records.OffPeriod) -> models.OffPeriod:
        if line.device not in self.devices:
            raise unknown("device", "device", line.device)
        start = instant(line.start, "/start")
        for event in self.events[line.device]:
            if event.installed_at <= start and (event.removed_at is None or start < event.removed_at):
                return models.OffPeriod(install_event=event, start=start)
        raise LineRefused("/start", "not_installed", f"the device {line.device!a} was not installed then")

    def values(self, line: records.OffPeriod, row: models.OffPeriod) -> dict[str, Any]:
        if line.end is UNSET:
            return {}
        return {"end": None if line.end is None else instant(line.end, "/end")}

    def check(self, row: models.OffPeriod, after: dict[str, Any], *, created: bool) -> None:
        if after["end"] is not None and after["end"] <= row.start:
            raise LineRefused("/end", "invalid_period", "the end does not lie after the start")


def _events_of(devices: dict[str, models.Device]) -> list[models.InstallEvent]:
    found: list[models.InstallEvent] = []
    known = list(devices.values())
    for begin in range(0, len(known), PART):
        rows = models.InstallEvent.objects.filter(device__in=known[begin : begin + PART])
        found += rows.select_related("device").order_by("installed_at")
    return found


def _overlap(start: dt.datetime, end: dt.datetime | None, first: dt.datetime, last: dt.datetime | None) -> bool:
    return (last is None or start < last) and (end is None or first < end)
