"""Saving a lookup: refused as a whole with pointers, or stored as a new version when something changed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q

from lookups import usage
from lookups.columns import Column
from lookups.differences import Difference, compare
from lookups.kinds import Kind
from lookups.models import Lookup, LookupAlias, LookupRow, LookupVersion
from lookups.names import name_key
from lookups.queries.cautions import LookupWarning, warnings_of
from lookups.queries.versions import UnknownVersion, state_at
from lookups.refusals import refusal
from lookups.states import Edit, State, edited


class UnableToSaveLookup(ValueError):
    """The lookup as given breaks a rule; nothing was stored. `errors` are `{"pointer", "code", "message"}`."""

    def __init__(self, errors: Iterable[Mapping[str, str]]) -> None:
        self.errors = [dict(error) for error in errors]
        super().__init__("; ".join(error["message"] for error in self.errors))


class LookupChangedMeanwhile(UnableToSaveLookup):
    """Somebody saved the lookup since it was read (`reliability.md` R4); nothing was stored."""

    def __init__(self, *, name: str, expected: int, current: int, changed_by: str, difference: Difference) -> None:
        self.expected = expected
        self.current = current
        self.changed_by = changed_by
        self.difference = difference
        super().__init__(
            [
                refusal(
                    code="version_conflict",
                    message=f"{name} was changed meanwhile by {changed_by or 'the system'}: your edit is of version "
                    f"{expected}, the lookup is at version {current} ({difference.details()}). Nothing was saved.",
                )
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveResult:
    """What a save did, or would do: `changed` is False when the lookup is already so and no version was made."""

    name: str
    version: int
    created: bool
    changed: bool
    difference: Difference
    warnings: tuple[LookupWarning, ...] = ()
    lookup_id: int | None = None


def save_lookup(
    *,
    name: str,
    columns: Sequence[str | Column] | None = None,
    rows: Sequence[Mapping[str, object]] | None = None,
    description: str | None = None,
    strict: bool | None = None,
    kind: Kind | None = None,
    aliases: Sequence[str] | None = None,
    expected_version: int | None = None,
    shipped: bool = False,
    dry_run: bool = False,
    by: User | None,
    note: str = "",
    at: dt.datetime,
) -> SaveResult:
    """
    Create a lookup or save it as a new version; what is left out stays as it is.

    :param name: name or alias; a name that is not known yet makes a new lookup.
    :param columns: names or declarations in order; a name keeps the declaration that the lookup has.
    :param rows: all rows in order, by column name.
    :param expected_version: the version that was edited; 0 for a lookup that must not exist yet.
    :param dry_run: check and compare, and store nothing.
    :param by: who saves; None for the product itself.
    :raises LookupChangedMeanwhile: when the lookup is no longer at the expected version.
    :raises UnableToSaveLookup: when the lookup would break a rule.
    """
    with transaction.atomic():
        lookup = _locked(name)
        number = lookup.version if lookup else 0
        before = state_at(lookup=lookup, number=number) if lookup else State(name=name)
        if expected_version == 0 and lookup is not None:
            raise UnableToSaveLookup([_already_there(name, before.name)])
        if expected_version is not None and expected_version != number:
            raise _changed_meanwhile(lookup, before, expected_version)
        names = [before.name, *before.aliases]
        edit = Edit(columns=columns, rows=rows, description=description, strict=strict, kind=kind, aliases=aliases)
        after, errors = edited(before, edit, needed=sorted(usage.columns_in_use(names=names)))
        errors += _taken_names(after, lookup)
        if errors:
            raise UnableToSaveLookup(errors)
        difference = compare(before, after)
        changed = bool(difference) or lookup is None
        warnings = tuple(warnings_of(table=after.name, kind=after.kind, rows=after.rows))
        if changed and not dry_run:
            lookup = _store(lookup, before, after, shipped=shipped, by=by, note=note, at=at)
        return SaveResult(
            name=after.name,
            version=number + 1 if changed else number,
            created=number == 0,
            changed=changed,
            difference=difference,
            warnings=warnings,
            lookup_id=lookup.pk if lookup else None,
        )


def _locked(name: str) -> Lookup | None:
    key = name_key(name)
    pk = Lookup.objects.filter(Q(key=key) | Q(aliases__key=key)).order_by("pk").values_list("pk", flat=True).first()
    return None if pk is None else Lookup.objects.select_for_update().get(pk=pk)


def _already_there(name: str, owner: str) -> dict[str, str]:
    return refusal("name", code="duplicate", message=f"{name!r} is already a name of the lookup {owner}.")


def _changed_meanwhile(lookup: Lookup | None, current: State, expected: int) -> LookupChangedMeanwhile:
    if lookup is None:
        difference = Difference()
    else:
        try:
            difference = compare(state_at(lookup=lookup, number=expected), current)
        except UnknownVersion:
            difference = Difference()
    return LookupChangedMeanwhile(
        name=current.name,
        expected=expected,
        current=lookup.version if lookup else 0,
        changed_by=lookup.changed_by if lookup else "",
        difference=difference,
    )


def _taken_names(after: State, lookup: Lookup | None) -> list[dict[str, str]]:
    by_key = {name_key(alias): index for index, alias in enumerate(after.aliases)}
    own = lookup.pk if lookup else -1
    taken = [
        *Lookup.objects.filter(key__in=by_key).exclude(pk=own).values_list("key", "name"),
        *LookupAlias.objects.filter(key__in=by_key).exclude(lookup=own).values_list("key", "lookup__name"),
    ]
    return [
        refusal(
            "aliases",
            by_key[key],
            code="duplicate",
            message=f"{after.aliases[by_key[key]]!r} is already a name of {owner}.",
        )
        for key, owner in taken
    ]


def _store(
    lookup: Lookup | None,
    before: State,
    after: State,
    *,
    shipped: bool,
    by: User | None,
    note: str,
    at: dt.datetime,
) -> Lookup:
    who = by.get_username() if by is not None else ""
    revision = uuid.uuid4()
    if lookup is None:
        lookup = Lookup(name=after.name, key=name_key(after.name), shipped=shipped)
    lookup.kind = after.kind.value
    lookup.description = after.description
    lookup.strict = after.strict
    lookup.columns = [column.as_json() for column in after.columns]
    lookup.version += 1
    lookup.revision = revision
    lookup.changed_at = at
    lookup.changed_by = who
    try:
        with transaction.atomic():
            lookup.save()
    except IntegrityError:
        # Two people made the same new name at the same moment; the other one was first.
        raise UnableToSaveLookup([_already_there(after.name, after.name)]) from None
    _store_aliases(lookup, after.aliases)
    _store_rows(lookup, after)
    LookupVersion.objects.create(
        lookup=lookup,
        number=lookup.version,
        revision=revision,
        kind=lookup.kind,
        description=lookup.description,
        strict=lookup.strict,
        aliases=list(after.aliases),
        columns=lookup.columns,
        rows=list(after.rows),
        at=at,
        by=by,
        by_name=who,
        note=note,
    )
    return lookup


def _store_aliases(lookup: Lookup, aliases: Sequence[str]) -> None:
    if list(lookup.aliases.values_list("name", flat=True)) == list(aliases):
        return
    lookup.aliases.all().delete()
    LookupAlias.objects.bulk_create([LookupAlias(lookup=lookup, name=alias, key=name_key(alias)) for alias in aliases])


def _store_rows(lookup: Lookup, after: State) -> None:
    # In place by position: the rows that stay keep their keys, and an edit of one row writes one row.
    stored = {row.position: row for row in lookup.rows.all()}
    changed = []
    for position, values in enumerate(after.rows, start=1):
        row = stored.get(position)
        if row is not None and row.values != values:
            row.values = values
            changed.append(row)
    LookupRow.objects.bulk_update(changed, ["values"], batch_size=500)
    LookupRow.objects.bulk_create(
        [
            LookupRow(lookup=lookup, position=position, values=values)
            for position, values in enumerate(after.rows, start=1)
            if position not in stored
        ],
        batch_size=500,
    )
    lookup.rows.filter(position__gt=len(after.rows)).delete()
