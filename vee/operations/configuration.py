"""VEE groups and measuring component types as a document sets them (`api.md` 1), and the shipped defaults."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from django.db import transaction

from foundation.kept_texts import kept
from vee.codes import ComponentKind, Role
from vee.engine import eligibility, registry
from vee.engine.plan import criteria_text, find_cycle
from vee.engine.registers import is_threshold
from vee.models import InitialMeasurement, MeasuringComponentType, VeeGroup, VeeRule
from vee.operations.configuration_derivations import apply_derivations
from vee.operations.configuration_entries import GroupEntry, RuleEntry, TypeEntry
from vee.operations.configuration_sections import (
    Applied,
    UnableToApplyConfiguration,
    all_or_nothing,
    delete,
    exception_type,
    plain,
    put,
    read_entries,
    refuse,
    repeated,
    save,
    what_happened,
)
from vee.operations.groups import load_groups, missing_factors, named_by_rules
from vee.operations.history_components import Factors
from vee.operations.todos import create_todo_types, default_type
from vee.storage import SECONDS_PER_DAY


__all__ = [
    "Applied",
    "UnableToApplyConfiguration",
    "apply_component_types",
    "apply_groups",
    "install_defaults",
]

TYPE_FIELDS = (
    "description", "component_kind", "seconds_per_interval", "uom", "scale", "allow_negative", "dials",
    "rollover_threshold", "subtractive", "sync_consumption", "skip_identical", "check_too_few_intervals",
    "check_too_many_intervals", "fill_missing_intervals", "snap_to_boundaries", "direct_processing",
    "high_quality_tolerance", "estimate_gaps_after_hours", "gap_action",
)  # fmt: skip
GROUP_FIELDS = {
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
    entries = read_entries(section, GroupEntry)
    errors = [error for index, entry in entries for error in _rule_errors(index, entry)]
    refuse(errors + repeated([(f"/{index}/code", entry.code) for index, entry in entries]))
    return all_or_nothing(lambda: _save_groups(entries, by=by, at=at), dry_run=dry_run)


def apply_component_types(*, section: Any, by: Any, at: dt.datetime, dry_run: bool = False) -> list[Applied]:
    """
    Apply measuring component types: all of them, or none when one is refused.

    Kind, interval size and scale are fixed once there are readings of the type.

    :raises UnableToApplyConfiguration: with pointers inside the section, such as `/0/vee_groups/INITIAL_LOAD`.
    """
    entries = read_entries(section, TypeEntry)
    refuse(repeated([(f"/{index}/id", entry.id) for index, entry in entries]))
    return all_or_nothing(lambda: _save_types(entries, by=by, at=at), dry_run=dry_run)


def read_rules(rules: Any) -> list[RuleEntry]:
    """
    Read rules as a document names them, parameters as JSON stores them.

    :raises UnableToApplyConfiguration: with pointers into the list.
    """
    entries = [entry for _, entry in read_entries(rules, RuleEntry)]
    for entry in entries:
        entry.parameters, entry.eligibility = plain(entry.parameters), plain(entry.eligibility)
    return entries


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
            eligibility.read(criteria_text(plain(rule.eligibility)))
        except registry.UnableToReadParameters as error:
            yield {"pointer": f"{pointer}/eligibility{error.pointer}", "code": "invalid", "message": str(error)}
        try:
            registry.parse_parameters(rule.rule, plain(rule.parameters))
        except registry.RuleNotAvailable:
            continue
        except registry.UnknownRule as error:
            yield {"pointer": f"{pointer}/rule", "code": "unknown_rule", "message": str(error)}
        except registry.UnableToReadParameters as error:
            yield {"pointer": f"{pointer}/parameters{error.pointer}", "code": "invalid", "message": str(error)}


def _save_groups(entries: Sequence[tuple[int, GroupEntry]], *, by: Any, at: dt.datetime) -> list[Applied]:
    applied = []
    for _, entry in entries:
        group, created = VeeGroup.objects.get_or_create(
            code=entry.code, defaults={"description": "" if entry.description is msgspec.UNSET else entry.description}
        )
        changed = False
        if not created and entry.description is not msgspec.UNSET and group.description != entry.description:
            group.description = entry.description
            save(group, by=by, at=at)
            changed = True
        rules = [] if entry.rules is msgspec.UNSET else entry.rules
        if entry.rules is not msgspec.UNSET:
            create_todo_types(named_by_rules(rules)["todo_type"])
            changed |= _save_rules(group, rules, by=by, at=at)
        notes = tuple(_notes(rules))
        applied.append(Applied("vee_groups", entry.code, what_happened(created=created, changed=changed), notes))
    cycle = find_cycle(load_groups(), Factors().all_groups())
    if cycle:
        index = next((index for index, entry in entries if entry.code in cycle), 0)
        message = f"The groups lead back to themselves: {' > '.join(cycle)}."
        refuse([{"pointer": f"/{index}/rules", "code": "cycle", "message": message}])
    return applied


def _notes(rules: Sequence[RuleEntry]) -> Iterator[str]:
    """Say what of the rules does not work yet."""
    for rule in sorted({rule.rule for rule in rules} - registry.AVAILABLE.keys()):
        yield kept(f"{rule} is not available in this version")
    named = {parameter: sorted(names) for parameter, names in named_by_rules(rules).items()}
    for code in missing_factors(named["factor"]):
        yield kept(f"there is no factor {code} yet")


def _save_rules(group: VeeGroup, entries: Sequence[RuleEntry], *, by: Any, at: dt.datetime) -> bool:
    """Make the group's rules those of the document; a rule that stays keeps its row, which evidence refers to."""
    there = {(rule.sequence, rule.start_date): rule for rule in group.rules.all()}
    wanted = {(entry.sequence, entry.start_date): entry for entry in entries}
    changed = False
    for place, old in there.items():
        if place not in wanted:
            delete(old, by=by, at=at)
            changed = True
    for place, entry in wanted.items():
        values = {
            "rule": entry.rule,
            "description": entry.description,
            "severity": str(entry.severity),
            "exception_type": exception_type(entry.exception_type, at=at),
            "end_date": entry.end_date,
            "parameters": plain(entry.parameters),
            "eligibility": plain(entry.eligibility),
        }
        rule = there.get(place) or VeeRule(group=group, sequence=entry.sequence, start_date=entry.start_date)
        changed |= put(rule, values, by=by, at=at)
    return changed


