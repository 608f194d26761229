"""Wake-up calls for runs that wait: to the queue of the zone that their flow's connections lie in."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from foundation.dispatch import after_commit
from integration import control_queries
from integration.choices import RunState
from integration.models import Flow, FlowRun
from outbound.queries import zone_queue


EXECUTE_TASK = "integration.tasks.execute_run"


def wake_run(*, run_id: uuid.UUID, flow: Flow) -> None:
    """Wake a worker for a run, once the open transaction is committed; none while its flow is held."""
    if not control_queries.is_held(flow):
        after_commit(EXECUTE_TASK, **routing_of(flow), run_id=str(run_id))


def wake_flow(*, flow: Flow) -> int:
    """Wake workers for every run of a flow that waits, oldest first; give how many there are, 0 while it is held."""
    if control_queries.is_held(flow):
        return 0
    routing = routing_of(flow)
    waiting = FlowRun.objects.filter(flow=flow, state=RunState.RECEIVED, lease_until__isnull=True)
    woken = 0
    for run_id in waiting.order_by("started_at", "pk").values_list("pk", flat=True).iterator():
        after_commit(EXECUTE_TASK, **routing, run_id=str(run_id))
        woken += 1
    return woken


def routing_of(flow: Flow) -> dict[str, Any]:
    """Give what says to which queue a flow's wake-up calls go; nothing for the common one."""
    queue = zone_queue(control_queries.connections_of(flow))
    return {} if queue is None else {"queue": queue}


def unattended_flow_ids(*, at: dt.datetime) -> list[int]:
    """Give the flows whose zone has no live worker: further wake-up calls would only pile up in its queue."""
    silent = {connection for zone in control_queries.zones(at=at) if not zone.alive for connection in zone.connections}
    if not silent:
        return []
    return [flow.pk for flow in Flow.objects.all() if control_queries.connections_of(flow) & silent]
