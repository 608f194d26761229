"""Rows of reading files against master data: which component they mean, whether they fit it, what is created."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np

from vee import codes, models, readers
from vee.engine.calendar import standard_offset_seconds
from vee.engine.fixed_point import UnableToKeepExactly, to_fixed
from vee.operations import imd_store, pre_vee
from vee.operations.imd_records import standard_offset_of


# The zone of the Australian market: UTC+10 without daylight saving time.
NEM_ZONE = "Australia/Brisbane"
# How many components are remembered at most, so that memory does not grow with the file.
_REMEMBERED = 50_000
_COMPONENTS = models.MeasuringComponent.objects.select_related("type", "service_point", "device__service_point")


@dataclass(frozen=True, slots=True)
class Registration:
    """Whether unknown components are created, on which type, and in which zone their service points lie."""

    type: models.MeasuringComponentType | None
    zone: str
    by_nmi: bool

    @classmethod
    def of(cls, file: models.ReadingFile) -> Registration:
        """Read the options of a reading file."""
        by_nmi = file.format == "nem12"
        return cls(
            type=file.component_type if file.auto_register else None,
            zone=NEM_ZONE if by_nmi else "UTC",
            by_nmi=by_nmi,
        )


class Registry:
    """The components that a file speaks of: looked up once, created in the chunk in which they first appear."""

    def __init__(self, registration: Registration, *, at: dt.datetime) -> None:
        self._registration = registration
        self._at = at
        self._known: dict[str, models.MeasuringComponent | None] = {}
        self._new: dict[str, None] = {}

    def zone_of(self, component: str) -> dt.tzinfo | None:
        """Give the zone in which a component's local days are counted, None when it is not known."""
        found = self._find(component)
        if found is None:
            return ZoneInfo(self._registration.zone) if self._registration.type is not None else None
        place = found.service_point or (found.device.service_point if found.device is not None else None)
        return ZoneInfo(place.time_zone) if place is not None else None

    def prepare(self, item: readers.IntervalReadings | readers.RegisterReading) -> imd_store.NewImd | readers.RowError:
        """Make an item fit to be stored; one that its component cannot keep is given back as a refused row."""
        if len(item.component) > 60:
            return _refused(item, "invalid_component", "the name of the component has more than 60 characters")
        component = self._find(item.component)
        kind = component.type if component is not None else None
        error = ""
        if component is None:
            kind, error = self._register(item)
        if kind is not None and _is_scalar(item) != (kind.component_kind == codes.ComponentKind.SCALAR):
            expected = "readings" if kind.component_kind == codes.ComponentKind.SCALAR else "intervals"
            return _refused(item, "kind_mismatch", f"{item.component} has {expected}")
        scale = kind.scale if kind is not None else imd_store.DEFAULT_SCALE
        if isinstance(item, readers.RegisterReading):
            return _scalar(item, component.pk if component is not None else None, scale, error)
        return _intervals(item, component, scale, error)

    def create_components(self) -> None:
        """Create what the chunk needs, inside the chunk's transaction."""
        kind = self._registration.type
        if kind is None:
            return
        for identifier in self._new:
            point, _ = models.ServicePoint.objects.get_or_create(
                identifier=self._service_point(identifier),
                defaults={
                    "time_zone": self._registration.zone,
                    "standard_offset_seconds": standard_offset_seconds(self._registration.zone),
                },
            )
            self._known[identifier], _ = _COMPONENTS.get_or_create(
                identifier=identifier, defaults={"type": kind, "service_point": point}
            )
        self._new = {}

    def resolved(self, imds: Sequence[imd_store.NewImd]) -> list[imd_store.NewImd]:
        """Give the records of a chunk with the ids of the components that were created for it."""
        for imd in imds:
            if imd.component_id is None and not imd.error:
                component = self._known[imd.component_identifier]
                imd.component_id = component.pk if component is not None else None
        return list(imds)

    def _find(self, identifier: str) -> models.MeasuringComponent | None:
        if identifier not in self._known:
            if len(self._known) > _REMEMBERED:
                self._known = {name: self._known[name] for name in self._new if name in self._known}
            self._known[identifier] = _COMPONENTS.filter(identifier=identifier).first()
        return self._known[identifier]

    def _register(
        self, item: readers.IntervalReadings | readers.RegisterReading
    ) -> tuple[models.MeasuringComponentType | None, str]:
        unknown = f"The measuring component {item.component} is unknown."
        kind = self._registration.type
        if kind is None:
            return None, unknown
        misfit = _misfit(item, kind)
        if misfit:
            return None, f"{unknown} It does not fit the type {kind.identifier}: {misfit}."
        self._new[item.component] = None
        return kind, ""

    def _service_point(self, identifier: str) -> str:
        # A NEM12 component is NMI-suffix, and all suffixes of an NMI are one service point.
        return identifier.rpartition("-")[0] if self._registration.by_nmi else identifier


