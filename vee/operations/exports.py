"""Final measurements of components as a file of a format that other systems read. Nothing here changes anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from vee import models, queries, writers
from vee.codes import ComponentKind


MAX_COMPONENTS = 1_000
_COMPONENTS = models.MeasuringComponent.objects.select_related("type", "service_point", "device__service_point")


class UnableToExport(ValueError):
    """Nothing can be written; `field` is the option at fault."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file in pieces, with its media type and a name for it."""

    pieces: Iterator[str]
    media_type: str
    file_name: str


def export_measurements(
    *,
    identifiers: Sequence[str],
    start: dt.datetime,
    end: dt.datetime,
    format: str,  # noqa: A002  (the field's own word)
    at: dt.datetime,
) -> Export:
    """
    Give the measurements with `start < interval end ≤ end` of components, in the order in which they are named.

    What cannot be written is refused before the first piece; pieces are read from the database as they are taken.

    :raises UnableToExport: when a component or the format is unknown, the period is empty, or a component has no place
        in the format.
    """
    if format not in writers.FORMATS:
        message = f"{format!a} is not a format to write; known are {', '.join(writers.FORMATS)}."
        raise UnableToExport("format_out", "unknown_format", message)
    if end <= start:
        raise UnableToExport("end", "invalid_period", "The end does not lie after the start.")
    components = _components(identifiers)
    channels = [_channel(component) for component in components]
    for channel in channels:
        try:
            writers.check(format, channel)
        except writers.UnableToWrite as unable:
            raise UnableToExport("measuring_component", "not_writable", str(unable)) from None
    found = (
        (channel, queries.measurements(component=component, start=start, end=end))
        for component, channel in zip(components, channels, strict=True)
    )
    known = writers.FORMATS[format]
    return Export(
        pieces=writers.write(format, found, created_at=at),
        media_type=known.media_type,
        file_name=f"measurements-{start:%Y%m%d}-{end:%Y%m%d}.{known.extension}",
    )


def _components(identifiers: Sequence[str]) -> list[models.MeasuringComponent]:
    wanted = list(dict.fromkeys(identifiers))
    if not wanted:
        raise UnableToExport("measuring_component", "required", "Name at least one measuring component.")
    if len(wanted) > MAX_COMPONENTS:
        message = f"At most {MAX_COMPONENTS} measuring components fit into a file."
        raise UnableToExport("measuring_component", "too_many", message)
    found = {row.identifier: row for row in _COMPONENTS.filter(identifier__in=wanted)}
    missing = next((name for name in wanted if name not in found), None)
    if missing is not None:
        message = f"There is no measuring component {missing!a}."
        raise UnableToExport("measuring_component", "unknown_component", message)
    return [found[name] for name in wanted]


def _channel(component: models.MeasuringComponent) -> writers.Channel:
    kind = component.type
    place = component.service_point or (component.device.service_point if component.device is not None else None)
    return writers.Channel(
        component=component.identifier,
        uom=kind.uom,
        seconds_per_interval=None if kind.component_kind == ComponentKind.SCALAR else kind.seconds_per_interval,
        scale=kind.scale,
        zone=ZoneInfo(place.time_zone if place is not None else "UTC"),
    )
