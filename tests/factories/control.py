"""Runs that wait for a worker, and the wake-up calls that are sent."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import msgspec
import pytest

from foundation import dispatch
from integration.flows import runner
from integration.models import Flow, FlowRun
from tests.factories import integration as factory


def run(message_id: str, *, at: dt.datetime = factory.AT) -> FlowRun:
    """Store an enrollment that waits for a worker, as a replay does."""
    from integration.flows.enrollment_request import FLOW

    document = factory.collection(factory.record(message_id))
    records = FLOW.accept(document)
    flow = Flow.objects.get(name="enrollment_request")
    row = runner.receive(
        flow=flow,
        body=msgspec.json.encode(document),
        media_type="application/json",
        digest=message_id,
        identifiers=FLOW.identifiers(records),
        requested_by_id=None,
        by="derms",
        reason="message received",
        leased=False,
        at=at,
    )
    FLOW.claim(records, run_id=row.pk, flow_id=flow.pk, again=False, at=at)
    return row


def failed_run(message_id: str, *, at: dt.datetime = factory.AT) -> FlowRun:
    """Store an enrollment run that failed."""
    from integration.flows.contract import Fault
    from outbound.retry import FaultType

    row = run(message_id, at=at)
    work = runner.start(row, clock=lambda: at)
    fault = Fault(type=FaultType.REMOTE, code="target_unreachable", reason="DACS cannot be reached")
    runner.finish(work, status=200, response=b"{}", ack_type="FAILURE", fault=fault)
    return FlowRun.objects.select_related("flow").get(pk=row.pk)


def record_wake_ups(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Keep the wake-up calls of runs instead of sending them."""
    calls: list[dict[str, Any]] = []

    def send_task(name: str, *, kwargs: dict[str, Any], **routing: Any) -> None:
        if name == "integration.tasks.execute_run":
            queue = routing.get("queue")
            calls.append({"run_id": uuid.UUID(kwargs["run_id"]), "queue": queue})

    monkeypatch.setattr(dispatch.current_app, "send_task", send_task)
    return calls
