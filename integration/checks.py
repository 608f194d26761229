"""System checks of integration."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connections


@register()
def flows_are_whole(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that each available flow has its code and its literal addresses in the API schema."""
    from integration.api.flows import CALLS
    from integration.flows import registry

    found: list[CheckMessage] = []
    for declaration in registry.DECLARATIONS:
        if declaration.module is None:
            continue
        if not hasattr(importlib.import_module(declaration.module), "FLOW"):
            found.append(
                Error(
                    f"{declaration.module} has no FLOW.",
                    hint="A flow's module ends with FLOW = …, an instance of its class.",
                    id="integration.E001",
                )
            )
        if declaration.name not in CALLS and not declaration.site:
            found.append(
                Error(
                    f"The flow {declaration.name} has no view in integration.api.flows.CALLS.",
                    hint="Add one: it describes the flow in the API schema.",
                    id="integration.E002",
                )
            )
    return found


@register(Tags.database)
def overlays_fit(
    app_configs: Sequence[Any] | None, *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Check that overlays fit the packaged mappings: `manage.py check --database default`, and at each `migrate`."""
    from django.utils import timezone

    from integration import mapping_queries
    from integration.models import MappingOverlay

    found: list[CheckMessage] = []
    for alias in databases or ():
        # Before the first migration there is nothing to check.
        if MappingOverlay._meta.db_table not in connections[alias].introspection.table_names():
            continue
        try:
            misfits = mapping_queries.misfits(at=timezone.now())
        except DatabaseError:
            # `migrate` asks before it has brought the table up to date, and once more when it is run again.
            continue
        for misfit in misfits:
            place = f", field {misfit.target}" if misfit.target else ""
            found.append(
                checks.Warning(
                    f"The mapping overlay {misfit.overlay}{place} no longer fits: {misfit.reason}",
                    hint="Make a new version of the overlay; this one is kept as it is.",
                    id="integration.W001",
                )
            )
    return found
