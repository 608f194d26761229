"""How fast VEE goes: read from the latest evidence, so that nothing is counted twice and no table grows for it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Count, Max, Min, Q

from vee.models import DirectLoad, ImdTransition
from vee.models.fields import ArrayLength


SAMPLE_ROWS = 20_000
"""So many of the latest transitions are looked at (by their ids), however many there are."""

SAMPLE_LOADS = 500
"""So many of the latest direct loads are looked at; each is a chunk of readings."""

WINDOW = dt.timedelta(minutes=5)
"""Rates are those of this time; of less when more than the sample happened in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransitionRates:
    """IMDs a second by the state that they came to, and over how many seconds that was."""

    seconds: float
    per_second: dict[str, float]


def transition_rates(*, at: dt.datetime) -> TransitionRates:
    """Give how many IMDs a second came to each state lately; states that none came to are left out."""
    newest = ImdTransition.objects.aggregate(newest=Max("pk"))["newest"] or 0
    lately = Q(at__gt=at - WINDOW, at__lte=at)
    rows = list(
        ImdTransition.objects.filter(pk__gt=newest - SAMPLE_ROWS)
        .order_by()
        .values_list("to_state")
        .annotate(all=Count("pk"), moved=Count("pk", filter=lately), first=Min("at"))
    )
    seconds = WINDOW.total_seconds()
    if rows and all(every == moved for _, every, moved, _ in rows):
        # The whole sample is younger than the window: it speaks of its own time only.
        seconds = max((at - min(first for _, _, _, first in rows)).total_seconds(), 1.0)
    return TransitionRates(seconds=seconds, per_second={state: moved / seconds for state, _, moved, _ in rows if moved})


def direct_rate(*, at: dt.datetime) -> float:
    """Give how many readings a second became measurements without an IMD lately."""
    latest = list(
        DirectLoad.objects.order_by("-pk").values_list("at", ArrayLength("imd_ids"))[:SAMPLE_LOADS],
    )
    lately = [(loaded_at, readings) for loaded_at, readings in latest if at - WINDOW < loaded_at <= at]
    if not lately:
        return 0.0
    seconds = WINDOW.total_seconds()
    if len(lately) == SAMPLE_LOADS:
        # The whole sample is younger than the window: it speaks of its own time only.
        seconds = max((at - min(loaded_at for loaded_at, _ in lately)).total_seconds(), 1.0)
    return sum(readings for _, readings in lately) / seconds
