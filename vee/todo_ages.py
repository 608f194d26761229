"""How long a To Do has waited, in the steps that people think in: today, a few days, longer."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _


DAY = dt.timedelta(days=1)

AGES: dict[str, tuple[Any, dt.timedelta | None, dt.timedelta | None]] = {
    "0-1": (_("Under a day"), None, DAY),
    "1-3": (_("1 to 3 days"), DAY, 3 * DAY),
    "3": (_("Over 3 days"), 3 * DAY, None),
}
"""As filters of lists name them: what people read, the least age, and the age that it stays below."""


def of_age(name: str, *, at: dt.datetime) -> Q:
    """Give the condition for what has waited so long; every To Do is in exactly one of the three."""
    _title, least, below = AGES[name]
    condition = Q()
    if least is not None:
        condition &= Q(created_at__lt=at - least)
    if below is not None:
        condition &= Q(created_at__gte=at - below)
    return condition
