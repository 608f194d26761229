"""System checks of integration."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register


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
