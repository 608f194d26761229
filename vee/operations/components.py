"""Measuring components as processing needs them: with what their types, devices and service points say, in bulk."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from vee.codes import ComponentKind, Role
from vee.engine.registers import Register
from vee.locks import to_lock
from vee.models import MeasuringComponent, MeasuringComponentType, VeeGroup
from vee.storage import fetch_rows


@dataclasses.dataclass(frozen=True, slots=True)
class Component:
    """A measuring component with what its type and place say about it."""

    id: int
    kind: ComponentKind
    seconds_per_interval: int | None
    uom: str
    scale: int
    allow_negative: bool
    skip_identical: bool
    multiplier: Decimal
    groups: dict[Role, str | None]
    groups_of_type: dict[Role, str | None]
    time_zone: str
    standard_offset: int
    service_point_id: int | None = None
    device_id: int | None = None
    consumption_reference_id: int | None = None
    dials: int | None = None
    rollover_threshold: Decimal = Decimal("0.5")
    subtractive: bool = True
    sync_consumption: bool = True
    characteristics: dict[str, str] = dataclasses.field(default_factory=dict)
    high_quality_tolerance: Decimal | None = None
    register: Register = dataclasses.field(default_factory=Register)
    """How the component counts, where it shows readings."""
    likeness: int = 0
    """Equal for components of equal unit, multiplier, interval size and permission to be negative."""
    planned_by: int = 0
    """Equal for components for which the same decides on their plans besides the IMD; 0 where that is not known."""

    @property
    def multiplier_in_millionths(self) -> int:
        """The multiplier as measurement blocks take it."""
        return int(self.multiplier.scaleb(6))


def _text(field: str) -> Cast:
    return Cast(field, TextField())


_COMPONENT_FIELDS = (
    "pk", "type", "multiplier", "initial_load_group", "manual_override_group", "estimation_group",
    "service_point__time_zone", "service_point__standard_offset_seconds",
    "device__service_point__time_zone", "device__service_point__standard_offset_seconds",
    "service_point", "device", "device__service_point", "consumption_reference",
    _text("characteristics"), _text("device__characteristics"), _text("service_point__characteristics"),
    _text("device__service_point__characteristics"),
)  # fmt: skip
_TYPE_FIELDS = (
    "pk", "component_kind", "seconds_per_interval", "uom", "scale", "allow_negative", "skip_identical",
    "initial_load_group__code", "manual_override_group__code", "estimation_group__code", "dials",
    "rollover_threshold", "subtractive", "sync_consumption", "high_quality_tolerance",
)  # fmt: skip
_ROLES = (Role.INITIAL_LOAD, Role.MANUAL_OVERRIDE, Role.ESTIMATION)


def load_components(*, component_ids: Iterable[int]) -> dict[int, Component]:
    """Read components with their types, groups and zones: one query for them, and one or two for what many share."""
    return _read(MeasuringComponent.objects.filter(pk__any_of=set(component_ids)))


def lock_and_load_components(*, component_ids: Iterable[int], free_only: bool = False) -> dict[int, Component]:
    """
    Read components as `load_components` does and lock them for the rest of the transaction, with the same queries.

    With `free_only` those that somebody else has locked are left out, else waited for.
    """
    ids = set(component_ids)
    return _read(to_lock(component_ids=ids, free_only=free_only)) if ids else {}


def _read(components: QuerySet[MeasuringComponent]) -> dict[int, Component]:
    rows = fetch_rows(components.values_list(*_COMPONENT_FIELDS))
    kinds = MeasuringComponentType.objects.filter(pk__any_of={row[1] for row in rows}) if rows else None
    types = {} if kinds is None else {row[0]: row for row in fetch_rows(kinds.values_list(*_TYPE_FIELDS))}
    own = {pk for row in rows for pk in row[3:6] if pk is not None}
    codes = dict(VeeGroup.objects.filter(pk__any_of=own).values_list("pk", "code")) if own else {}
    found = {}
    for row in rows:
        kind, groups = types[row[1]], (codes.get(row[3]), codes.get(row[4]), codes.get(row[5]))
        known = _known.get(row[0])
        # The same one as long as nothing of what it was made of changed: comparing is cheaper than making it.
        if known is None or known[0] != row or known[1] != kind or known[2] != groups:
            if len(_known) >= _MOST_KNOWN:
                _known.clear()
                _numbers.clear()
            known = _known[row[0]] = (row, kind, groups, _component(row, kind, *groups))
        found[row[0]] = known[3]
    return found


_known: dict[int, tuple[tuple[Any, ...], tuple[Any, ...], tuple[str | None, ...], Component]] = {}
_MOST_KNOWN = 65_536
_numbers: dict[tuple[object, ...], int] = {}
_next_numbers = itertools.count(1)


def _number_of(*key: object) -> int:
    """Give a number that stands for a key as long as it is known, and for no other key ever."""
    return _numbers.setdefault(key, next(_next_numbers))


def _component(row: tuple[Any, ...], kind: tuple[Any, ...], *own_groups: str | None) -> Component:
    """Make a component of what was read of it and its type."""
    zone, offset = (row[6], row[7]) if row[6] is not None else (row[8], row[9])
    # The nearest one counts: the component's, then its device's, then its service point's.
    own, of_device, of_point, of_other_point = (json.loads(text or "{}") for text in row[14:18])
    return Component(
        id=row[0],
        kind=ComponentKind(kind[1]),
        seconds_per_interval=kind[2],
        uom=kind[3],
        scale=kind[4],
        allow_negative=bool(kind[5]),
        skip_identical=bool(kind[6]),
        multiplier=row[2],
        groups=dict(zip(_ROLES, own_groups, strict=True)),
        groups_of_type=dict(zip(_ROLES, kind[7:10], strict=True)),
        time_zone=zone or "UTC",
        standard_offset=offset or 0,
        service_point_id=row[10] if row[10] is not None else row[12],
        device_id=row[11],
        consumption_reference_id=row[13],
        dials=kind[10],
        rollover_threshold=kind[11],
        subtractive=bool(kind[12]),
        sync_consumption=bool(kind[13]),
        characteristics={**(of_point or of_other_point), **of_device, **own},
        high_quality_tolerance=kind[14],
        register=Register(
            dials=kind[10],
            allow_negative=bool(kind[5]),
            rollover_threshold=kind[11],
            subtractive=bool(kind[12]) or kind[1] == ComponentKind.SUBTRACTIVE_INTERVAL,
        ),
        likeness=_number_of("facts", kind[3], str(row[2]), kind[2], bool(kind[5])),
        planned_by=_number_of("plan", kind[1], *own_groups, *kind[7:10], zone, *row[14:18]),
    )
