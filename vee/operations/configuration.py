"""VEE groups and measuring component types as a document sets them (`api.md` 1), and the shipped defaults."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from django.db import transaction

from foundation.api.decoding import DoesNotFit, convert
from vee.codes import ComponentKind, Role
from vee.engine import registry
from vee.engine.plan import find_cycle
from vee.engine.registers import is_threshold
from vee.models import InitialMeasurement, MeasuringComponentType, VeeExceptionType, VeeGroup, VeeRule
from vee.operations.configuration_entries import GroupEntry, RuleEntry, TypeEntry
from vee.operations.groups import load_groups
from vee.operations.history_components import Factors
from vee.operations.todos import default_type
from vee.storage import SECONDS_PER_DAY


class UnableToApplyConfiguration(ValueError):
    """The section was refused and nothing of it was applied; `errors` have pointer (in the section), code, message."""

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        self.errors = list(errors)
        self.pointer = self.errors[0]["pointer"]
        super().__init__("; ".join(f"{error['pointer'] or '/'}: {error['message']}" for error in self.errors))


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """What became of one entry: `what` is CREATED, CHANGED or UNCHANGED; `notes` name what this version cannot run."""

    section: str
    name: str
    what: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        notes = f" ({'; '.join(self.notes)})" if self.notes else ""
        return f"{self.section} {self.name}: {self.what.lower()}{notes}"


_GROUP_FIELDS = {
    Role.INITIAL_LOAD: "initial_load_group",
    Role.MANUAL_OVERRIDE: "manual_override_group",
    Role.ESTIMATION: "estimation_group",
}


def apply_groups(*, section: Any, by: Any, at: dt.datetime, dry_run: bool = False) -> list[Applied]:
    """
    Apply VEE groups: all of them, or none when one is refused.

    A rule that is known but not available in this version is stored and noted; an IMD that reaches it goes to
    EXCEPTION. Exception types that rules name are created when missing.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/0/rules/1/parameters/tolerance`.
    """
    entries = _entries(section, GroupEntry)
    errors = [error for index, entry in entries for error in _rule_errors(index, entry)]
    _refuse(errors + _repeated([(f"/{index}/code", entry.code) for index, entry in entries]))
    return _all_or_nothing(lambda: _save_groups(entries, by=by, at=at), dry_run=dry_run)


def apply_component_types(*, section: Any, by: Any, at: dt.datetime, dry_run: bool = False) -> list[Applied]:
    """
    Apply measuring component types: all of them, or none when one is refused.

    Kind, interval size and scale are fixed once there are readings of the type.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/0/vee_groups/INITIAL_LOAD`.
    """
    entries = _entries(section, TypeEntry)
    _refuse(_repeated([(f"/{index}/id", entry.id) for index, entry in entries]))
    return _all_or_nothing(lambda: _save_types(entries, by=by, at=at), dry_run=dry_run)


def install_defaults(*, at: dt.datetime) -> list[Applied]:
    """Install the shipped groups and types where a site has none of that name; give what was created."""
    from vee.operations import defaults

    default_type()
    groups = set(VeeGroup.objects.values_list("code", flat=True))
    types = set(MeasuringComponentType.objects.values_list("identifier", flat=True))
    with transaction.atomic():
        return [
            *apply_groups(section=[entry for entry in defaults.GROUPS if entry["code"] not in groups], by=None, at=at),
            *apply_component_types(
                section=[entry for entry in defaults.COMPONENT_TYPES if entry["id"] not in types], by=None, at=at
            ),
        ]


def _entries(section: Any, kind: type[Any]) -> list[tuple[int, Any]]:
    if not isinstance(section, Sequence) or isinstance(section, str):
        _refuse([{"pointer": "", "code": "invalid", "message": "This is given as a list."}])
    entries, errors = [], []
    for index, raw in enumerate(section):
        try:
            entries.append((index, convert(raw, kind)))
        except DoesNotFit as error:
            errors.append(error.as_error(f"/{index}"))
    _refuse(errors)
    return entries


def _refuse(errors: Sequence[Mapping[str, str]]) -> None:
    if errors:
        raise UnableToApplyConfiguration(errors)


def _repeated(names: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    seen: set[str] = set()
    errors = []
    for pointer, name in names:
        if name in seen:
            errors.append({"pointer": pointer, "code": "repeated", "message": f"{name} stands twice."})
        seen.add(name)
    return errors


def _all_or_nothing(save: Any, *, dry_run: bool) -> list[Applied]:
    with transaction.atomic():
        applied: list[Applied] = save()
        transaction.set_rollback(dry_run)
    return applied


def _rule_errors(index: int, entry: GroupEntry) -> Iterator[dict[str, str]]:
    rules = [] if entry.rules is msgspec.UNSET else entry.rules
    places: set[tuple[int, dt.date | None]] = set()
    for number, rule in enumerate(rules):
        pointer = f"/{index}/rules/{number}"
        if (rule.sequence, rule.start_date) in places:
            message = f"Two rules have sequence {rule.sequence} and the same start date."
            yield {"pointer": f"{pointer}/sequence", "code": "repeated", "message": message}
        places.add((rule.sequence, rule.start_date))
        if rule.start_date and rule.end_date and rule.end_date < rule.start_date:
            message = "The end date lies before the start date."
            yield {"pointer": f"{pointer}/end_date", "code": "invalid", "message": message}
        try:
            registry.parse_parameters(rule.rule, _plain(rule.parameters))
        except registry.RuleNotAvailable:
            continue
        except registry.UnknownRule as error:
            yield {"pointer": f"{pointer}/rule", "code": "unknown_rule", "message": str(error)}
        except registry.UnableToReadParameters as error:
            yield {"pointer": f"{pointer}/parameters{error.pointer}", "code": "invalid", "message": str(error)}


def _plain(value: Any) -> Any:
    """Give a parameter as JSON stores it without losing a digit."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else _float_or_text(value)
    return value


