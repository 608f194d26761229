"""Importing a lookup from CSV: first as a dry run with a report per row, then as a new version."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import User

from lookups.differences import Change, Difference
from lookups.operations.saving import LookupChangedMeanwhile, SaveResult, UnableToSaveLookup, save_lookup
from lookups.queries.cautions import LookupWarning
from lookups.queries.listing import lookup_named
from lookups.queries.tables import UnknownLookup
from lookups.refusals import steps_of
from lookups.transfer import ParsedFile, Problem, UnableToReadFile, read_csv


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """
    What an import did, or would do.

    `current_version` is the version that the report compares with (0 when the lookup is not there yet): hand it back
    as `expected_version` to apply exactly what was reported.
    """

    name: str
    created: bool = False
    rows_read: int = 0
    current_version: int = 0
    version: int = 0
    applied: bool = False
    problems: tuple[Problem, ...] = ()
    warnings: tuple[LookupWarning, ...] = ()
    lines: tuple[int, ...] = ()
    difference: Difference = field(default_factory=Difference)

    @property
    def added(self) -> int:
        """Rows that are new."""
        return self.difference.count(Change.ADDED)

    @property
    def changed(self) -> int:
        """Rows that get other values."""
        return self.difference.count(Change.CHANGED)

    @property
    def removed(self) -> int:
        """Rows that are not in the file."""
        return self.difference.count(Change.REMOVED)

    @property
    def unchanged(self) -> int:
        """Rows that are already so."""
        return self.rows_read - self.added - self.changed


class UnableToImport(ValueError):
    """The file is refused as a whole; `report.problems` say why, and nothing was stored."""

    def __init__(self, report: ImportReport) -> None:
        self.report = report
        super().__init__("; ".join(f"line {problem.line}: {problem.message}" for problem in report.problems))


def import_csv(
    *,
    content: bytes,
    name: str | None = None,
    expected_version: int | None = None,
    dry_run: bool,
    by: User | None,
    note: str = "",
    at: dt.datetime,
) -> ImportReport:
    """
    Replace a lookup's columns and rows by those of a CSV file; a name that is not known yet makes a new lookup.

    :param name: the lookup, when the file does not name it or must name this one.
    :param dry_run: report only; a file with problems gives a report of them.
    :raises UnableToImport: when not a dry run and the file has problems.
    :raises LookupChangedMeanwhile: when the lookup is no longer at the expected version.
    """
    report = _checked(content, name, expected_version, dry_run=dry_run, by=by, note=note, at=at)
    if report.problems and not dry_run:
        raise UnableToImport(report)
    return report


def _checked(
    content: bytes,
    name: str | None,
    expected_version: int | None,
    *,
    dry_run: bool,
    by: User | None,
    note: str,
    at: dt.datetime,
) -> ImportReport:
    try:
        parsed = read_csv(content=content)
    except UnableToReadFile as error:
        return ImportReport(name=name or "", problems=tuple(error.problems))
    target, problems = _target(parsed, name)
    if problems:
        return ImportReport(name=target, problems=tuple(problems), rows_read=len(parsed.rows))
    try:
        result = save_lookup(
            name=target,
            columns=parsed.columns,
            rows=parsed.rows,
            expected_version=expected_version,
            dry_run=dry_run,
            by=by,
            note=note,
            at=at,
        )
    except LookupChangedMeanwhile:
        raise
    except UnableToSaveLookup as error:
        return ImportReport(
            name=target,
            rows_read=len(parsed.rows),
            problems=tuple(_in_file(entry, parsed) for entry in error.errors),
        )
    return _report(result, parsed, applied=not dry_run)


def _target(parsed: ParsedFile, name: str | None) -> tuple[str, Sequence[Problem]]:
    if parsed.name is None:
        if name is None:
            message = "The first row does not name the table, and no lookup was chosen."
            return "", [Problem(line=1, column="", code="no_name", message=message)]
        return _canonical(name), []
    if name is not None and _canonical(parsed.name).casefold() != _canonical(name).casefold():
        message = f"The file is of the lookup {parsed.name!r}, not of {name!r}."
        return name, [Problem(line=1, column="", code="other_table", message=message)]
    return _canonical(parsed.name), []


def _canonical(name: str) -> str:
    try:
        return lookup_named(name=name).name
    except UnknownLookup:
        return name


def _in_file(entry: Mapping[str, str], parsed: ParsedFile) -> Problem:
    steps = steps_of(entry["pointer"])
    line, column = parsed.header_line, ""
    if steps[:1] == ["rows"] and len(steps) > 1:
        line = parsed.lines[int(steps[1])]
        column = steps[2] if len(steps) > 2 else ""
    elif steps[:1] == ["columns"] and len(steps) > 1:
        column = parsed.columns[int(steps[1])]
    elif steps[:1] == ["name"]:
        line = 1
    return Problem(line=line, column=column, code=entry["code"], message=entry["message"])


def _report(result: SaveResult, parsed: ParsedFile, *, applied: bool) -> ImportReport:
    return ImportReport(
        name=result.name,
        created=result.created,
        rows_read=len(parsed.rows),
        current_version=0 if result.created else result.version - (1 if result.changed else 0),
        version=result.version,
        applied=applied,
        warnings=result.warnings,
        lines=tuple(parsed.lines),
        difference=result.difference,
    )
