"""
Where the words that name a person stand: as whole words, in whatever column, encrypted or not.

`Mentions` finds rows by reading them, since what is encrypted cannot be searched otherwise, and puts a pseudonym in the
place of the words in columns that are plain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast


_ROWS_AT_ONCE = 500


class Mentions:
    """The words of one person. `PER-1` is not in `PER-10`; upper and lower case are the same."""

    def __init__(self, words: Iterable[str]) -> None:
        given = {word for word in words if word}
        # JSON may have written what is no ASCII as \\uXXXX.
        self._words = sorted(given | {json.dumps(word)[1:-1] for word in given})
        either = "|".join(map(re.escape, self._words))
        self._text = re.compile(rf"(?<![A-Za-z0-9])(?:{either})(?![A-Za-z0-9])", re.IGNORECASE)

    def __contains__(self, value: object) -> bool:
        if isinstance(value, bytes | bytearray | memoryview):
            value = bytes(value).decode("utf-8", "replace")
        elif isinstance(value, dict | list):
            value = json.dumps(value, default=str)
        return self._text.search(str(value or "")) is not None

    def rows(self, rows: QuerySet[Any], *columns: str) -> list[Any]:
        """Give the keys of rows in one of whose columns a word stands; each row is read once."""
        found = rows.order_by("pk").values_list("pk", *columns).iterator(chunk_size=_ROWS_AT_ONCE)
        return [pk for pk, *values in found if any(value in self for value in values)]

    def replace(self, model: type[models.Model], *columns: str, by: str) -> int:
        """Put a pseudonym in the place of the words in plain columns; give how many rows had one."""
        rows = model._base_manager.all()
        wanted = Q()
        for column in columns:
            rows = rows.annotate(**{f"_{column}": Cast(column, TextField())})
            for word in self._words:
                # JSON inside JSON: PostgreSQL gives the stored characters, SQLite the text as it was written.
                wanted |= Q(**{f"_{column}__icontains": word})
        changed = 0
        for row in rows.filter(wanted).only("pk", *columns).iterator(chunk_size=_ROWS_AT_ONCE):
            new = {column: self._replaced(row, column, by) for column in columns if getattr(row, column) in self}
            if new:
                model._base_manager.filter(pk=row.pk).update(**new)
                changed += 1
        return changed

    def _replaced(self, row: models.Model, column: str, by: str) -> Any:
        value = getattr(row, column)
        if isinstance(value, dict | list):
            return self._in_document(value, by)
        limit = row._meta.get_field(column).max_length  # type: ignore[union-attr]
        return self._text.sub(by, str(value))[:limit]

    def _in_document(self, value: Any, by: str) -> Any:
        if isinstance(value, dict):
            return {self._in_document(key, by): self._in_document(nested, by) for key, nested in value.items()}
        if isinstance(value, list):
            return [self._in_document(nested, by) for nested in value]
        if isinstance(value, str):
            return self._text.sub(by, value)
        return by if not isinstance(value, bool) and value is not None and value in self else value
