"""Rows of reading files against master data: which component they mean, whether they fit it, what is created."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np

from foundation.kept_texts import kept
from vee import codes, models, readers
from vee.engine.calendar import standard_offset_seconds
from vee.engine.fixed_point import UnableToKeepExactly, to_fixed
from vee.operations import imd_store, known_components, pre_vee
from vee.operations.file_units import in_unit
from vee.operations.known_components import KnownComponent
from vee.readers.numbers import Amounts


# The zone of the Australian market: UTC+10 without daylight saving time.
NEM_ZONE = "Australia/Brisbane"
# How many components are remembered at most, so that memory does not grow with the file.
_REMEMBERED = 50_000
LONGEST_NAME = 60
_INITIAL_LOAD = codes.ImdKind.INITIAL_LOAD.value
_OF_THE_MARKET = frozenset({"nem12", "nem13"})
_CHANNEL_LAST = frozenset({"nem12", "nem13", "cmep"})


@dataclass(frozen=True, slots=True)
class Registration:
    """Whether unknown components are created, on which type, and at which service points in which zone."""

    type: models.MeasuringComponentType | None
    zone: str
    format: str
    suffix: str

    @classmethod
    def of(cls, file: models.ReadingFile, *, layout: readers.ColumnLayout | None = None) -> Registration:
        """Read the options of a reading file; `layout` is that of its column profile."""
        zone = NEM_ZONE if file.format in _OF_THE_MARKET else "UTC"
        return cls(
            type=file.component_type if file.auto_register else None,
            zone=layout.time_zone or zone if layout is not None else zone,
            format=file.format,
            suffix=layout.component_suffix if layout is not None else "",
        )

    def service_point(self, component: str) -> str:
        """Give the service point of a new component: the meter or metering point that its name begins with."""
        if self.format in _CHANNEL_LAST:
            # NMI-suffix, meter-unit, with what follows a colon naming a register.
            return component.partition(":")[0].rpartition("-")[0] or component
        if self.format == "mscons":
            return component.partition("-")[0]
        return component.removesuffix(self.suffix)


class Registry:
    """The components that a file speaks of: looked up once, created in the chunk in which they first appear."""

    def __init__(self, registration: Registration, *, at: dt.datetime) -> None:
        self._registration = registration
        self._at = at
        self._known: dict[str, KnownComponent | None] = {}
        self._new: dict[str, None] = {}

    def zone_of(self, component: str) -> dt.tzinfo | None:
        """Give the zone in which a component's local days are counted, None when it is not known."""
        found = self._find(component)
        if found is None:
            return ZoneInfo(self._registration.zone) if self._registration.type is not None else None
        return ZoneInfo(found.time_zone) if found.time_zone is not None else None

    def clock_of(self, component: str) -> dt.tzinfo | None:
        """
        Give the clock by which a component's times without an offset are read, None when it is not known.

        It is that of the service point's zone by the device's incoming data shift; without a device, standard time.
        """
        found = self._find(component)
        if found is None:
            zone = self._registration.zone
            return _standard_time(standard_offset_seconds(zone)) if self._registration.type is not None else None
        if found.time_zone is None:
            return None
        return ZoneInfo(found.time_zone) if found.by_legal_time else _standard_time(found.standard_offset)

    def look_up(self, identifiers: Iterable[str]) -> None:
        """Look the components of these names up at once, so that each does not have to be asked for by itself."""
        unknown = {name for name in identifiers if name not in self._known and len(name) <= LONGEST_NAME}
        if len(self._known) > _REMEMBERED:
            self._known = {name: self._known[name] for name in self._new if name in self._known}
        if unknown:
            found = known_components.find(unknown)
            self._known.update((name, found.get(name)) for name in unknown)

    def prepare(
        self, item: readers.IntervalReadings | readers.RegisterReading
    ) -> list[imd_store.NewImd] | readers.RowError:
        """
        Make an item fit to be stored; one that its component cannot keep is given back as a refused row.

        A row that tells of several reads of a register gives a record for each, in the order of time.
        """
        if len(item.component) > LONGEST_NAME:
            return _refused(item, "invalid_component", kept("the name of the component has more than 60 characters"))
        component = self._find(item.component)
        kind = component.type if component is not None else None
        expected = kind or self._registration.type
        if self._registration.format == "green_button" and expected is not None:
            item = in_unit(item, expected.uom)
        error = ""
        if component is None:
            kind, error = self._register(item)
        if kind is not None and _is_scalar(item) != (kind.component_kind == codes.ComponentKind.SCALAR):
            scalar = kind.component_kind == codes.ComponentKind.SCALAR
            said = f"{item.component} has readings" if scalar else f"{item.component} has intervals"
            return _refused(item, "kind_mismatch", said)
        scale = kind.scale if kind is not None else imd_store.DEFAULT_SCALE
        if isinstance(item, readers.RegisterReading):
            return _scalars(item, component.pk if component is not None else None, scale, error)
        return _intervals(item, component, scale, error)

    def create_components(self) -> None:
        """Create what the chunk needs, inside the chunk's transaction."""
        kind = self._registration.type
        if kind is None:
            return
        for identifier in self._new:
            point, _ = models.ServicePoint.objects.get_or_create(
                identifier=self._registration.service_point(identifier),
                defaults={
                    "time_zone": self._registration.zone,
                    "standard_offset_seconds": standard_offset_seconds(self._registration.zone),
                },
            )
            models.MeasuringComponent.objects.get_or_create(
                identifier=identifier, defaults={"type": kind, "service_point": point}
            )
        if self._new:
            self._known.update(known_components.find(self._new))
        self._new = {}

    def resolved(self, imds: Sequence[imd_store.NewImd]) -> list[imd_store.NewImd]:
        """Give the records of a chunk with the ids of the components that were created for it."""
        for imd in imds:
            if imd.component_id is None and not imd.error:
                component = self._known[imd.component_identifier]
                imd.component_id = component.pk if component is not None else None
        return list(imds)

    def _find(self, identifier: str) -> KnownComponent | None:
        if identifier not in self._known:
            self.look_up([identifier])
        return self._known.get(identifier)

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


