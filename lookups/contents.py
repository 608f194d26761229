"""Rows of a lookup: every value is text, and a unique column holds each value once. Plain Python."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal

from lookups.columns import Column, find_column
from lookups.folding import fold
from lookups.refusals import refusal


MAX_VALUE = 4_000
Row = dict[str, str]


class NotText(ValueError):
    """The value has no plain form as text."""


def as_text(value: object) -> str:
    """
    Give a scalar as the text that a lookup keeps: 0 is "0", true is "true", null is "".

    :raises NotText: for a list, an object, or text that cannot be stored (NUL, half a surrogate pair).
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise NotText("the text holds a NUL character or half of a surrogate pair")
        return value
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    raise NotText(f"a {type(value).__name__} is not a text, number or boolean")


def read_rows(
    columns: Sequence[Column], given: Sequence[Mapping[str, object]]
) -> tuple[list[Row], list[dict[str, str]]]:
    """
    Give rows with every column as text, and what is wrong with them.

    :returns: the rows in order, each with all columns, and the refusals with pointers such as `/rows/3/DACS_Division`.
    """
    errors: list[dict[str, str]] = []
    rows: list[Row] = []
    spelling: dict[str, Column | None] = {}
    for index, raw in enumerate(given):
        row: Row = {column.name: "" for column in columns}
        rows.append(row)
        if not isinstance(raw, Mapping):
            errors.append(refusal("rows", index, code="invalid_type", message="A row is an object of column: value."))
            continue
        filled: set[str] = set()
        for name, value in raw.items():
            if name not in spelling:
                spelling[name] = find_column(columns, name) if isinstance(name, str) else None
            column = spelling[name]
            if column is None:
                errors.append(
                    refusal(
                        "rows",
                        index,
                        str(name),
                        code="unknown_column",
                        message=f"{name!r} is not a column of this lookup.",
                    )
                )
                continue
            if column.name in filled:
                errors.append(
                    refusal(
                        "rows", index, name, code="duplicate", message=f"The column {column.name!r} is given twice."
                    )
                )
                continue
            filled.add(column.name)
            try:
                row[column.name] = as_text(value)
            except NotText as error:
                errors.append(refusal("rows", index, name, code="invalid_type", message=f"Not kept: {error}."))
                continue
            if len(row[column.name]) > MAX_VALUE:
                errors.append(
                    refusal(
                        "rows", index, name, code="too_long", message=f"The value is over {MAX_VALUE} characters long."
                    )
                )
    return rows, errors


def check_rows(columns: Sequence[Column], rows: Sequence[Row]) -> list[dict[str, str]]:
    """Give the rows that break a rule of their columns: empty or repeated values where a value must be unique."""
    errors: list[dict[str, str]] = []
    for index, row in enumerate(rows):
        if not any(row.values()):
            errors.append(refusal("rows", index, code="required", message="The row is empty."))
    for column in columns:
        if not column.unique:
            continue
        first_at: dict[str, int] = {}
        for index, row in enumerate(rows):
            value = row[column.name]
            if not value.strip():
                if any(row.values()):
                    errors.append(
                        refusal(
                            "rows",
                            index,
                            column.name,
                            code="required",
                            message=f"{column.name} is unique in this lookup and must not be empty.",
                        )
                    )
                continue
            folded = fold(value, column.folding)
            if folded in first_at:
                errors.append(
                    refusal(
                        "rows",
                        index,
                        column.name,
                        code="duplicate",
                        message=_duplicate(column, value, rows[first_at[folded]][column.name], first_at[folded]),
                    )
                )
            else:
                first_at[folded] = index
    return errors


def _duplicate(column: Column, value: str, earlier: str, index: int) -> str:
    same = "" if value == earlier else f" (written {earlier!r} there; compared with folding {column.folding.value})"
    return f"{column.name} {value!r} stands already in row {index + 1}{same}; it may stand once."
