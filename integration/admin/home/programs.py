"""The DACS side on the home page of a site that uses it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from assets import work_queries
from integration.admin.home.facts import Fact, Part, Watched
from vee import todo_ages


def watched(at: dt.datetime) -> list[Watched]:
    """Give what is counted."""
    return [
        Watched(
            key=f"program_todos_{place}",
            label=_("Program To Dos: %(age)s") % {"age": title},
            permission="assets.view_assettodo",
            rows=work_queries.open_todos(age=name, at=at),
            view="assets_assettodo_changelist",
            filters={"older_than": name},
            tone="bad" if below is None else "warn",
        )
        for place, (name, (title, _least, below)) in enumerate(todo_ages.AGES.items())
    ]


def part(user: Any, facts: Mapping[str, Fact], *, at: dt.datetime) -> Part | None:
    """Make the part; None when the person sees nothing of it."""
    own = [facts[each.key] for each in watched(at) if each.key in facts]
    return Part(key="programs", title=_("Programs"), facts=own) if own else None
