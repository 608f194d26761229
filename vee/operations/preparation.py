"""What is read before VEE: IMDs, their received values and edits, and their measuring components, in bulk."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from vee.codes import ComponentKind, Condition, ImdKind, Role
from vee.engine.registers import Register
from vee.locks import to_lock
from vee.models import ImdEdit, ImdPayload, InitialMeasurement, MeasuringComponent
from vee.storage import NO_VALUE, SECONDS_PER_DAY, fetch_arrays, fetch_rows, instant


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
    planned_by: tuple[Any, ...] = ()
    """What decides on its plans besides the IMD: equal for components that pass the same rules."""

    @property
    def multiplier_in_millionths(self) -> int:
        """The multiplier as measurement blocks take it."""
        return int(self.multiplier.scaleb(6))


@dataclasses.dataclass(slots=True, kw_only=True)
class DueImd:
    """An IMD on its way through VEE. Times are epoch seconds; arrays are as received, at the payload's scale."""

    id: int
    identifier: str
    component: Component | None
    start: int
    end: int
    seconds_per_interval: int | None
    kind: ImdKind
    state: str
    user_edited: bool
    attempts: int
    uom: str = ""
    multiplier: Decimal | None = None
    scale: int = 6
    values: np.ndarray | None = None
    conditions: np.ndarray | None = None
    reading: Decimal | None = None
    edits: list[tuple[int, Decimal | None, int]] = dataclasses.field(default_factory=list)
    whole: bool = False
    """Whether it is known that none of the values is missing."""

    @property
    def end_at(self) -> dt.datetime:
        """The end as an instant in UTC."""
        return instant(self.end)


class UnableToPrepare(Exception):
    """The IMD cannot be prepared for VEE; the message says why."""


def _text(field: str) -> Cast:
    return Cast(field, TextField())


_COMPONENT_FIELDS = (
    "pk", "type__component_kind", "type__seconds_per_interval", "type__uom", "type__scale", "type__allow_negative",
    "type__skip_identical", "multiplier",
    "initial_load_group__code", "manual_override_group__code", "estimation_group__code",
    "type__initial_load_group__code", "type__manual_override_group__code", "type__estimation_group__code",
    "service_point__time_zone", "service_point__standard_offset_seconds",
    "device__service_point__time_zone", "device__service_point__standard_offset_seconds",
    "service_point", "device", "device__service_point", "consumption_reference", "type__dials",
    "type__rollover_threshold", _text("characteristics"), _text("device__characteristics"),
    _text("service_point__characteristics"), _text("device__service_point__characteristics"),
    "type__subtractive", "type__sync_consumption",
    "type__high_quality_tolerance",
)  # fmt: skip
KINDS = {kind.value: kind for kind in ImdKind}
_ROLES = (Role.INITIAL_LOAD, Role.MANUAL_OVERRIDE, Role.ESTIMATION)


def load_components(*, component_ids: Iterable[int]) -> dict[int, Component]:
    """Read components with their types, groups and zones: one query."""
    return _read(MeasuringComponent.objects.filter(pk__any_of=set(component_ids)))


def lock_and_load_components(*, component_ids: Iterable[int], free_only: bool = False) -> dict[int, Component]:
    """
    Read components as `load_components` does and lock them for the rest of the transaction, all in one query.

    With `free_only` those that somebody else has locked are left out, else waited for.
    """
    ids = set(component_ids)
    return _read(to_lock(component_ids=ids, free_only=free_only)) if ids else {}


def _read(components: QuerySet[MeasuringComponent]) -> dict[int, Component]:
    return {row[0]: _component(row) for row in fetch_rows(components.values_list(*_COMPONENT_FIELDS))}


