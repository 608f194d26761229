"""What is known of other components: references, siblings, profiles, and IMDs beside the batch's own."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foundation.key_sets import Ids
from vee.choices import ImdState
from vee.codes import ComponentKind
from vee.engine.batch import Batch, ImdFacts
from vee.engine.calendar import local_date
from vee.engine.context import NO_COMPONENT, ComponentFacts
from vee.models import FactorValue, ImdPayload, InitialMeasurement, MeasuringComponent
from vee.operations.history_measurements import instant
from vee.storage import NO_VALUE, fetch_arrays


def components(component_ids: NDArray[np.int64]) -> dict[int, ComponentFacts]:
    """Give what is known of components; ids that are unknown are left out."""
    rows = MeasuringComponent.objects.filter(pk__any_of=set(component_ids.tolist()) - {NO_COMPONENT}).values_list(
        "pk", "type__component_kind", "type__seconds_per_interval", "type__uom", "type__scale", "multiplier"
    )
    return {row[0]: ComponentFacts(row[0], ComponentKind(row[1]), *row[2:]) for row in rows}


def related(batch: Batch) -> list[tuple[int, ...]]:
    """Give each component's consumption reference, or without one the components that refer to it."""
    asked = {facts.component_id for facts in batch.facts if facts.consumption_reference_id is None}
    referring: dict[int, list[int]] = defaultdict(list)
    rows = MeasuringComponent.objects.filter(consumption_reference__any_of=asked).order_by("pk")
    for component, reference in rows.values_list("pk", "consumption_reference"):
        if reference is not None:
            referring[reference].append(component)
    return [
        tuple(referring[facts.component_id])
        if facts.consumption_reference_id is None
        else (facts.consumption_reference_id,)
        for facts in batch.facts
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class FactorEntry:
    """What one characteristic value leads to between two dates, both inclusive."""

    start_date: dt.date | None
    end_date: dt.date | None
    group: str | None
    component_id: int | None

    def in_force(self, on: dt.date) -> bool:
        """Tell whether it counts for an IMD whose local start date is `on`."""
        return (self.start_date is None or self.start_date <= on) and (self.end_date is None or on <= self.end_date)


class Factors:
    """All factors and their values, read once."""

    def __init__(self) -> None:
        self._characteristics: dict[str, str] = {}
        self._entries: dict[tuple[str, str], list[FactorEntry]] = defaultdict(list)
        rows = FactorValue.objects.order_by("pk").values_list(
            "factor__code", "factor__characteristic", "characteristic_value", "start_date", "end_date",
            "vee_group__code", "measuring_component",
        )  # fmt: skip
        for code, characteristic, value, start_date, end_date, group, component_id in rows:
            self._characteristics[code] = characteristic
            self._entries[code, value].append(FactorEntry(start_date, end_date, group, component_id))

    def __bool__(self) -> bool:
        return bool(self._characteristics)

    def groups(self, characteristics: Mapping[str, str], on: dt.date) -> dict[str, str]:
        """Give the code of the VEE group that each factor leads to; factors that lead to none are left out."""
        found = {}
        for code in self._characteristics:
            entry = self._entry(code, characteristics, on)
            if entry is not None and entry.group is not None:
                found[code] = entry.group
        return found

    def all_groups(self) -> dict[str, list[str]]:
        """Give the codes of all groups that each factor may lead to, whatever value and date."""
        found: dict[str, list[str]] = defaultdict(list)
        for (code, _), entries in self._entries.items():
            found[code] += [entry.group for entry in entries if entry.group is not None]
        return found

    def components(self, batch: Batch, factor: str) -> NDArray[np.int64]:
        """Give the component that a factor names for each IMD at its start, else `NO_COMPONENT`."""
        found = np.full(batch.size, NO_COMPONENT, dtype=np.int64)
        for row, facts in enumerate(batch.facts):
            on = local_date(int(batch.starts[row]), facts.time_zone)
            entry = self._entry(factor, facts.characteristics, on)
            if entry is not None and entry.component_id is not None:
                found[row] = entry.component_id
        return found

    def _entry(self, code: str, characteristics: Mapping[str, str], on: dt.date) -> FactorEntry | None:
        value = characteristics.get(self._characteristics.get(code, ""))
        if value is None:
            return None
        matching = [entry for entry in self._entries.get((code, str(value)), ()) if entry.in_force(on)]
        # Of several the one that began last counts.
        return max(matching, key=lambda entry: entry.start_date or dt.date.min, default=None)


def siblings_without_imd(batch: Batch) -> list[tuple[str, ...]]:
    """Give the identifiers of the other components of each IMD's device without IMDs that cover its period."""
    siblings = _components_of_devices(batch)
    covered = _periods_of_imds([component for each in siblings.values() for component, _ in each], batch)
    found = []
    for row, facts in enumerate(batch.facts):
        start, end = int(batch.starts[row]), facts.end
        found.append(
            tuple(
                identifier
                for component, identifier in siblings.get(facts.device_id or 0, ())
                if component != facts.component_id and not _cover(covered.get(component, ()), start, end)
            )
        )
    return found


def siblings(batch: Batch) -> list[tuple[int, ...]]:
    """Give the other components of each IMD's device."""
    of_device = _components_of_devices(batch)
    return [
        tuple(component for component, _ in of_device.get(facts.device_id or 0, ()) if component != facts.component_id)
        for facts in batch.facts
    ]


def _components_of_devices(batch: Batch) -> dict[int, list[tuple[int, str]]]:
    """Give id and identifier of the components of each device of the batch, in the order of their identifiers."""
    devices = {facts.device_id for facts in batch.facts if facts.device_id is not None}
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    rows = MeasuringComponent.objects.filter(device__any_of=devices).order_by("identifier")
    for component, identifier, device in rows.values_list("pk", "identifier", "device"):
        found[device].append((component, identifier))
    return found


def _periods_of_imds(component_ids: list[int], batch: Batch) -> dict[int, list[tuple[int, int]]]:
    periods: dict[int, list[tuple[int, int]]] = defaultdict(list)
    if not component_ids or not batch.size:
        return periods
    rows = InitialMeasurement.objects.filter(
        measuring_component__any_of=component_ids,
        start__lte=instant(max(facts.end for facts in batch.facts)),
        end__gte=instant(int(batch.starts.min())),
    ).exclude(state=ImdState.DISCARDED)
    for component, start, end in rows.values_list("measuring_component", "start", "end"):
        periods[component].append((int(start.timestamp()), int(end.timestamp())))
    return periods


def _cover(periods: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """
    Tell whether some periods together leave no part of (start, end] out.

    A period without a length is a register's read: it belongs to the one that ends with it.
    """
    reached = start
    for first, last in sorted(periods):
        if first == last == end:
            return True
        if first <= reached <= last:
            reached = last
            if reached >= end:
                return True
    return False


def duplicates(batch: Batch) -> NDArray[np.int64]:
    """Give the id of a completed IMD of the same component, kind, end and received contents; 0 without one."""
    found = np.zeros(batch.size, dtype=np.int64)
    others: dict[tuple[int, str, int, int | None], list[int]] = defaultdict(list)
    rows = InitialMeasurement.objects.filter(
        measuring_component__any_of=Ids(set(batch.component_ids.tolist())),
        end__in=[instant(end) for end in set(batch.ends.tolist())],
        state=ImdState.COMPLETE,
    ).order_by("pk")
    for pk, *key in rows.values_list("pk", "measuring_component", "kind", "end", "seconds_per_interval"):
        others[key[0], key[1], int(key[2].timestamp()), key[3]].append(pk)
    if not others:
        return found
    wanted = {facts.imd_id for facts in batch.facts} | {pk for ids in others.values() for pk in ids}
    contents = fetch_arrays(
        table=ImdPayload._meta.db_table,
        key="imd_id",
        ids=sorted(wanted),
        columns=["scale", "values", "conditions", "reading"],
        arrays={"values": "int64", "conditions": "int32"},
    )
    for row, facts in enumerate(batch.facts):
        for other in others.get(_key(facts), ()):
            if other != facts.imd_id and facts.imd_id in contents and _same(contents[facts.imd_id], contents[other]):
                found[row] = other
                break
    return found


def _key(facts: ImdFacts) -> tuple[int, str, int, int | None]:
    return facts.component_id, str(facts.kind), facts.end, facts.seconds_per_interval


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Tell whether two payloads say the same; numbers are equal whatever scale they came at."""
    (scale, values, conditions, reading), (other_scale, other_values, other_conditions, other_reading) = one, other
    readings = [None if each is None else Decimal(str(each)) for each in (reading, other_reading)]
    return (
        readings[0] == readings[1]
        and _equal(conditions, other_conditions)
        and _equal(_at_scale(values, scale, other_scale), _at_scale(other_values, other_scale, scale))
    )


def _equal(one: NDArray[Any] | None, other: NDArray[Any] | None) -> bool:
    if one is None or other is None:
        return one is other
    return np.array_equal(one, other)


def _at_scale(values: NDArray[np.int64] | None, scale: int, other: int) -> NDArray[Any] | None:
    """Give counts at the finer of two scales; Python ints where they were coarser, as they might not fit."""
    if values is None or scale >= other:
        return values
    finer = values.astype(object) * 10 ** (other - scale)
    finer[values == NO_VALUE] = NO_VALUE
    return finer
