"""Statistics of flows: written in the transaction that they speak of, so that the two never differ."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest, Least

from integration.choices import RunState
from integration.models import FlowRun, FlowStatistics


PACKAGE_VERSION = "1.23.1000"
"""The version of the packaged integrations that the flows are (`integration.md` 1.1)."""

PARTS = 8
"""Rows that one day is spread over, so that runs which end together do not wait for one row."""

_COUNTED = {RunState.SUCCEEDED: "succeeded", RunState.FAILED: "failed", RunState.ABORTED: "aborted"}


def count_received(*, flow_id: int, run_id: uuid.UUID, at: dt.datetime) -> None:
    """Count a run that was stored; in the transaction that stores it."""
    _add(flow_id, run_id, at, {"received": F("received") + 1}, {"received": 1})


def count_ended(*, run: FlowRun, at: dt.datetime) -> None:
    """Count a run that ended in its present state, with its duration; in the transaction that ends it."""
    name = _COUNTED.get(RunState(run.state))
    if name is None:
        return
    seconds = max((at - run.started_at).total_seconds(), 0.0)
    value = Value(seconds)
    _add(
        run.flow_id,
        run.pk,
        at,
        {
            name: F(name) + 1,
            "measured": F("measured") + 1,
            "duration_sum": F("duration_sum") + seconds,
            "duration_squares": F("duration_squares") + seconds * seconds,
            "duration_min": Least(Coalesce(F("duration_min"), value), value),
            "duration_max": Greatest(Coalesce(F("duration_max"), value), value),
        },
        {
            name: 1,
            "measured": 1,
            "duration_sum": seconds,
            "duration_squares": seconds * seconds,
            "duration_min": seconds,
            "duration_max": seconds,
        },
    )


def _add(flow_id: int, run_id: uuid.UUID, at: dt.datetime, changes: dict[str, Any], first: dict[str, Any]) -> None:
    key: dict[str, Any] = {
        "flow_id": flow_id,
        "version": PACKAGE_VERSION,
        "day": at.astimezone(dt.UTC).date(),
        "part": run_id.int % PARTS,
    }
    rows: QuerySet[FlowStatistics] = FlowStatistics.objects.filter(**key)
    if rows.update(**changes):
        return
    try:
        with transaction.atomic():
            FlowStatistics.objects.create(**key, **first)
    except IntegrityError:
        # Another run made the day's row in this moment.
        rows.update(**changes)
