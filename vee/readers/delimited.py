"""One line of delimited text into its cells."""

from __future__ import annotations

import csv

from vee.readers.base import RowRefused


def split_row(text: str, delimiter: str = ",") -> list[str]:
    """
    Split one line; a field may be quoted, but not span lines, so that an unclosed quote costs its own line only.

    :raises RowRefused: with code `unterminated_quote` or `malformed_row`.
    """
    try:
        return next(csv.reader([text], strict=True, delimiter=delimiter))
    except csv.Error as error:
        code = "unterminated_quote" if "unexpected end" in str(error) else "malformed_row"
        raise RowRefused(code, f"the row is not CSV: {error}") from None
