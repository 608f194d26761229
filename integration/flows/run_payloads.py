"""What runs keep of the wire: requests and answers, as far as the flow's tracing level and retention ask for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from integration.choices import PayloadDirection, TracingLevel
from integration.flows.contract import Exchanged
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
    payload = _payload(
        row,
        direction,
        content,
        label=label,
        step=step,
        media_type=media_type,
        for_debugging=for_debugging,
        at=at,
    )
    payload.save(force_insert=True)
    return payload


def keep_exchanges(
    row: FlowRun, exchanges: Iterable[Exchanged], *, step: RunStep | None = None, at: dt.datetime
) -> None:
    """Store calls to the target and their answers, as far as the flow's tracing level asks for them."""
    level = row.flow.tracing_level
    payloads = []
    for exchange in exchanges:
        if exchange.succeeded and level == TracingLevel.PRODUCTION:
            continue
        common: dict[str, Any] = {
            "label": exchange.label,
            "step": step,
            "for_debugging": exchange.succeeded and level == TracingLevel.DEBUG,
            "at": at,
        }
        payloads.append(_payload(row, PayloadDirection.REQUEST_OUT, exchange.request, **common))
        if exchange.response is not None:
            answer = (row, PayloadDirection.RESPONSE_IN, exchange.response)
            payloads.append(_payload(*answer, media_type=exchange.media_type, **common))
    Payload.objects.bulk_create(payloads)


def keep_response(row: FlowRun, content: bytes, *, label: str = "", at: dt.datetime) -> None:
    """Store what the caller was answered, or told later."""
    keep(row, PayloadDirection.RESPONSE_OUT, content, label=label, at=at)


def _payload(
    row: FlowRun,
    direction: PayloadDirection,
    content: bytes,
    *,
    label: str,
    step: RunStep | None,
    media_type: str = "application/json",
    for_debugging: bool,
    at: dt.datetime,
) -> Payload:
    flow = row.flow
    kept = dt.timedelta(days=flow.payload_retention_days)
    if for_debugging:
        kept = min(kept, dt.timedelta(hours=flow.debug_payload_hours))
    return Payload(
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
