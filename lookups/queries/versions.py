"""The versions of a lookup and what changed between them."""

from __future__ import annotations

from collections.abc import Sequence

from lookups.columns import read_columns
from lookups.differences import Difference, compare
from lookups.kinds import Kind
from lookups.models import Lookup, LookupVersion
from lookups.queries.listing import lookup_named
from lookups.states import State


class UnknownVersion(LookupError):
    """The lookup never had this version."""

    def __init__(self, name: str, number: int) -> None:
        super().__init__(f"The lookup {name} has no version {number}.")
        self.name = name
        self.number = number


def state_of(version: LookupVersion, *, name: str) -> State:
    """Give what the lookup was at a stored version."""
    return State(
        name=name,
        kind=Kind(version.kind),
        description=version.description,
        strict=version.strict,
        aliases=tuple(version.aliases),
        columns=read_columns(version.columns),
        rows=tuple(version.rows),
    )


def state_at(*, lookup: Lookup, number: int) -> State:
    """
    Give what a lookup was at a version; version 0 is before it existed.

    :raises UnknownVersion: when it never had that version.
    """
    if number == 0:
        return State(name=lookup.name)
    version = LookupVersion.objects.filter(lookup=lookup, number=number).first()
    if version is None:
        raise UnknownVersion(lookup.name, number)
    return state_of(version, name=lookup.name)


def difference(*, name: str, before: int, after: int) -> Difference:
    """
    Give what changed from one version of a lookup to another.

    :raises UnknownLookup: when there is no such lookup.
    :raises UnknownVersion: when it never had one of the versions.
    """
    lookup = lookup_named(name=name)
    return compare(state_at(lookup=lookup, number=before), state_at(lookup=lookup, number=after))


def latest_differences(*, lookup: Lookup, versions: Sequence[LookupVersion]) -> list[tuple[LookupVersion, Difference]]:
    """Give each of these versions with what it changed; the one before each is read along (two queries at most)."""
    by_number = {version.number: version for version in versions}
    missing = [number - 1 for number in by_number if number > 1 and number - 1 not in by_number]
    for version in LookupVersion.objects.filter(lookup=lookup, number__in=missing):
        by_number[version.number] = version
    result: list[tuple[LookupVersion, Difference]] = []
    for version in versions:
        earlier = by_number.get(version.number - 1)
        before = state_of(earlier, name=lookup.name) if earlier else State(name=lookup.name, kind=Kind(version.kind))
        result.append((version, compare(before, state_of(version, name=lookup.name))))
    return result
