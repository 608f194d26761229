"""Score calculations: the shipped default, and further versions of what a calculation says."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction
from django.db.models import Max

from assets.engine import score_words, scores
from assets.models import ScoreCalculation, ScoreCalculationVersion
from assets.operations.status import SYSTEM
from assets.score_queries import DEFAULT_CODE


FIRST_DAY = dt.date(2000, 1, 1)


def install_default(*, at: dt.datetime) -> bool:
    """Make the shipped calculation unless there is one of its name; give whether it was made."""
    with transaction.atomic():
        calculation, created = ScoreCalculation.objects.get_or_create(
            code=DEFAULT_CODE,
            defaults={"description": "Availability, burn rate, days since the last event, capacity, reliability"},
        )
        if not calculation.versions.exists():
            add_version(
                calculation=calculation,
                effective_on=FIRST_DAY,
                definition=score_words.DEFAULT,
                note="As shipped",
                by=None,
                at=at,
            )
    return created


def add_version(
    *,
    calculation: ScoreCalculation,
    effective_on: dt.date,
    definition: Any,
    note: str = "",
    by: Any,
    at: dt.datetime,
) -> ScoreCalculationVersion:
    """
    Make a further version, in force from a day on; those that were made before stay as they are.

    :raises UnableToReadCalculation: when the definition makes no sense; nothing is made then.
    """
    scores.read(definition)
    with transaction.atomic():
        # Numbers are given under the calculation's lock.
        ScoreCalculation.objects.select_for_update().get(pk=calculation.pk)
        last = calculation.versions.aggregate(last=Max("number"))["last"] or 0
        return ScoreCalculationVersion.objects.create(
            calculation=calculation,
            number=last + 1,
            effective_on=effective_on,
            definition=definition,
            note=note[:500],
            created_at=at,
            created_by=str(by or SYSTEM)[:150],
        )