def _save_types(entries: Sequence[tuple[int, TypeEntry]], *, by: Any, at: dt.datetime) -> list[Applied]:
    applied = []
    for index, entry in entries:
        found = MeasuringComponentType.objects.filter(identifier=entry.id).first()
        row = found or MeasuringComponentType(identifier=entry.id)
        before = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
        _put_type(row, entry, index, new=found is None)
        changed = sorted(name for name, value in before.items() if getattr(row, name) != value)
        refuse(list(_type_errors(row, changed, index, new=found is None)))
        if found is None or changed:
            save(row, by=by, at=at)
        if entry.derivations is not msgspec.UNSET and apply_derivations(row, entry.derivations, index, by=by, at=at):
            changed = [*changed, "derivations"]
        what = what_happened(created=found is None, changed=bool(changed))
        applied.append(Applied("measuring_component_types", entry.id, what))
    return applied


def _put_type(row: MeasuringComponentType, entry: TypeEntry, index: int, *, new: bool) -> None:
    for name in ("component_kind", "uom"):
        if new and getattr(entry, name) is msgspec.UNSET:
            refuse([{"pointer": f"/{index}/{name}", "code": "required", "message": kept(f"{name} is required")}])
    for name in TYPE_FIELDS:
        value = getattr(entry, name)
        if value is not msgspec.UNSET:
            setattr(row, name, str(value) if name in ("component_kind", "gap_action") else value)
    for role, code in ({} if entry.vee_groups is msgspec.UNSET else entry.vee_groups).items():
        group = None if code is None else VeeGroup.objects.filter(code=code).first()
        if code is not None and group is None:
            message = f"There is no VEE group {code}."
            refuse([{"pointer": f"/{index}/vee_groups/{role}", "code": "unknown_group", "message": message}])
        setattr(row, GROUP_FIELDS[role], group)


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
    if row.high_quality_tolerance is not None and row.high_quality_tolerance < 0:
        message = "A tolerance is not negative."
        yield {"pointer": f"/{index}/high_quality_tolerance", "code": "invalid", "message": message}
    fixed = {"component_kind", "seconds_per_interval", "scale"} & set(changed)
    if not new and fixed and InitialMeasurement.objects.filter(measuring_component__type=row.pk).exists():
        for name in sorted(fixed):
            message = f"{name} cannot change any more: there are readings of this type."
            yield {"pointer": f"/{index}/{name}", "code": "in_use", "message": message}
