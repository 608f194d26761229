"""Reviewing the set-up now and then, so that home can say what is open without looking at everything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from integration.models import SetupReview
from integration.operations import unmapped_codes
from integration.setup_help.step import State
from integration.setup_help.steps import Subject, subjects


def review(*, at: dt.datetime) -> list[Subject]:
    """Look at every step, remember which are open, and give them all."""
    unmapped_codes.settle(at=at)
    found = subjects(at=at)
    remember(found, at=at)
    return found


def remember(found: Sequence[Subject], *, at: dt.datetime) -> None:
    """Remember which steps are open."""
    steps = [[step.key, step.permission] for each in found for step in each.steps if step.state is State.TO_DO]
    SetupReview.objects.update_or_create(pk=1, defaults={"reviewed_at": at, "open_steps": steps})
