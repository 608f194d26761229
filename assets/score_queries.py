"""What others read of score calculations and scores."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum

from assets.choices import COMMUNICATION_TENTHS, ReachForScore, SubscriptionStatus
from assets.engine import score_explanation, scores
from assets.engine.score_explanation import Explanation
from assets.models import ControlScore, Program, ScoreCalculation, ScoreCalculationVersion


DEFAULT_CODE = "DEFAULT"
"""The calculation of programs that name none."""

FIELDS = {
    "event_limit": "CA",
    "event_count": "CU",
    "event_limit_per_year": "CAyear",
    "event_count_year": "CUyear",
    "days_in_cycle": "DP",
    "day_of_cycle": "d",
    "days_elapsed": "DE",
    "specification_kw": "specKw",
    "reference_kw": "referenceKw",
    "successes": "successes",
    "attempts": "attempts",
    "active": "active",
    "opted_out": "optedOut",
    "reserved": "reserved",
}
"""Columns of the table to the names that formulas use; `communication` follows from the communication status."""


def calculation_of(program: Program) -> ScoreCalculation | None:
    """Give the calculation by which a program's devices are scored; None when there is none."""
    if program.score_calculation_id is not None:
        return program.score_calculation
    return ScoreCalculation.objects.filter(code=DEFAULT_CODE).first()


def version_in_force(*, calculation: ScoreCalculation, on: dt.date) -> ScoreCalculationVersion | None:
    """Give the version of a calculation that counts on a day."""
    return (
        ScoreCalculationVersion.objects.filter(calculation=calculation, effective_on__lte=on)
        .order_by("-effective_on", "-number")
        .first()
    )


def programs_to_score() -> list[Program]:
    """Give the programs that somebody takes part in, in the order of their keys."""
    return list(
        Program.objects.filter(subscriptions__status=SubscriptionStatus.ACTIVE)
        .select_related("score_calculation")
        .distinct()
        .order_by("pk")
    )


def scores_for_display() -> QuerySet[ControlScore]:
    """Give scores with what a list shows of them, by membership."""
    return ControlScore.objects.select_related(
        "program",
        "version__calculation",
        "membership__device__device",
        "membership__device__head_end_system",
        "membership__subscription__usage_subscription",
    ).order_by("pk")


def totals() -> Mapping[str, int]:
    """Give rows, how many are eligible, and the sum of all scores in cents."""
    found = ControlScore.objects.aggregate(
        rows=Count("pk"), eligible=Count("pk", filter=Q(eligible=True)), score=Sum("score")
    )
    # SQLite sums in floating point; a hundred million scores are far from where that loses a cent.
    cents = round(Decimal(found["score"] or 0) * 100)
    return {"rows": found["rows"], "eligible": found["eligible"], "score_cents": int(cents)}


def explanation_of(score: ControlScore) -> Explanation:
    """Give how a score came about, exactly as it was calculated."""
    return score_explanation.explain(scores.read(score.version.definition), inputs_of(score))


def reasons() -> list[str]:
    """Give the reasons that devices are not eligible for."""
    return sorted(ControlScore.objects.exclude(reason="").values_list("reason", flat=True).distinct())


def inputs_of(score: ControlScore) -> Mapping[str, Decimal | None]:
    """Give the numbers that a score came from, by the names that formulas use."""
    tenths = COMMUNICATION_TENTHS[ReachForScore(score.communication_status)]
    numbers = {variable: Decimal(getattr(score, field)) for field, variable in FIELDS.items()}
    return {**numbers, "communication": Decimal(tenths) / 10}


def scores_of(device_id: int) -> Iterable[ControlScore]:
    """Give the scores of a device in its subscriptions."""
    return scores_for_display().filter(membership__device=device_id)