def _float_or_text(value: Decimal) -> float | str:
    return float(value) if Decimal(repr(float(value))) == value else str(value)


def _save_groups(entries: Sequence[tuple[int, GroupEntry]], *, by: Any, at: dt.datetime) -> list[Applied]:
    applied = []
    for _, entry in entries:
        group, created = VeeGroup.objects.get_or_create(
            code=entry.code, defaults={"description": "" if entry.description is msgspec.UNSET else entry.description}
        )
        changed = False
        if not created and entry.description is not msgspec.UNSET and group.description != entry.description:
            group.description = entry.description
            _save(group, by=by, at=at)
            changed = True
        rules = [] if entry.rules is msgspec.UNSET else entry.rules
        if entry.rules is not msgspec.UNSET:
            changed |= _save_rules(group, rules, by=by, at=at)
        missing = sorted({rule.rule for rule in rules} - registry.AVAILABLE.keys())
        notes = tuple(f"{rule} is not available in this version" for rule in missing)
        applied.append(Applied("vee_groups", entry.code, _what(created=created, changed=changed), notes))
    cycle = find_cycle(load_groups(), Factors().all_groups())
    if cycle:
        index = next((index for index, entry in entries if entry.code in cycle), 0)
        message = f"The groups lead back to themselves: {' > '.join(cycle)}."
        _refuse([{"pointer": f"/{index}/rules", "code": "cycle", "message": message}])
    return applied


def _what(*, created: bool, changed: bool) -> str:
    return "CREATED" if created else "CHANGED" if changed else "UNCHANGED"


def _save(row: Any, *, by: Any, at: dt.datetime) -> None:
    row._history_user = by
    row._history_date = at
    row.save()


def _delete(row: Any, *, by: Any, at: dt.datetime) -> None:
    row._history_user = by
    row._history_date = at
    row.delete()


