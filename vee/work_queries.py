"""What needs a person: open To Dos by type and age, and what stands still; and how the days before were."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Min, Q, QuerySet

from vee import todo_ages
from vee.choices import OPEN_TODO_STATUSES, ImdState, ToDoStatus
from vee.models import DailyCount, InitialMeasurement, MeasuringComponent, ToDo


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenWork:
    """Open To Dos of one type and role, by age as `todo_ages` names it; `mine` are those of the person who asks."""

    type: str
    role: str
    role_id: int | None
    ages: Mapping[str, int]
    being_worked_on: int
    mine: int
    unassigned: int
    oldest: dt.datetime

    @property
    def open(self) -> int:
        """All of them."""
        return sum(self.ages.values())


def open_work(*, user_id: int, at: dt.datetime) -> list[OpenWork]:
    """Sum up the open To Dos by type and role, in one query."""
    ages = {f"age_{place}": name for place, name in enumerate(todo_ages.AGES)}
    rows: Any = (
        ToDo.objects.filter(status__in=OPEN_TODO_STATUSES)
        .values("type_id", "role_id", "role__name")
        .annotate(
            **{key: Count("pk", filter=todo_ages.of_age(name, at=at)) for key, name in ages.items()},
            worked_on=Count("pk", filter=Q(status=ToDoStatus.BEING_WORKED_ON)),
            mine=Count("pk", filter=Q(assigned_to=user_id)),
            unassigned=Count("pk", filter=Q(assigned_to__isnull=True)),
            oldest=Min("created_at"),
        )
        .order_by("type_id", "role__name")
    )
    return [
        OpenWork(
            type=row["type_id"],
            role=row["role__name"] or "",
            role_id=row["role_id"],
            ages={name: row[key] for key, name in ages.items()},
            being_worked_on=row["worked_on"],
            mine=row["mine"],
            unassigned=row["unassigned"],
            oldest=row["oldest"],
        )
        for row in rows
    ]


def imds_in(state: ImdState) -> QuerySet[InitialMeasurement]:
    """Give the IMDs in a state that is not the end of them; an index of the open states serves it."""
    return InitialMeasurement.objects.filter(state=state)


def stale_components() -> QuerySet[MeasuringComponent]:
    """Give the components that were found to be without readings for longer than expected."""
    return MeasuringComponent.objects.filter(progress__stale_since__isnull=False)


def daily_counts(*, since: dt.date) -> dict[tuple[dt.date, str], int]:
    """Give the summaries of the days (UTC) from `since` on, by day and kind; what did not happen is left out."""
    rows = DailyCount.objects.filter(day__gte=since).values_list("day", "kind", "number")
    return {(day, kind): number for day, kind, number in rows}
