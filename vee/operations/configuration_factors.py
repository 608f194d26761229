"""Factors and holidays as a document sets them (`docs/reference/configuration.md`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from vee.engine.plan import find_cycle
from vee.models import Factor, FactorValue, Holiday, MeasuringComponent, VeeGroup
from vee.operations.configuration_entries import MAX_CODE, FactorEntry, FactorValueEntry, HolidayEntry
from vee.operations.configuration_sections import (
    Applied,
    all_or_nothing,
    delete,
    put,
    read_entries,
    read_named_entries,
    refuse,
    repeated,
    what_happened,
)
from vee.operations.groups import load_groups
from vee.operations.history_components import Factors


def apply_factors(*, section: Any, by: Any, at: dt.datetime, dry_run: bool = False) -> list[Applied]:
    """
    Apply factors: all of them, or none when one is refused. Values that are named replace the whole list.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/0/values/1/vee_group`.
    """
    entries = read_entries(section, FactorEntry)
    errors = [error for index, entry in entries for error in _value_errors(index, entry)]
    refuse(errors + repeated([(f"/{index}/code", entry.code) for index, entry in entries]))
    return all_or_nothing(lambda: _save_factors(entries, by=by, at=at), dry_run=dry_run)


def apply_holidays(*, section: Any, by: Any, at: dt.datetime, dry_run: bool = False) -> list[Applied]:
    """
    Apply holidays by calendar; the days that a calendar names replace those that it had.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/US/3/date`.
    """
    calendars = read_named_entries(section, list[HolidayEntry])
    for name, days in calendars.items():
        if not 0 < len(name) <= MAX_CODE:
            refuse([{"pointer": f"/{name}", "code": "invalid", "message": "A calendar's name has 1 to 40 characters."}])
        refuse(repeated([(f"/{name}/{index}/date", day.date.isoformat()) for index, day in enumerate(days)]))
    return all_or_nothing(lambda: [_save_calendar(name, days) for name, days in calendars.items()], dry_run=dry_run)


def _value_errors(index: int, entry: FactorEntry) -> list[dict[str, str]]:
    values = [] if entry.values is msgspec.UNSET else entry.values
    errors = []
    groups = _known(VeeGroup, "code", [value.vee_group for value in values])
    components = _known(MeasuringComponent, "identifier", [value.measuring_component for value in values])
    for number, value in enumerate(values):
        pointer = f"/{index}/values/{number}"
        if value.start_date and value.end_date and value.end_date < value.start_date:
            message = "The end date lies before the start date."
            errors.append({"pointer": f"{pointer}/end_date", "code": "invalid", "message": message})
        if value.vee_group is not None and value.vee_group not in groups:
            message = f"There is no VEE group {value.vee_group}."
            errors.append({"pointer": f"{pointer}/vee_group", "code": "unknown_group", "message": message})
        if value.measuring_component is not None and value.measuring_component not in components:
            message = f"There is no measuring component {value.measuring_component}."
            errors.append(
                {"pointer": f"{pointer}/measuring_component", "code": "unknown_component", "message": message}
            )
    places = [(f"/{index}/values/{number}/value", f"{value.value} {value.start_date or ''}".rstrip())
              for number, value in enumerate(values)]  # fmt: skip
    return errors + repeated(places)


def _known(model: Any, field: str, names: Sequence[str | None]) -> dict[str, Any]:
    wanted = {name for name in names if name is not None}
    return {getattr(row, field): row for row in model._default_manager.filter(**{f"{field}__in": wanted})}


def _save_factors(entries: Sequence[tuple[int, FactorEntry]], *, by: Any, at: dt.datetime) -> list[Applied]:
    applied = []
    for _, entry in entries:
        factor = Factor.objects.filter(code=entry.code).first()
        created = factor is None
        given: dict[str, Any] = {"characteristic": entry.characteristic}
        if entry.description is not msgspec.UNSET:
            given["description"] = entry.description
        row = factor or Factor(code=entry.code)
        changed = put(row, given, by=by, at=at)
        if entry.values is not msgspec.UNSET:
            changed |= _save_values(row, entry.values, by=by, at=at)
        applied.append(Applied("factors", entry.code, what_happened(created=created, changed=changed)))
    cycle = find_cycle(load_groups(), Factors().all_groups())
    if cycle:
        message = f"With these factors the groups lead back to themselves: {' > '.join(cycle)}."
        refuse([{"pointer": "", "code": "cycle", "message": message}])
    return applied


def _save_values(factor: Factor, entries: Sequence[FactorValueEntry], *, by: Any, at: dt.datetime) -> bool:
    groups = _known(VeeGroup, "code", [entry.vee_group for entry in entries])
    components = _known(MeasuringComponent, "identifier", [entry.measuring_component for entry in entries])
    there = {(row.characteristic_value, row.start_date): row for row in factor.values.all()}
    wanted = {(entry.value, entry.start_date): entry for entry in entries}
    changed = False
    for place, old in there.items():
        if place not in wanted:
            delete(old, by=by, at=at)
            changed = True
    for (value, start_date), entry in wanted.items():
        row = there.get((value, start_date)) or FactorValue(
            factor=factor, characteristic_value=value, start_date=start_date
        )
        group = None if entry.vee_group is None else groups[entry.vee_group]
        component = None if entry.measuring_component is None else components[entry.measuring_component]
        given: Mapping[str, Any] = {
            "end_date": entry.end_date, "vee_group": group, "measuring_component": component,
        }  # fmt: skip
        changed |= put(row, given, by=by, at=at)
    return changed


def _save_calendar(name: str, days: Sequence[HolidayEntry]) -> Applied:
    there = {row.date: row for row in Holiday.objects.filter(calendar=name)}
    wanted = {day.date: day.name for day in days}
    gone = [row.pk for date, row in there.items() if date not in wanted]
    new = [Holiday(calendar=name, date=date, name=title) for date, title in wanted.items() if date not in there]
    renamed = [row for date, row in there.items() if date in wanted and row.name != wanted[date]]
    for row in renamed:
        row.name = wanted[row.date]
    Holiday.objects.filter(pk__in=gone).delete()
    Holiday.objects.bulk_create(new)
    Holiday.objects.bulk_update(renamed, ["name"])
    return Applied(
        "holidays", name, what_happened(created=not there and bool(new), changed=bool(gone or new or renamed))
    )