def _save_rules(group: VeeGroup, entries: Sequence[RuleEntry], *, by: Any, at: dt.datetime) -> bool:
    """Make the group's rules those of the document; a rule that stays keeps its row, which evidence refers to."""
    there = {(rule.sequence, rule.start_date): rule for rule in group.rules.all()}
    wanted = {(entry.sequence, entry.start_date): entry for entry in entries}
    changed = False
    for place, old in there.items():
        if place not in wanted:
            _delete(old, by=by, at=at)
            changed = True
    for place, entry in wanted.items():
        exception_type = _exception_type(entry.exception_type, at=at)
        values = {
            "rule": entry.rule,
            "description": entry.description,
            "severity": str(entry.severity),
            "exception_type": exception_type,
            "end_date": entry.end_date,
            "parameters": _plain(entry.parameters),
        }
        rule = there.get(place) or VeeRule(group=group, sequence=entry.sequence, start_date=entry.start_date)
        if rule.pk is not None and all(getattr(rule, name) == value for name, value in values.items()):
            continue
        for name, value in values.items():
            setattr(rule, name, value)
        _save(rule, by=by, at=at)
        changed = True
    return changed


def _exception_type(code: str | None, *, at: dt.datetime) -> VeeExceptionType | None:
    if not code:
        return None
    found = VeeExceptionType.objects.filter(pk=code).first()
    if found is None:
        found = VeeExceptionType(code=code)
        _save(found, by=None, at=at)
    return found


def _save_types(entries: Sequence[tuple[int, TypeEntry]], *, by: Any, at: dt.datetime) -> list[Applied]:
    applied = []
    for index, entry in entries:
        found = MeasuringComponentType.objects.filter(identifier=entry.id).first()
        row = found or MeasuringComponentType(identifier=entry.id)
        before = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
        _put_type(row, entry, index, new=found is None)
        changed = sorted(name for name, value in before.items() if getattr(row, name) != value)
        _refuse(list(_type_errors(row, changed, index, new=found is None)))
        if found is None or changed:
            _save(row, by=by, at=at)
        what = _what(created=found is None, changed=bool(changed))
        applied.append(Applied("measuring_component_types", entry.id, what))
    return applied


def _put_type(row: MeasuringComponentType, entry: TypeEntry, index: int, *, new: bool) -> None:
    for name in ("component_kind", "uom"):
        if new and getattr(entry, name) is msgspec.UNSET:
            _refuse([{"pointer": f"/{index}/{name}", "code": "required", "message": f"{name} is required"}])
    for name in ("description", "component_kind", "seconds_per_interval", "uom", "scale", "allow_negative", "dials",
                 "rollover_threshold", "subtractive", "sync_consumption", "skip_identical"):  # fmt: skip
        value = getattr(entry, name)
        if value is not msgspec.UNSET:
            setattr(row, name, str(value) if name == "component_kind" else value)
    for role, code in ({} if entry.vee_groups is msgspec.UNSET else entry.vee_groups).items():
        group = None if code is None else VeeGroup.objects.filter(code=code).first()
        if code is not None and group is None:
            message = f"There is no VEE group {code}."
            _refuse([{"pointer": f"/{index}/vee_groups/{role}", "code": "unknown_group", "message": message}])
        setattr(row, _GROUP_FIELDS[role], group)


def _type_errors(
    row: MeasuringComponentType, changed: Sequence[str], index: int, *, new: bool
) -> Iterator[dict[str, str]]:
    pointer = f"/{index}/seconds_per_interval"
    if row.component_kind == ComponentKind.SCALAR:
        if row.seconds_per_interval is not None:
            yield {"pointer": pointer, "code": "invalid", "message": "A scalar kind has no interval size."}
    elif row.seconds_per_interval is None:
        yield {"pointer": pointer, "code": "required", "message": "An interval kind needs seconds_per_interval."}
    elif SECONDS_PER_DAY % row.seconds_per_interval:
        yield {"pointer": pointer, "code": "invalid", "message": "The interval size does not divide a day."}
    if not is_threshold(row.rollover_threshold):
        message = "A rollover threshold is a share above 0 and up to 1."
        yield {"pointer": f"/{index}/rollover_threshold", "code": "invalid", "message": message}
    fixed = {"component_kind", "seconds_per_interval", "scale"} & set(changed)
    if not new and fixed and InitialMeasurement.objects.filter(measuring_component__type=row.pk).exists():
        for name in sorted(fixed):
            message = f"{name} cannot change any more: there are readings of this type."
            yield {"pointer": f"/{index}/{name}", "code": "in_use", "message": message}
