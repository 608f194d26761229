"""Kinds of lookups: what else holds for property tables and for tables of recipients. Plain Python."""

from __future__ import annotations

import enum
from collections.abc import Sequence

from lookups.addresses import is_address, split_addresses
from lookups.columns import Column, find_column
from lookups.contents import Row
from lookups.names import ADDRESSES, PROPERTY_NAME, PROPERTY_VALUE, RECIPIENT
from lookups.refusals import refusal


class Kind(enum.StrEnum):
    """What a lookup is used as."""

    TABLE = "TABLE"
    PROPERTIES = "PROPERTIES"
    RECIPIENTS = "RECIPIENTS"


KEY_AND_VALUE = {Kind.PROPERTIES: (PROPERTY_NAME, PROPERTY_VALUE), Kind.RECIPIENTS: (RECIPIENT, ADDRESSES)}


def default_kind(columns: Sequence[Column]) -> Kind:
    """Tell the kind of a new lookup from its columns."""
    for kind, needed in KEY_AND_VALUE.items():
        if all(find_column(columns, name) is not None for name in needed):
            return kind
    return Kind.TABLE


def check_kind(kind: Kind, columns: Sequence[Column], rows: Sequence[Row]) -> list[dict[str, str]]:
    """Give what is wrong with the lookup as one of its kind."""
    errors = [
        refusal(
            "columns",
            code="missing_column",
            message=f"A lookup of kind {kind.value} needs the column {name!r}.",
        )
        for name in KEY_AND_VALUE.get(kind, ())
        if all(column.name != name for column in columns)
    ]
    if errors or kind is not Kind.RECIPIENTS:
        return errors
    for index, row in enumerate(rows):
        wrong = [address for address in split_addresses(row[ADDRESSES]) if not is_address(address)]
        if wrong:
            errors.append(
                refusal(
                    "rows",
                    index,
                    ADDRESSES,
                    code="invalid_address",
                    message=f"Not an e-mail address: {', '.join(wrong)}. Several addresses are separated by commas.",
                )
            )
    return errors