def _standard_time(offset_seconds: int) -> dt.tzinfo:
    return dt.timezone(dt.timedelta(seconds=offset_seconds))


def _is_scalar(item: readers.IntervalReadings | readers.RegisterReading) -> bool:
    return isinstance(item, readers.RegisterReading)


def _misfit(item: readers.IntervalReadings | readers.RegisterReading, kind: models.MeasuringComponentType) -> str:
    if _is_scalar(item) != (kind.component_kind == codes.ComponentKind.SCALAR):
        return kept("it delivers register reads") if _is_scalar(item) else kept("it delivers intervals")
    if item.uom.casefold() != kind.uom.casefold():
        return kept(f"it delivers {item.uom or 'no unit'}, the type has {kind.uom}")
    if isinstance(item, readers.IntervalReadings) and item.seconds_per_interval != kind.seconds_per_interval:
        return kept(
            f"it delivers intervals of {item.seconds_per_interval} s, the type has {kind.seconds_per_interval} s"
        )
    return ""


def _intervals(
    item: readers.IntervalReadings, component: KnownComponent | None, scale: int, error: str
) -> list[imd_store.NewImd] | readers.RowError:
    try:
        values = imd_store.fixed_values(item.values, scale=scale)
    except imd_store.UnableToKeepValue as unable:
        return _refused(item, "not_exact", kept(f"interval {unable.index + 1}: {unable}"))
    if isinstance(item.start.tzinfo, dt.timezone):
        start, end = _period(item.start, item.seconds_per_interval * len(values))
    else:
        start, end = item.start.astimezone(dt.UTC), item.end.astimezone(dt.UTC)
    if component is not None and component.type.snap_to_boundaries:
        start = pre_vee.snapped(start, item.seconds_per_interval, component.standard_offset)
        end = pre_vee.snapped(end, item.seconds_per_interval, component.standard_offset)
    imd = imd_store.NewImd(
        component_identifier=item.component,
        component_id=component.pk if component is not None else None,
        start=start,
        end=end,
        kind=_INITIAL_LOAD,
        uom=item.uom,
        scale=scale,
        seconds_per_interval=item.seconds_per_interval,
        values=values,
        conditions=None if item.regular else imd_store.given_conditions(item.conditions),
        source_line=item.line,
        error=error,
        whole=isinstance(item.values, Amounts) and item.values.whole,
        direct=component is not None and component.type.direct_processing,
    )
    return [imd]


@functools.lru_cache(maxsize=4_096)
def _period(start: dt.datetime, seconds: int) -> tuple[dt.datetime, dt.datetime]:
    """Give a period in UTC that starts at a time of a fixed offset: the same one for most rows of a file."""
    begin = start.astimezone(dt.UTC)
    return begin, begin + dt.timedelta(seconds=seconds)


def _scalars(
    item: readers.RegisterReading, component_id: int | None, scale: int, error: str
) -> list[imd_store.NewImd] | readers.RowError:
    last = readers.EarlierRead(read_at=item.read_at, reading=item.reading, condition=item.condition)
    imds = []
    for read in (*item.earlier, last):
        try:
            to_fixed(read.reading, scale)
        except UnableToKeepExactly as unable:
            return _refused(item, "not_exact", str(unable))
        read_at = read.read_at.astimezone(dt.UTC)
        conditions = None
        if read.condition != codes.Condition.REGULAR:
            conditions = np.array([read.condition], dtype=np.int32)
        imds.append(
            imd_store.NewImd(
                component_identifier=item.component,
                component_id=component_id,
                start=read_at,
                end=read_at,
                kind=_INITIAL_LOAD,
                uom=item.uom,
                scale=scale,
                reading=read.reading,
                conditions=conditions,
                source_line=item.line,
                error=error,
            )
        )
    return imds


def _refused(item: readers.IntervalReadings | readers.RegisterReading, code: str, message: str) -> readers.RowError:
    return readers.RowError(line=item.line, code=code, message=message, rows=item.rows)
