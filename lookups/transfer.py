"""
A lookup as CSV in the layout of OIC: the table's name, the column names, then the rows. Plain Python.

Reading is strict (RFC 4180): what a lenient reader would repair silently is refused with its line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from foundation.spreadsheets import csv_line, safe_cell
from lookups.columns import Column
from lookups.contents import Row


MAX_BYTES = 10 * 1024 * 1024
MAX_PROBLEMS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a file; `line` counts from 1, `column` is a column's name or empty."""

    line: int
    column: str
    code: str
    message: str


class UnableToReadFile(ValueError):
    """The file is not a lookup in CSV; `problems` say where and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("; ".join(f"line {problem.line}: {problem.message}" for problem in problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedFile:
    """What a file says: the name that it gives (None without a name row), columns, and rows with their lines."""

    name: str | None
    columns: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    header_line: int = 1


def write_csv(*, name: str, columns: Sequence[Column], rows: Sequence[Row], for_people: bool = False) -> str:
    """
    Give a lookup as CSV.

    :param for_people: escape cells that a spreadsheet would take for a formula (`reliability.md` S5). Without it every
        character is kept, so that reading the file gives the same rows again.
    """
    cell = safe_cell if for_people else str
    head = [[cell(name)], [cell(column.name) for column in columns]]
    body = ([cell(row.get(column.name, "")) for column in columns] for row in rows)
    return "".join(csv_line(cells) for cells in (*head, *body))


def read_csv(*, content: bytes) -> ParsedFile:
    """
    Read a lookup from CSV in UTF-8, with or without byte order mark, with or without the row of the table's name.

    :raises UnableToReadFile: for another encoding, NUL characters, duplicate or empty column names, rows with more or
        fewer cells than columns, broken quoting, and files over 10 MB; with the line of each problem.
    """
    text = _decoded(content)
    records = _records(text)
    header_line, first = next(records, (1, None))
    if first is None:
        raise UnableToReadFile([_problem(1, "empty", "The file is empty.")])
    name = None
    filled = [cell for cell in first if cell.strip()]
    if len(filled) == 1 and first[0].strip():
        name = filled[0].strip()
        header_line, first = next(records, (header_line + 1, None))
        if first is None:
            raise UnableToReadFile(
                [_problem(header_line, "no_header", "After the table's name a row of column names is expected.")]
            )
    columns = _columns(first, header_line)
    parsed = ParsedFile(name=name, columns=columns, header_line=header_line)
    problems: list[Problem] = []
    for line, cells in records:
        if len(cells) != len(columns):
            problems.append(
                _problem(line, "ragged", f"{len(cells)} cells stand here; the table has {len(columns)} columns.")
            )
            if len(problems) >= MAX_PROBLEMS:
                break
            continue
        parsed.rows.append(dict(zip(columns, cells, strict=True)))
        parsed.lines.append(line)
    if problems:
        raise UnableToReadFile(problems)
    return parsed


def _problem(line: int, code: str, message: str, column: str = "") -> Problem:
    return Problem(line=line, column=column, code=code, message=message)


def _decoded(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise UnableToReadFile([_problem(1, "too_large", f"The file is larger than {MAX_BYTES // 1024 // 1024} MB.")])
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnableToReadFile([_problem(1, "encoding", "The file is UTF-16; save it as CSV in UTF-8.")])
    at = content.find(b"\x00")
    if at >= 0:
        raise UnableToReadFile([_problem(_line(content, at), "nul", "The file holds a NUL character.")])
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnableToReadFile(
            [
                _problem(
                    _line(content, error.start),
                    "encoding",
                    f"The byte 0x{content[error.start]:02X} here is not UTF-8; save the file as CSV in UTF-8.",
                )
            ]
        ) from None


def _line(content: bytes, at: int) -> int:
    return content.count(b"\n", 0, at) + 1


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnableToReadFile([_problem(line, "quoting", f"The row cannot be read as CSV: {error}.")]) from None
        if cells:
            yield line, cells


def _columns(cells: Sequence[str], line: int) -> tuple[str, ...]:
    names = [cell.strip() for cell in cells]
    problems: list[Problem] = []
    if len(names) < 2:
        hint = " Cells are separated by commas, not semicolons." if ";" in "".join(names) else ""
        problems.append(_problem(line, "too_few", f"A lookup needs at least two columns.{hint}"))
    for index, name in enumerate(names):
        if not name:
            problems.append(_problem(line, "no_column_name", f"Column {index + 1} has no name."))
        elif name in names[:index]:
            problems.append(_problem(line, "duplicate_column", f"The column {name!r} stands twice.", column=name))
    if problems:
        raise UnableToReadFile(problems)
    return tuple(names)