def _is_scalar(item: readers.IntervalReadings | readers.RegisterReading) -> bool:
    return isinstance(item, readers.RegisterReading)


def _misfit(item: readers.IntervalReadings | readers.RegisterReading, kind: models.MeasuringComponentType) -> str:
    if _is_scalar(item) != (kind.component_kind == codes.ComponentKind.SCALAR):
        return "it delivers register reads" if _is_scalar(item) else "it delivers intervals"
    if item.uom.casefold() != kind.uom.casefold():
        return f"it delivers {item.uom or 'no unit'}, the type has {kind.uom}"
    if isinstance(item, readers.IntervalReadings) and item.seconds_per_interval != kind.seconds_per_interval:
        return f"it delivers intervals of {item.seconds_per_interval} s, the type has {kind.seconds_per_interval} s"
    return ""


def _intervals(
    item: readers.IntervalReadings, component: models.MeasuringComponent | None, scale: int, error: str
) -> imd_store.NewImd | readers.RowError:
    try:
        values = imd_store.fixed_values(item.values, scale=scale)
    except imd_store.UnableToKeepValue as unable:
        return _refused(item, "not_exact", f"interval {unable.index + 1}: {unable}")
    start, end = item.start.astimezone(dt.UTC), item.end.astimezone(dt.UTC)
    if component is not None and component.type.snap_to_boundaries:
        start = pre_vee.snapped(start, item.seconds_per_interval, standard_offset_of(component))
        end = pre_vee.snapped(end, item.seconds_per_interval, standard_offset_of(component))
    return imd_store.NewImd(
        component_identifier=item.component,
        component_id=component.pk if component is not None else None,
        start=start,
        end=end,
        kind=codes.ImdKind.INITIAL_LOAD.value,
        uom=item.uom,
        scale=scale,
        seconds_per_interval=item.seconds_per_interval,
        values=values,
        conditions=imd_store.given_conditions(item.conditions),
        source_line=item.line,
        error=error,
    )


def _scalar(
    item: readers.RegisterReading, component_id: int | None, scale: int, error: str
) -> imd_store.NewImd | readers.RowError:
    reading: Decimal = item.reading
    try:
        to_fixed(reading, scale)
    except UnableToKeepExactly as unable:
        return _refused(item, "not_exact", str(unable))
    read_at = item.read_at.astimezone(dt.UTC)
    conditions = None
    if item.condition != codes.Condition.REGULAR:
        conditions = np.array([item.condition], dtype=np.int32)
    return imd_store.NewImd(
        component_identifier=item.component,
        component_id=component_id,
        start=read_at,
        end=read_at,
        kind=codes.ImdKind.INITIAL_LOAD.value,
        uom=item.uom,
        scale=scale,
        reading=reading,
        conditions=conditions,
        source_line=item.line,
        error=error,
    )


def _refused(item: readers.IntervalReadings | readers.RegisterReading, code: str, message: str) -> readers.RowError:
    return readers.RowError(line=item.line, code=code, message=message, rows=item.rows)
