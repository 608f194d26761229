"""What is read before VEE: IMDs, their received values and edits, and their measuring components, in bulk."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from foundation.kept_texts import kept
from vee.codes import ComponentKind, Condition, ImdKind
from vee.models import ImdEdit, ImdPayload, InitialMeasurement, MeasuringComponent
from vee.operations.components import Component, load_components
from vee.storage import NO_VALUE, SECONDS_PER_DAY, fetch_arrays, fetch_rows, instant


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


KINDS = {kind.value: kind for kind in ImdKind}


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
        wanted = kept("register readings") if scalar else kept("interval values")
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
    present = values != NO_VALUE
    return _regular(len(values)) if present.all() else conditions_by_presence(present)


def conditions_by_presence(present: np.ndarray) -> np.ndarray:
    """Give the conditions of values none of which came with one: Regular where there is a value, else Missing."""
    return np.where(present, np.int32(Condition.REGULAR), np.int32(Condition.MISSING))


@functools.lru_cache(maxsize=256)
def _regular(count: int) -> np.ndarray:
    conditions = np.full(count, Condition.REGULAR, dtype=np.int32)
    conditions.flags.writeable = False
    return conditions
