"""Meter data on the home page: To Dos by type and age, readings in work, silent meters."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from foundation.counting import Counted
from integration.admin.home import trends
from integration.admin.home.facts import Fact, Part, Watched, rows_address
from integration.admin.home.trends import Series
from vee import todo_ages, work_queries
from vee.choices import OPEN_STATES, DailyKind, ImdState
from vee.work_queries import OpenWork


_TODOS = "vee_todo_changelist"
_TONES = {ImdState.ERROR: "bad", ImdState.EXCEPTION: "warn"}


def watched() -> list[Watched]:
    """Give what is counted."""
    states = [
        Watched(
            key=f"imd_{state.value.lower()}",
            label=_("Readings: %(state)s") % {"state": state.label},
            permission="vee.view_initialmeasurement",
            rows=work_queries.imds_in(state),
            view="vee_initialmeasurement_changelist",
            filters={"state__exact": state.value},
            tone=_TONES.get(state, "info"),
        )
        for state in OPEN_STATES
    ]
    return [
        *states,
        Watched(
            key="stale_meters",
            label=_("Meters without readings"),
            permission="vee.view_measuringcomponent",
            rows=work_queries.stale_components(),
            view="vee_measuringcomponent_changelist",
            filters={"readings": "stale"},
            tone="warn",
            note=_("For longer than their type expects"),
        ),
    ]


def part(user: Any, facts: Mapping[str, Fact], *, at: dt.datetime) -> Part | None:
    """Make the part; None when the person sees nothing of it."""
    sees_todos, sees_imds = user.has_perm("vee.view_todo"), user.has_perm("vee.view_initialmeasurement")
    own = [facts[each] for each in _order() if each in facts]
    if not (sees_todos or own):
        return None
    work = work_queries.open_work(user_id=user.pk, at=at) if sees_todos else []
    charts = []
    if sees_todos or sees_imds:
        counts = work_queries.daily_counts(since=trends.first_day(at))
        charts = list(_charts(counts, sees_todos=sees_todos, sees_imds=sees_imds, at=at))
    return Part(
        key="readings",
        title=_("Meter data"),
        facts=[*(_todo_facts(user, work) if sees_todos else []), *own],
        tables={
            "todos": _by_type(work) if sees_todos else None,
            "roles": _by_role(work) if sees_todos else None,
            "ages": [title for title, _least, _below in todo_ages.AGES.values()],
        },
        charts=charts,
    )


def _order() -> list[str]:
    imds = [f"imd_{state.value.lower()}" for state in (ImdState.EXCEPTION, ImdState.ERROR)]
    others = [f"imd_{state.value.lower()}" for state in OPEN_STATES]
    return [*imds, "stale_meters", *(each for each in others if each not in imds)]


def _todo_facts(user: Any, work: Sequence[OpenWork]) -> list[Fact]:
    mine = Fact(
        key="todos_mine",
        label=_("To Dos: mine"),
        count=Counted(sum(each.mine for each in work)),
        address=rows_address(_TODOS, assigned="me"),
    )
    free = Fact(
        key="todos_unassigned",
        label=_("To Dos: nobody's"),
        count=Counted(sum(each.unassigned for each in work)),
        address=rows_address(_TODOS, assigned="nobody"),
        tone="warn",
    )
    works = user.has_perm("vee.change_todo") or user.has_perm("vee.assign_todo")
    return [mine, free] if works else [free]


def _by_type(work: Sequence[OpenWork]) -> list[dict[str, Any]]:
    rows = []
    for kind in dict.fromkeys(each.type for each in work):
        own = [each for each in work if each.type == kind]
        rows.append(
            {
                "type": kind,
                "count": Counted(sum(each.open for each in own)),
                "address": rows_address(_TODOS, type__code__exact=kind),
                "oldest": min(each.oldest for each in own),
                "ages": [
                    {
                        "count": Counted(sum(each.ages[name] for each in own)),
                        "address": rows_address(_TODOS, type__code__exact=kind, older_than=name),
                        "old": below is None,
                    }
                    for name, (_title, _least, below) in todo_ages.AGES.items()
                ],
            }
        )
    return rows


def _by_role(work: Sequence[OpenWork]) -> list[dict[str, Any]]:
    rows = []
    for role_id, role in dict.fromkeys((each.role_id, each.role) for each in work):
        own = [each for each in work if each.role_id == role_id]
        chosen = {"role__isnull": "True"} if role_id is None else {"role__id__exact": role_id}
        worked_on = sum(each.being_worked_on for each in own)
        rows.append(
            {
                "role": role or _("No role"),
                "count": Counted(sum(each.open for each in own)),
                "address": rows_address(_TODOS, **chosen),
                "being_worked_on": Counted(worked_on),
                "worked_on_address": rows_address(_TODOS, status="BEING_WORKED_ON", **chosen),
            }
        )
    return rows


def _charts(
    counts: Mapping[tuple[dt.date, str], int], *, sees_todos: bool, sees_imds: bool, at: dt.datetime
) -> Sequence[trends.Trend]:
    def number_of(day: dt.date, key: str) -> int:
        return counts.get((day, key), 0)

    made = []
    if sees_imds:
        made.append(
            trends.trend(
                key="readings",
                title=_("Readings by fate, a day"),
                series=[
                    Series(key=DailyKind.COMPLETE, label=_("Complete"), tone="good"),
                    Series(key=DailyKind.EXCEPTION, label=_("To a person"), tone="warn"),
                    Series(key=DailyKind.ERROR, label=_("Error"), tone="bad"),
                    Series(key=DailyKind.DISCARDED, label=_("Discarded"), tone="neutral"),
                ],
                number_of=number_of,
                at=at,
            )
        )
    if sees_todos:
        made.append(
            trends.trend(
                key="todos",
                title=_("To Dos, a day"),
                series=[
                    Series(key=DailyKind.TODO_OPENED, label=_("Opened"), tone="warn"),
                    Series(key=DailyKind.TODO_CLOSED, label=_("Closed"), tone="good"),
                ],
                number_of=number_of,
                at=at,
                side_by_side=True,
            )
        )
    return made