@functools.lru_cache(maxsize=65_536)
def _component(row: tuple[Any, ...]) -> Component:
    """Make a component of what was read of it: the same one as long as nothing of it changed."""
    zone, offset = (row[14], row[15]) if row[14] is not None else (row[16], row[17])
    # The nearest one counts: the component's, then its device's, then its service point's.
    own, of_device, of_point, of_other_point = (json.loads(text or "{}") for text in row[24:28])
    return Component(
        id=row[0],
        kind=ComponentKind(row[1]),
        seconds_per_interval=row[2],
        uom=row[3],
        scale=row[4],
        allow_negative=bool(row[5]),
        skip_identical=bool(row[6]),
        multiplier=row[7],
        groups=dict(zip(_ROLES, row[8:11], strict=True)),
        groups_of_type=dict(zip(_ROLES, row[11:14], strict=True)),
        time_zone=zone or "UTC",
        standard_offset=offset or 0,
        service_point_id=row[18] if row[18] is not None else row[20],
        device_id=row[19],
        consumption_reference_id=row[21],
        dials=row[22],
        rollover_threshold=row[23],
        subtractive=bool(row[28]),
        sync_consumption=bool(row[29]),
        characteristics={**(of_point or of_other_point), **of_device, **own},
        high_quality_tolerance=row[30],
        register=Register(
            dials=row[22],
            allow_negative=bool(row[5]),
            rollover_threshold=row[23],
            subtractive=bool(row[28]) or row[1] == ComponentKind.SUBTRACTIVE_INTERVAL,
        ),
        planned_by=(row[1], *row[8:14], zone, *row[24:28]),
    )


def load_due(*, imd_ids: Sequence[int]) -> list[DueImd]:
    """
    Read IMDs with payload, edits and components, ordered by component and start, register reads by their time.

    An IMD whose component was unknown when it came finds it now by its identifier.
    """
    ordered = InitialMeasurement.objects.filter(pk__any_of=imd_ids).order_by("measuring_component", "start", "pk")
    rows = fetch_rows(
        ordered.values_list(
            "pk", "component_identifier", "measuring_component", "start", "end", "seconds_per_interval", "kind",
            "state", "user_edited", "attempts",
        )
    )  # fmt: skip
    homeless = {row[1] for row in rows if row[2] is None}
    by_identifier = (
        dict(MeasuringComponent.objects.filter(identifier__in=homeless).values_list("identifier", "pk"))
        if homeless
        else {}
    )
    wanted = [row[2] or by_identifier.get(row[1]) for row in rows]
    components = load_components(component_ids=[pk for pk in wanted if pk is not None])
    due = [
        DueImd(
            id=row[0],
            identifier=row[1],
            component=None if component_id is None else components[component_id],
            start=int(row[3].timestamp()),
            end=int(row[4].timestamp()),
            seconds_per_interval=row[5],
            kind=KINDS[row[6]],
            state=row[7],
            user_edited=row[8],
            attempts=row[9],
        )
        for row, component_id in zip(rows, wanted, strict=True)
    ]
    _link_found_components(rows, by_identifier)
    _load_payloads(due)
    _load_edits(due)
    due.sort(key=_order)
    return due


def _order(imd: DueImd) -> tuple[int, int, int]:
    scalar = imd.component is not None and imd.component.kind == ComponentKind.SCALAR
    return (0 if imd.component is None else imd.component.id, imd.end if scalar else imd.start, imd.id)


def _link_found_components(rows: Sequence[Any], by_identifier: dict[str, int]) -> None:
    for identifier, component_id in by_identifier.items():
        ids = [row[0] for row in rows if row[2] is None and row[1] == identifier]
        InitialMeasurement.objects.filter(pk__any_of=ids).update(measuring_component=component_id)


def _load_payloads(due: list[DueImd]) -> None:
    payloads = fetch_arrays(
        table=ImdPayload._meta.db_table,
        key="imd_id",
        ids=[imd.id for imd in due],
        columns=["uom", "multiplier", "scale", "values", "conditions", "reading"],
        arrays={"values": "int64", "conditions": "int32"},
    )
    for imd in due:
        uom, multiplier, scale, values, conditions, reading = payloads[imd.id]
        imd.uom, imd.scale, imd.values, imd.conditions = uom, scale, values, conditions
        imd.multiplier = exact(multiplier)
        imd.reading = exact(reading)


