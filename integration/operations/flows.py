"""Writes of flows: installing what the registry declares, activating and deactivating."""

from __future__ import annotations

import datetime as dt
import importlib

import structlog
from django.db import transaction

from integration.flows import registry, targets
from integration.flows.contract import PackagedFlow
from integration.models import Flow


logger = structlog.get_logger(__name__)


class FlowAlreadyInState(Exception):
    """The flow is already active, or already inactive."""


class FlowNotAvailable(Exception):
    """The flow is declared, and not available in this version."""


def install_flows(*, at: dt.datetime) -> int:
    """
    Make a row of every declared flow and bring its names up to date; give how many were made.

    Idempotent. What a site set (active, tracing, retention, connections, maximum runtime) stays.
    """
    made = 0
    with transaction.atomic():
        for declaration in registry.DECLARATIONS:
            declared = _declared(declaration)
            flow, created = Flow.objects.get_or_create(
                identifier=declaration.identifier, defaults={**declared, **_shipped(declaration)}
            )
            made += created
            # A start that changes nothing leaves no trace in the history.
            other = {name: value for name, value in declared.items() if getattr(flow, name) != value}
            for name, value in other.items():
                setattr(flow, name, value)
            if other:
                flow.save()
    logger.info("flows_installed", made=made, at=at.isoformat())
    return made


def flow_of(declaration: registry.Declaration) -> Flow:
    """Give the row of a declared flow, making it when the installation has none yet."""
    found = Flow.objects.filter(identifier=declaration.identifier).first()
    if found is not None:
        return found
    flow, _ = Flow.objects.get_or_create(
        identifier=declaration.identifier, defaults={**_declared(declaration), **_shipped(declaration)}
    )
    return flow


def set_active(*, identifier: str, active: bool, by: str, reason: str = "", at: dt.datetime) -> Flow:
    """
    Activate a flow, or deactivate it: it accepts nothing more, and what runs is finished.

    :raises UnknownFlow: when there is none of this code or name.
    :raises FlowNotAvailable: when this version cannot run it.
    :raises FlowAlreadyInState: when it is so already.
    """
    declaration = registry.find(identifier)
    if not declaration.available:
        raise FlowNotAvailable(f"{declaration.display_name} is not available in this version.")
    flow_of(declaration)
    with transaction.atomic():
        flow = Flow.objects.select_for_update().get(identifier=declaration.identifier)
        if flow.active == active:
            raise FlowAlreadyInState(f"{declaration.display_name} is already {'active' if active else 'inactive'}.")
        flow.active = active
        # The history row says who and why.
        verb = "activated" if active else "deactivated"
        setattr(flow, "_change_reason", f"{verb} by {by}{': ' if reason else ''}{reason}"[:100])  # noqa: B010  (the history's own attribute)
        flow.save()
    logger.info("flow_activated" if active else "flow_deactivated", flow=declaration.name, by=by, at=at.isoformat())
    return flow


def packaged_flow(declaration: registry.Declaration) -> PackagedFlow:
    """
    Give the code of a flow.

    :raises FlowNotAvailable: when this version has none.
    """
    if declaration.module is None:
        raise FlowNotAvailable(f"{declaration.display_name} is not available in this version.")
    flow: PackagedFlow = importlib.import_module(declaration.module).FLOW
    return flow


def _declared(declaration: registry.Declaration) -> dict[str, object]:
    return {
        "name": declaration.name,
        "display_name": declaration.display_name,
        "aliases": ", ".join(declaration.aliases),
        "pattern": declaration.pattern,
        "direction": declaration.direction,
        "idempotent": declaration.idempotent,
    }


def _shipped(declaration: registry.Declaration) -> dict[str, object]:
    # What a site may change: given once, with the row.
    return {
        # A flow of the site's own waits until somebody switches it on.
        "active": not declaration.site,
        "connections_used": ", ".join(declaration.connections or targets.SHIPPED.get(declaration.name, ())),
        "max_runtime_seconds": targets.MAXIMUM_RUNTIME_SECONDS.get(declaration.pattern),
    }
