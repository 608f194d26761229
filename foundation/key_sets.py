"""The lookup `among`: one of many keys, given as one parameter; the statement is the same however many there are."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from django.db.models import ForeignKey, IntegerField, Lookup


class Among(Lookup):  # type: ignore[type-arg]
    """
    `pk__among=keys` finds what `pk__in=keys` finds, keys being whole numbers.

    Hundreds of parameters take longer to be put into a statement than the statement takes.
    """

    lookup_name = "among"
    prepare_rhs = False

    def __init__(self, lhs: Any, rhs: Iterable[int]) -> None:
        super().__init__(lhs, [int(key) for key in rhs])

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        """Give the condition; elsewhere than on PostgreSQL with the keys as a JSON document."""
        left, values = self.process_lhs(compiler, connection)
        if connection.vendor == "postgresql":
            return f"{left} = ANY((%s)::bigint[])", [*values, f"{{{','.join(map(str, self.rhs))}}}"]
        return f"{left} IN (SELECT value FROM json_each(%s))", [*values, json.dumps(self.rhs)]  # noqa: S608  (our names)


def register() -> None:
    """Let whole numbers, keys and foreign keys be looked up so."""
    IntegerField.register_lookup(Among)
    ForeignKey.register_lookup(Among)
