"""Codes that came in messages and that no lookup translates."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from integration import attention_queries
from integration.setup_help.step import State, Step


MOST_SHOWN = 50


def unmapped() -> Iterator[Step]:
    """Give a step for each code that waits for its translation, what came most often first."""
    found = list(attention_queries.unmapped_codes().order_by("-count", "pk")[:MOST_SHOWN])
    if not found:
        yield Step(
            key="codes",
            title=_("Every code that came in messages is translated"),
            state=State.DONE,
            why=_("Lookups hold all that was looked for."),
            permission="integration.view_unmappedcode",
            view="admin:integration_unmappedcode_changelist",
            fix=_("Show the codes"),
        )
    for code in found:
        yield Step(
            key=f"codes.{code.pk}",
            title=_("Code “%(value)s” is translated") % {"value": code.value},
            state=State.TO_DO,
            why=_("Looked for %(count)d× in %(lookup)s, column %(column)s; last at %(at)s UTC.")
            % {
                "count": code.count,
                "lookup": code.lookup,
                "column": code.source,
                "at": f"{code.last_seen_at:%Y-%m-%d %H:%M}",
            },
            permission="integration.view_unmappedcode",
            view="admin:integration_unmappedcode_map",
            arguments=(code.pk,),
            fix=_("Add to lookup"),
        )
