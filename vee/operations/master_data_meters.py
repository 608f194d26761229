"""How service points, devices, types and components are kept, and what of them may never change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.db import models as db
from msgspec import UNSET
from simple_history.utils import bulk_update_with_history

from foundation.kept_texts import kept
from vee import codes, models
from vee.engine.calendar import standard_offset_seconds
from vee.engine.registers import is_threshold
from vee.events import SYSTEM, MasterData
from vee.operations import master_data_records as records
from vee.operations.master_data_keeper import (
    PART,
    Keeper,
    LineRefused,
    by_identifier,
    characteristics,
    group_fields,
    groups,
    multiplier,
    named,
    quantity,
    refer,
    unknown,
)


class ServicePoints(Keeper):
    """Their standard time is fixed once their components have data."""

    model = models.ServicePoint
    told_as = MasterData.SERVICE_POINT
    guarded = ("time_zone", "standard_offset_seconds")

    def values(self, line: records.ServicePoint, row: models.ServicePoint) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if line.holiday_calendar is not UNSET:
            found["holiday_calendar"] = line.holiday_calendar or ""
        if line.characteristics is not UNSET:
            found["characteristics"] = characteristics(line.characteristics)
        if line.time_zone is UNSET:
            return found
        try:
            offset = standard_offset_seconds(line.time_zone)
        except (KeyError, ValueError, OSError):
            raise LineRefused(
                "/time_zone", "unknown_time_zone", f"{line.time_zone!a} is not an IANA time zone"
            ) from None
        return {**found, "time_zone": line.time_zone, "standard_offset_seconds": offset}

    def check(self, row: models.ServicePoint, after: dict[str, Any], *, created: bool) -> None:
        if created or row.pk is None or after["standard_offset_seconds"] == row.standard_offset_seconds:
            return
        at_point = db.Q(measuring_component__service_point=row) | db.Q(measuring_component__device__service_point=row)
        if models.InitialMeasurement.objects.filter(at_point).exists():
            raise LineRefused(
                "/time_zone", "immutable", "the standard time of a service point is fixed once its components have data"
            )


class Devices(Keeper):
    """Meters at service points."""

    model = models.Device
    told_as = MasterData.DEVICE

    def load(self, lines: Sequence[Any]) -> None:
        super().load(lines)
        self.points = by_identifier(models.ServicePoint, named(lines, "service_point"))

    def values(self, line: records.Device, row: models.Device) -> dict[str, Any]:
        found: dict[str, Any] = {}
        refer(found, "service_point", line.service_point, self.points, "service point")
        if line.incoming_data_shift is not UNSET:
            found["incoming_data_shift"] = line.incoming_data_shift.value
        if line.characteristics is not UNSET:
            found["characteristics"] = characteristics(line.characteristics)
        return found


class MeasuringComponentTypes(Keeper):
    """Kind, interval and scale are fixed once components have data."""

    model = models.MeasuringComponentType
    guarded = ("component_kind", "seconds_per_interval", "scale")

    def load(self, lines: Sequence[Any]) -> None:
        super().load(lines)
        self.groups = groups(lines)

    def values(self, line: records.MeasuringComponentType, row: models.MeasuringComponentType) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name in (
            "description", "seconds_per_interval", "uom", "scale", "allow_negative", "dials", "rollover_threshold",
            "subtractive", "sync_consumption", "skip_identical", "check_too_few_intervals", "check_too_many_intervals",
            "fill_missing_intervals", "snap_to_boundaries", "direct_processing", "estimate_gaps_after_hours",
        ):  # fmt: skip
            value = getattr(line, name)
            if value is not UNSET:
                found[name] = value
        if line.gap_action is not UNSET:
            found["gap_action"] = line.gap_action.value
        if line.high_quality_tolerance is not UNSET:
            given = line.high_quality_tolerance
            found["high_quality_tolerance"] = None if given is None else _tolerance(given)
        if not is_threshold(found.get("rollover_threshold", row.rollover_threshold)):
            raise LineRefused("/rollover_threshold", "out_of_range", "a share above 0 and up to 1 is expected")
        if line.component_kind is not UNSET:
            found["component_kind"] = line.component_kind.value
        found.update(group_fields(line.vee_groups, self.groups))
        return found

    def check(self, row: models.MeasuringComponentType, after: dict[str, Any], *, created: bool) -> None:
        seconds, scalar = after["seconds_per_interval"], after["component_kind"] == codes.ComponentKind.SCALAR
        if scalar and seconds is not None:
            raise LineRefused("/seconds_per_interval", "not_allowed", "a scalar kind has no seconds per interval")
        if not scalar and seconds is None:
            raise LineRefused("/seconds_per_interval", "required", "an interval kind needs seconds per interval")
        if seconds is not None and 86_400 % seconds:
            raise LineRefused("/seconds_per_interval", "invalid", f"{seconds} s do not divide a day")
        if created or row.pk is None:
            return
        changed = [name for name in self.guarded if getattr(row, name) != after[name]]
        if changed and models.InitialMeasurement.objects.filter(measuring_component__type=row).exists():
            raise LineRefused(
                f"/{changed[0]}", "immutable", f"{changed[0]} is fixed once components of the type have data"
            )


class MeasuringComponents(Keeper):
    """A component may refer to another one of the same document."""

    model = models.MeasuringComponent
    guarded = ("type_id",)

    def load(self, lines: Sequence[Any]) -> None:
        super().load(lines)
        self.types = by_identifier(models.MeasuringComponentType, named(lines, "type"))
        self.types_by_pk = {row.pk: row for row in self.types.values()}
        self.devices = by_identifier(models.Device, named(lines, "device"))
        self.points = by_identifier(models.ServicePoint, named(lines, "service_point"))
        self.references = by_identifier(models.MeasuringComponent, named(lines, "consumption_reference"))
        self.groups = groups(lines)
        self.waiting: list[tuple[models.MeasuringComponent, str]] = []

    def ordered(self, lines: Sequence[tuple[int, Any]]) -> Iterator[tuple[int, Any]]:
        """A component comes after the one that it refers to, however deep; what is left refers in a circle."""
        left = list(lines)
        while left:
            named = {line.id for _, line in left}
            ready = [entry for entry in left if entry[1].consumption_reference not in named]
            yield from ready or left
            left = [entry for entry in left if entry[1].consumption_reference in named] if ready else []

    def values(self, line: records.MeasuringComponent, row: models.MeasuringComponent) -> dict[str, Any]:
        found: dict[str, Any] = {}
        refer(found, "type", line.type, self.types, kept("measuring component type"))
        refer(found, "device", line.device, self.devices, "device")
        refer(found, "service_point", line.service_point, self.points, "service point")
        if line.multiplier is not UNSET:
            found["multiplier"] = multiplier(line.multiplier)
        if line.characteristics is not UNSET:
            found["characteristics"] = characteristics(line.characteristics)
        found.update(group_fields(line.vee_groups, self.groups))
        reference = line.consumption_reference
        if reference is None:
            found["consumption_reference"] = None
        elif reference is not UNSET:
            if reference == line.id:
                raise LineRefused("/consumption_reference", "invalid", "a component cannot refer to itself")
            known = self.rows.get(reference) or self.references.get(reference)
            if known is None:
                raise unknown("consumption_reference", "measuring component", reference)
            if known.pk is not None:
                found["consumption_reference"] = known
            else:
                # Created by this document: linked when it has its key.
                self.waiting.append((row, reference))
        return found

    def check(self, row: models.MeasuringComponent, after: dict[str, Any], *, created: bool) -> None:
        if created or row.pk is None or after["type_id"] == row.type_id:
            return
        old, new = row.type, self.types_by_pk[after["type_id"]]
        changed = [
            name
            for name in ("component_kind", "seconds_per_interval", "scale")
            if getattr(old, name) != getattr(new, name)
        ]
        if changed and models.InitialMeasurement.objects.filter(measuring_component=row).exists():
            raise LineRefused(
                "/type", "immutable", f"the component has data, and {new.identifier} differs in {changed[0]}"
            )

    def save(self, *, by: str = SYSTEM) -> None:
        super().save(by=by)
        linked = []
        for row, reference in self.waiting:
            target = self.rows.get(reference)
            kept = self.rows.get(row.identifier) is row
            if kept and target is not None and row.consumption_reference_id != target.pk:
                row.consumption_reference = target
                linked.append(row)
        if linked:
            bulk_update_with_history(
                linked, self.model, ["consumption_reference"], batch_size=PART, default_date=self.at
            )


def _tolerance(value: Any) -> Decimal:
    tolerance = quantity(value, "/high_quality_tolerance")
    if tolerance < 0:
        raise LineRefused("/high_quality_tolerance", "out_of_range", "a tolerance is not negative")
    return tolerance
