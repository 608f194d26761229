"""System checks of meter data, registered when the app starts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connections


@checks.register(checks.Tags.database)
def rules_can_run(*, databases: Sequence[str] | None = None, **_unused: Any) -> list[checks.CheckMessage]:
    """Warn of configured rules that this version cannot run: IMDs that reach them go to EXCEPTION."""
    from vee.engine.registry import AVAILABLE
    from vee.models import VeeRule

    messages: list[checks.CheckMessage] = []
    for alias in databases or ():
        if VeeRule._meta.db_table not in connections[alias].introspection.table_names():
            continue  # before the first migration
        rules = VeeRule.objects.using(alias).exclude(rule__in=AVAILABLE).order_by("group__code", "sequence")
        messages += [
            checks.Warning(
                f"The rule {name} of VEE group {group} is not available in this version.",
                hint="IMDs that reach it go to EXCEPTION. Take it out of the group, or give it an end date.",
                id="vee.W001",
            )
            for name, group in rules.values_list("rule", "group__code")
        ]
    return messages
