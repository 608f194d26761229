"""Files that people open in a spreadsheet: no cell may become a formula (`reliability.md` S5)."""

from __future__ import annotations

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE


_DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(value: object) -> str:
    """Give a cell's text with a leading apostrophe where a spreadsheet would take it for a formula."""
    text = "" if value is None else str(value)
    text = text.replace("\x00", "")
    if text.startswith(_DANGEROUS) and not _is_number(text):
        return "'" + text
    return text


def workbook_text(value: object) -> str:
    """Give a cell's text as `safe_cell` does, without the control characters that XLSX forbids."""
    return ILLEGAL_CHARACTERS_RE.sub("", safe_cell(value))


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
