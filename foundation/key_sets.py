"""The lookup `any_of`: one of many keys, which are one parameter, whatever their number."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import Field, ForeignKey, Lookup


class Ids:
    """
    Ids for `any_of`, as one value.

    Of a list that a foreign key is compared with, Django looks at each element to see whether it is a row of a model.
    """

    __slots__ = ("values",)

    def __init__(self, values: Iterable[int]) -> None:
        """Take whole numbers."""
        self.values = list(values)


class AnyOf(Lookup):  # type: ignore[type-arg]
    """
    `field__any_of=ids`: as `field__in`, for whole numbers or texts, and many of them.

    `in` binds every id for itself, which costs more than the database needs to find the rows, and gives a statement of
    another text for each number of ids. Here the text stays the same and the ids are one value.
    """

    lookup_name = "any_of"

    def get_prep_lookup(self) -> list[int] | list[str]:
        wanted = self.rhs.values if isinstance(self.rhs, Ids) else list(self.rhs)
        return wanted if wanted and isinstance(wanted[0], str) else list(map(int, wanted))

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        left, parameters = self.process_lhs(compiler, connection)
        wanted: Any = self.rhs
        if connection.vendor != "postgresql":
            return f"{left} IN (SELECT value FROM json_each(%s))", [*parameters, json.dumps(wanted)]  # noqa: S608  a column
        if wanted and isinstance(wanted[0], str):
            return f"{left} = ANY(%s::text[])", [*parameters, _array_of_texts(wanted)]
        return f"{left} = ANY(%s::bigint[])", [*parameters, f"{{{str(wanted)[1:-1]}}}"]


def _array_of_texts(wanted: list[str]) -> str:
    """Write texts as PostgreSQL writes an array of them: the driver would look at each of them several times."""
    inside = '","'.join(wanted)
    if "\\" in inside or inside.count('"') != 2 * (len(wanted) - 1):
        inside = '","'.join([text.replace("\\", "\\\\").replace('"', '\\"') for text in wanted])
    return f'{{"{inside}"}}'


def register() -> None:
    """Make the lookup known to all fields, foreign keys among them."""
    Field.register_lookup(AnyOf)
    ForeignKey.register_lookup(AnyOf)
