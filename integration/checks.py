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


@register(Tags.database)
def set_up_is_done(
    app_configs: Sequence[Any] | None, *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """
    Tell of steps of the set-up that are to do, each with the page that fixes it: `manage.py check --database default`.

    Of a site without any flow nothing is told: it has not begun.
    """
    from django.utils import timezone

    from integration.models import Flow, SetupReview
    from integration.setup_help.steps import to_do_at_start

    found: list[CheckMessage] = []
    for alias in databases or ():
        if alias != "default" or SetupReview._meta.db_table not in connections[alias].introspection.table_names():
            continue
        try:
            if not Flow.objects.exists():
                continue
            steps = to_do_at_start(at=timezone.now())
        except DatabaseError:
            # `migrate` asks before it has brought the tables up to date.
            continue
        found += [
            checks.Warning(
                f"Set-up: {step.title}: to do. {step.why}",
                hint=f"{step.fix}: {step.address}" if step.address else str(step.fix),
                id="integration.W002",
            )
            for step in steps
        ]
    return found
