"""The measuring components that received readings speak of: what intake needs of each, many at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from vee import choices
from vee.models import MeasuringComponent, MeasuringComponentType
from vee.storage import fetch_rows


_AT_ONCE = 5_000
_FIELDS = (
    "identifier", "pk", "type", "service_point__time_zone", "service_point__standard_offset_seconds",
    "device__service_point__time_zone", "device__service_point__standard_offset_seconds", "device__incoming_data_shift",
)  # fmt: skip


# Not frozen, which would take most of the time that making one takes; nobody changes them.
@dataclass(slots=True)
class KnownComponent:
    """A measuring component with its type and what its place says about time; no zone without a service point."""

    pk: int
    identifier: str
    type: MeasuringComponentType
    time_zone: str | None
    standard_offset: int
    by_legal_time: bool
    """Whether times without an offset in its device's files are legal time, not standard time."""


def find(identifiers: Iterable[str]) -> dict[str, KnownComponent]:
    """Give the components of these names that exist: one query for the components, one for their types."""
    wanted = sorted(set(identifiers))
    rows = []
    for begin in range(0, len(wanted), _AT_ONCE):
        part = MeasuringComponent.objects.filter(identifier__any_of=wanted[begin : begin + _AT_ONCE])
        rows += fetch_rows(part.values_list(*_FIELDS))
    types = MeasuringComponentType.objects.in_bulk({row[2] for row in rows}) if rows else {}
    found = {}
    for identifier, pk, kind, zone, offset, device_zone, device_offset, shift in rows:
        if zone is None:
            zone, offset = device_zone, device_offset
        legal = shift == choices.IncomingDataShift.LEGAL
        found[identifier] = KnownComponent(pk, identifier, types[kind], zone, offset or 0, legal)
    return found
