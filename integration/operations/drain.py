"""
Switching flows off without losing anything (`integration.md` 7): stop accepting, finish what is at work, keep the rest.

A flow that is off takes no message. Runs at work go on to their end (the flow is DRAINING until then); runs that wait
stay as they are, and are worked on, each once, when the flow is switched on again.
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import transaction

from integration import control_queries
from integration.flows import registry
from integration.models import Flow
from integration.operations import waking
from integration.operations.flows import set_active


logger = structlog.get_logger(__name__)


def deactivate(*, identifier: str, by: str, reason: str = "", at: dt.datetime) -> control_queries.FlowCondition:
    """
    Accept nothing more; give how the flow stands now: DRAINING while something is at work, then INACTIVE.

    :raises UnknownFlow: when there is none of this code or name.
    :raises FlowNotAvailable: when this version cannot run it.
    :raises FlowAlreadyInState: when it is off already.
    """
    flow = set_active(identifier=identifier, active=False, by=by, reason=reason, at=at)
    condition = control_queries.condition_of(flow)
    logger.info("flow_draining", flow=flow.name, working=condition.working, kept=condition.waiting)
    return condition


def activate(*, identifier: str, by: str, reason: str = "", at: dt.datetime) -> control_queries.FlowCondition:
    """
    Accept messages again, and wake workers for everything that was kept.

    :raises UnknownFlow: when there is none of this code or name.
    :raises FlowNotAvailable: when this version cannot run it.
    :raises FlowAlreadyInState: when it is on already.
    """
    with transaction.atomic():
        set_active(identifier=identifier, active=True, by=by, reason=reason, at=at)
        flow = Flow.objects.get(identifier=registry.find(identifier).identifier)
        woken = waking.wake_flow(flow=flow)
    logger.info("flow_resumed", flow=flow.name, woken=woken)
    return control_queries.condition_of(flow)
