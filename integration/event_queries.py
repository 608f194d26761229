"""What became of demand-response events, from the ledgers of reservations and outcomes."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import Coalesce

from integration.choices import ReservationState
from integration.flows.outcome_mapping import SUCCESSFUL
from integration.models import Event, Outcome, Reservation


def events_in(*, begins_at: dt.datetime, ends_at: dt.datetime) -> list[dict[str, Any]]:
    """
    Give the events that start in [begins_at, ends_at), or were first heard of then when they name no start; 3 queries.

    Each has what the event says, and `reserved`, `not_reserved`, `reported` and `participated` devices.
    """
    events = (
        Event.objects.annotate(when=Coalesce("starts_at", "first_seen_at"))
        .filter(when__gte=begins_at, when__lt=ends_at)
        .order_by("when", "pk")
    )
    rows = list(
        events.values("pk", "external_id", "drms_instance_id", "event_type", "state", "when", "starts_at", "ends_at")
    )
    ids = [row["pk"] for row in rows]
    reserved = _counts(
        Reservation.objects.filter(event__any_of=ids),
        reserved=Q(state=ReservationState.RESERVED),
        not_reserved=~Q(state=ReservationState.RESERVED),
    )
    reported = _counts(Outcome.objects.filter(event__any_of=ids), reported=Q(), participated=Q(outcome=SUCCESSFUL))
    nothing = {"reserved": 0, "not_reserved": 0, "reported": 0, "participated": 0}
    return [{**row, **nothing, **reserved[row["pk"]], **reported[row["pk"]]} for row in rows]


def _counts(rows: Any, **conditions: Q) -> dict[int, dict[str, int]]:
    counted = rows.values("event").annotate(
        **{name: Count("pk", filter=condition) if condition else Count("pk") for name, condition in conditions.items()}
    )
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for row in counted.order_by("event"):
        found[row.pop("event")] = row
    return found
