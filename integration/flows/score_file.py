"""
The device score file (batch X1-SDCSE): what is wrong with it, row by row, in constant memory but for its keys.

Its columns are designed (`integration.md` 3.9), tab or comma read off the header. Plain Python.
"""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import IO


REQUIRED_COLUMNS = ("deviceId", "programSubscriptionId", "controlScore", "eligible")
PACKED_SUFFIXES = (".zip", ".gz")
MAX_FINDINGS = 50
MAX_LINE = 100_000
HIGHEST_USUAL_SCORE = Decimal(100)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFinding:
    """Something wrong in a line; the header is line 1."""

    line: int
    column: str
    message: str

    def __str__(self) -> str:
        place = f"line {self.line}, {self.column}" if self.column else f"line {self.line}"
        return f"{place}: {self.message}"


@dataclass(slots=True, kw_only=True)
class Checked:
    """What a check found; `findings` holds the first ones only."""

    rows: int = 0
    wrong: int = 0
    findings: list[RowFinding] = field(default_factory=list)

    def add(self, line: int, column: str, message: str) -> None:
        """Note a finding."""
        self.wrong += 1
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(RowFinding(line=line, column=column, message=message))


def is_packed(name: str) -> bool:
    """Whether the file is an archive, which is sent without a look inside."""
    return name.lower().endswith(PACKED_SUFFIXES)


def check(content: IO[bytes]) -> Checked:
    """Read a plain score file from its start to its end and say what is wrong with it; the file stays open."""
    checked = Checked()
    content.seek(0)
    text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    try:
        _check(iter(lambda: text.readline(MAX_LINE + 1), ""), checked)
    except UnicodeDecodeError:
        checked.add(checked.rows + 2, "", "the file is not UTF-8 from here on")
    except csv.Error as error:
        checked.add(checked.rows + 2, "", f"the line cannot be read: {error}")
    finally:
        text.detach()
    return checked


def rows_of(text: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """
    Give the lines of a delimited text as (line number, cells), the header first; empty lines are left out.

    :raises csv.Error: for a quote that is never closed, a NUL, or a line that is too long.
    """
    lines = iter(text)
    first = next(lines, "")
    delimiter = "\t" if "\t" in first else ","
    reader = csv.reader(_guarded(itertools.chain([first], lines)), delimiter=delimiter, strict=True)
    for cells in reader:
        if cells:
            yield reader.line_num, [cell.strip() for cell in cells]


def _guarded(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        if "\x00" in line:
            raise csv.Error("it holds a NUL")
        if len(line) > MAX_LINE:
            raise csv.Error("it is too long")
        yield line


def _check(text: Iterable[str], checked: Checked) -> None:
    rows = rows_of(text)
    _, header = next(rows, (1, []))
    missing = [column for column in REQUIRED_COLUMNS if column not in header]
    repeated = sorted({column for column in header if header.count(column) > 1})
    if missing or repeated:
        if missing:
            checked.add(1, "", f"the header lacks {', '.join(missing)}")
        if repeated:
            checked.add(1, "", f"the header repeats {', '.join(repeated)}")
        return
    seen: set[bytes] = set()
    for line, cells in rows:
        checked.rows += 1
        if len(cells) != len(header):
            checked.add(line, "", f"it has {len(cells)} cells, the header {len(header)}")
            continue
        _check_row(dict(zip(header, cells, strict=True)), line, checked, seen)
    if not checked.rows:
        checked.add(2, "", "the file has no row")


def _check_row(row: dict[str, str], line: int, checked: Checked, seen: set[bytes]) -> None:
    score = _decimal(row["controlScore"])
    if score is None or score < 0:
        checked.add(line, "controlScore", "it is no number of 0 or more")
    elif score > HIGHEST_USUAL_SCORE:
        checked.add(line, "controlScore", f"{score} is above {HIGHEST_USUAL_SCORE}")
    if row["eligible"] not in ("Y", "N"):
        checked.add(line, "eligible", "it is neither Y nor N")
    key = hashlib.blake2b(f"{row['programSubscriptionId']}\x00{row['deviceId']}".encode(), digest_size=8).digest()
    if key in seen:
        checked.add(line, "deviceId", "the device comes twice for this program subscription")
    seen.add(key)


def _decimal(text: str) -> Decimal | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
