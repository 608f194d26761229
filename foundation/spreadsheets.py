"""Files that people open in a spreadsheet: no cell may become a formula (`reliability.md` S5)."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE


_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: object) -> str:
    """Give a cell's text with a leading apostrophe where a spreadsheet would take it for a formula."""
    text = "" if value is None else str(value)
    text = text.replace("\x00", "")
    if text.startswith(_DANGEROUS) and not _is_number(text):
        return "'" + text
    return text


class _Handed:
    """A file that hands back what is written to it: the writer of CSV wants one."""

    def write(self, text: str) -> str:
        return text


def csv_line(cells: Iterable[object]) -> str:
    """Give one line of CSV with its line end (RFC 4180), the cells as they are; `None` is an empty one."""
    return csv.writer(_Handed(), lineterminator="\r\n").writerow(cells)  # type: ignore[no-any-return,func-returns-value]


def workbook_text(value: object) -> str:
    """Give a cell's text as `safe_cell` does, without the control characters that XLSX forbids."""
    return ILLEGAL_CHARACTERS_RE.sub("", safe_cell(value))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
