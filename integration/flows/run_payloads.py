"""What runs keep of the wire: requests and answers, as far as the flow's tracing level and retention ask for it."""

from __future__ import annotations

import datetime as dt

from integration.choices import PayloadDirection, TracingLevel
from integration.models import FlowRun, Payload, RunStep


def keep(
    row: FlowRun,
    direction: PayloadDirection,
    content: bytes,
    *,
    label: str = "",
    step: RunStep | None = None,
    media_type: str = "application/json",
    for_debugging: bool = False,
    at: dt.datetime,
) -> Payload:
    """
    Store what went over the wire, encrypted, for as long as the run's flow keeps payloads.

    `for_debugging`: only the tracing level Debug keeps it, for the flow's hours and not its days.
    """
    flow = row.flow
    kept = dt.timedelta(days=flow.payload_retention_days)
    if for_debugging:
        kept = min(kept, dt.timedelta(hours=flow.debug_payload_hours))
    return Payload.objects.create(
        run=row,
        step=step,
        direction=direction,
        label=label[:150],
        media_type=media_type[:100],
        size=len(content),
        content=content,
        created_at=at,
        retained_until=at + kept,
    )


def keep_exchange(
    row: FlowRun,
    *,
    request: bytes,
    response: bytes | None,
    label: str,
    succeeded: bool,
    media_type: str = "application/json",
    step: RunStep | None = None,
    at: dt.datetime,
) -> None:
    """Keep a call of a worker that shares a run, as far as the flow's tracing level asks for it."""
    level = row.flow.tracing_level
    if succeeded and level == TracingLevel.PRODUCTION:
        return
    debugging = succeeded and level == TracingLevel.DEBUG
    keep(row, PayloadDirection.REQUEST_OUT, request, label=label, step=step, for_debugging=debugging, at=at)
    if response is not None:
        keep(
            row,
            PayloadDirection.RESPONSE_IN,
            response,
            label=label,
            step=step,
            media_type=media_type,
            for_debugging=debugging,
            at=at,
        )


def keep_response(row: FlowRun, content: bytes, *, label: str = "", at: dt.datetime) -> None:
    """Store what the caller was answered, or told later."""
    keep(row, PayloadDirection.RESPONSE_OUT, content, label=label, at=at)
