"""Percentiles in the database, such as a median: interpolated between the two values nearest, NULLs left out."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.backends.signals import connection_created
from django.db.models import Aggregate, DurationField, FloatField


class PercentileSeconds(Aggregate):
    """The percentile (0 to 1) of time spans in a group, in seconds."""

    name = "PercentileSeconds"
    output_field = FloatField()

    def __init__(self, expression: Any, fraction: float, **extra: Any) -> None:
        super().__init__(expression, fraction=float(fraction), **extra)

    def as_postgresql(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        """Give the statement of PostgreSQL."""
        middle = "percentile_cont(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"
        template = f"EXTRACT(EPOCH FROM {middle})::double precision"
        return self.as_sql(compiler, connection, template=template, **extra_context)

    def as_sqlite(self, compiler: Any, connection: Any, **extra_context: Any) -> Any:
        """Give the statement of SQLite, where spans are microseconds and the aggregate is ours."""
        template = "TIELINE_PERCENTILE(%(expressions)s, %(fraction)s) / 1000000.0"
        return self.as_sql(compiler, connection, template=template, **extra_context)


def seconds(span: dt.timedelta | None) -> float | None:
    """Give a time span in seconds."""
    return None if span is None else span.total_seconds()


def span(end: Any, start: Any) -> Any:
    """Give the expression of the time between two expressions."""
    from django.db.models import ExpressionWrapper

    return ExpressionWrapper(end - start, output_field=DurationField())


class _Percentile:
    def __init__(self) -> None:
        self.values: list[float] = []
        self.fraction = 0.5

    def step(self, value: float | None, fraction: float) -> None:
        self.fraction = fraction
        if value is not None:
            self.values.append(value)

    def finalize(self) -> float | None:
        if not self.values:
            return None
        self.values.sort()
        place = self.fraction * (len(self.values) - 1)
        low = int(place)
        high = min(low + 1, len(self.values) - 1)
        return self.values[low] + (self.values[high] - self.values[low]) * (place - low)


def register(*, connection: Any, **signal: Any) -> None:
    """Teach a new connection of SQLite the aggregate."""
    if connection.vendor == "sqlite":
        connection.connection.create_aggregate("TIELINE_PERCENTILE", 2, _Percentile)


def connect() -> None:
    """Teach every connection that is opened from now on."""
    connection_created.connect(register, dispatch_uid="foundation.percentiles")