def exact(number: Any) -> Decimal | None:
    """Give a decimal as a database without decimals stores it, or one as it is."""
    return number if number is None or isinstance(number, Decimal) else Decimal(str(number))


def _load_edits(due: list[DueImd]) -> None:
    edited = {imd.id: imd for imd in due if imd.user_edited}
    if not edited:
        return
    rows = ImdEdit.objects.filter(imd__any_of=edited).order_by("pk")
    columns = ("imd_id", "interval", "new_value", "scale", "new_condition")
    for imd_id, interval, count, scale, condition in rows.values_list(*columns):
        value = None if count is None else Decimal(count).scaleb(-scale)
        edited[imd_id].edits.append((interval, value, condition))


def check(imd: DueImd) -> Component:
    """
    Check that an IMD can be prepared for VEE, and give its component.

    :raises UnableToPrepare: when its component is unknown or of another kind, or its intervals do not fit its period.
    """
    component = imd.component
    if component is None:
        raise UnableToPrepare(f"There is no measuring component {imd.identifier}.")
    scalar = component.kind == ComponentKind.SCALAR
    if scalar != (imd.values is None):
        wanted = "register readings" if scalar else "interval values"
        raise UnableToPrepare(f"{imd.identifier} is a component for {wanted}, and these are not.")
    if scalar:
        if imd.reading is None and imd.kind != ImdKind.ESTIMATION:
            raise UnableToPrepare("The reading is missing.")
        return component
    _check_intervals(imd, component)
    return component


def _check_intervals(imd: DueImd, component: Component) -> None:
    size = imd.seconds_per_interval
    count = 0 if imd.values is None else len(imd.values)
    if not size or SECONDS_PER_DAY % size:
        raise UnableToPrepare(f"{size} seconds per interval do not divide a day.")
    if count == 0 or count * size != imd.end - imd.start:
        raise UnableToPrepare(f"{count} values of {size} s do not fill the {imd.end - imd.start} s from start to end.")
    if (imd.start + component.standard_offset) % size:
        raise UnableToPrepare(f"The start does not lie on the {size} s grid of the standard-time day.")


def values_at_scale(imd: DueImd, component: Component) -> np.ndarray:
    """
    Give the received counts at the component's scale.

    :raises UnableToPrepare: when digits would be lost or the numbers are too large.
    """
    values = imd.values
    if values is None or imd.scale == component.scale:
        return np.empty(0, dtype=np.int64) if values is None else values
    there = values != NO_VALUE
    result = values.copy()
    if imd.scale < component.scale:
        factor = 10 ** (component.scale - imd.scale)
        if np.abs(values[there]).max(initial=0) > 10**18 // factor:
            raise UnableToPrepare(f"A value is too large for {component.scale} decimal places.")
        result[there] *= factor
        return result
    factor = 10 ** (imd.scale - component.scale)
    if (values[there] % factor).any():
        raise UnableToPrepare(f"A value has more than {component.scale} decimal places.")
    result[there] //= factor
    return result


def conditions_of(imd: DueImd, values: np.ndarray) -> np.ndarray:
    """Give the received conditions; a value that is not there and has no condition of its own is Missing."""
    if imd.conditions is not None:
        return imd.conditions
    if imd.whole:
        return _regular(len(values))
    missing = values == NO_VALUE
    if not missing.any():
        return _regular(len(values))
    return np.where(missing, np.int32(Condition.MISSING), np.int32(Condition.REGULAR))


@functools.lru_cache(maxsize=256)
def _regular(count: int) -> np.ndarray:
    conditions = np.full(count, Condition.REGULAR, dtype=np.int32)
    conditions.flags.writeable = False
    return conditions
