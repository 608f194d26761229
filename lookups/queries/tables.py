"""
Translating a value: `lookup_value` and the table that it reads.

Note [What a process remembers]: a table is remembered per process under its revision, a random number that changes
with every version. Each read asks the database for the revision first (one indexed query), so that an edit counts at
the next call without a restart, and what was read inside a transaction that was rolled back is never taken for the
version that comes after it.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.db.models import Q

from lookups.columns import Column, find_column, read_columns
from lookups.contents import Row
from lookups.folding import fold
from lookups.kinds import Kind
from lookups.models import Lookup, LookupVersion
from lookups.names import name_key


class Found(enum.StrEnum):
    """Whether a value was found, found with nothing on the other side, or not found (`integration.md` 4.11)."""

    FOUND = "FOUND"
    FOUND_EMPTY = "FOUND_EMPTY"
    NOT_FOUND = "NOT_FOUND"


class UnknownLookup(LookupError):
    """There is no lookup of this name or alias."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no lookup named {name!r}.")
        self.name = name


class UnknownColumn(LookupError):
    """The lookup has no column of this name."""

    def __init__(self, table: str, column: str) -> None:
        super().__init__(f"The lookup {table} has no column {column!r}.")
        self.table = table
        self.column = column


class UnableToTranslate(LookupError):
    """A strict lookup does not hold the value (`reliability.md` L1)."""

    def __init__(self, *, table: str, source: str, value: str, target: str, version: int) -> None:
        super().__init__(f"The lookup {table} has no {target} for {source} {value!r}.")
        self.table = table
        self.source = source
        self.value = value
        self.target = target
        self.version = version


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupResult:
    """
    What a lookup said, and which version and row said it.

    `result` is the target value ("" when found empty), or the caller's default when nothing was found; `row` counts
    from 1 and is None when nothing was found.
    """

    result: str | None
    found: Found
    table: str
    version: int
    row: int | None


@dataclass(frozen=True, kw_only=True)
class Table:
    """One version of a lookup, held still: a run that takes it once translates with this version to its end (L2)."""

    name: str
    kind: Kind
    strict: bool
    version: int
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    on_missing: Callable[[str, str, str], None] | None = field(default=None, repr=False, compare=False)
    """Told of each value that was looked for in vain: source column, value, wanted column."""
    _indexes: dict[str, Mapping[str, int]] = field(default_factory=dict, repr=False, compare=False)

    def column(self, name: str) -> Column:
        """
        Give the column of that name or spelling.

        :raises UnknownColumn: when there is none.
        """
        column = find_column(self.columns, name)
        if column is None:
            raise UnknownColumn(self.name, name)
        return column

    def row_of(self, *, source: str, value: str) -> int | None:
        """
        Give the position (from 1) of the first row whose source column holds the value, folding applied to both.

        :raises UnknownColumn: when the lookup has no such column.
        """
        column = self.column(source)
        index = self._indexes.get(column.name)
        if index is None:
            made: dict[str, int] = {}
            for position, row in enumerate(self.rows, start=1):
                made.setdefault(fold(row.get(column.name, ""), column.folding), position)
            index = self._indexes.setdefault(column.name, made)
        return index.get(fold(value, column.folding))

    def translate(
        self, *, source: str, value: str, target: str, default: str | None = None, strict: bool | None = None
    ) -> LookupResult:
        """
        Translate a value of one column into another column's.

        :param strict: True refuses what is not found; None leaves it to the caller's default when one is given, and
            otherwise to the lookup's own setting.
        :raises UnableToTranslate: when strict and the value is not found.
        :raises UnknownColumn: when the lookup has no such column.
        """
        wanted = self.column(target)
        row = self.row_of(source=source, value=value)
        if row is None:
            if self.on_missing is not None:
                self.on_missing(self.column(source).name, value, wanted.name)
            if strict or (strict is None and default is None and self.strict):
                raise UnableToTranslate(
                    table=self.name, source=source, value=value, target=target, version=self.version
                )
            return LookupResult(result=default, found=Found.NOT_FOUND, table=self.name, version=self.version, row=None)
        result = self.rows[row - 1].get(wanted.name, "")
        found = Found.FOUND if result else Found.FOUND_EMPTY
        return LookupResult(result=result, found=found, table=self.name, version=self.version, row=row)


_remembered: dict[int, tuple[uuid.UUID, Table]] = {}


def table(*, name: str) -> Table:
    """
    Give a lookup's current version by its name or alias, without regard to case.

    :raises UnknownLookup: when there is none.
    """
    key = name_key(name)
    head = Lookup.objects.filter(Q(key=key) | Q(aliases__key=key)).order_by("pk").values_list("pk", "revision").first()
    if head is None:
        raise UnknownLookup(name)
    pk, revision = head
    remembered = _remembered.get(pk)
    if remembered is not None and remembered[0] == revision:
        return remembered[1]
    version = LookupVersion.objects.select_related("lookup").get(revision=revision)
    read = Table(
        name=version.lookup.name,
        kind=Kind(version.kind),
        strict=version.strict,
        version=version.number,
        columns=read_columns(version.columns),
        rows=tuple(version.rows),
    )
    _remembered[pk] = (revision, read)
    return read


def lookup_value(
    *, table: str, source: str, value: str, target: str, default: str | None = None, strict: bool | None = None
) -> LookupResult:
    """
    Translate a value with the lookup's current version (`integration.md` 4.11).

    Of several rows that match, the first counts. Values are text on both sides.

    :param table: name or alias of the lookup, without regard to case.
    :param source: column in which the value is looked for; folding is the column's.
    :param target: column whose value is given.
    :param default: given when the value is not found; a value found empty stays empty.
    :param strict: see `Table.translate`.
    :raises UnableToTranslate: when strict and the value is not found.
    :raises UnknownLookup: when there is no such lookup.
    :raises UnknownColumn: when the lookup has no such column.
    """
    return _current(table).translate(source=source, value=value, target=target, default=default, strict=strict)


# `lookup_value` names its argument `table`, as the guide does; this keeps the function of that name within reach.
def _current(name: str) -> Table:
    return table(name=name)
