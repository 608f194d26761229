"""What PostgreSQL's planner is told about rows that it judges wrongly."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from django.db import connection, transaction


@contextlib.contextmanager
def rows_lie_together() -> Iterator[None]:
    """
    Say that rows of one key lie beside each other, as those of a ledger do that is written message by message.

    Of an index over several columns the planner does not believe it, and reads a whole ledger for the rows of a few
    events. It holds for queries that are asked inside, which are one transaction; elsewhere than on PostgreSQL nothing
    is said.
    """
    if connection.vendor != "postgresql":
        yield
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL random_page_cost = 1.1")
        yield
