"""
One call to a peer and what failed about it, in words that name no host. Plain Python.

A fault never raises: it comes with the call, together with the HTTP status that a caller gets for it (`integration.md`
2.4: 502 nonsense, 503 down, 504 timed out).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

import msgspec

from integration.flows.contract import Fault
from outbound.transports import base


NOT_JSON = object()
_ENCODER = msgspec.json.Encoder(decimal_format="number")
# The error, its code for incidents, what happened to the peer, and the status for the caller.
_REASONS: tuple[tuple[type[base.TransportError], str, str, int], ...] = (
    (base.TargetNotTrusted, "target_not_trusted", "{peer} cannot be trusted: its certificate is refused", 503),
    (base.TargetUnreachable, "target_unreachable", "{peer} cannot be reached", 503),
    (
        base.IdentityMissing,
        "identity_missing",
        "{peer} asks for a client certificate, and its connection has none",
        503,
    ),
    (base.IdentityRefused, "identity_refused", "{peer} does not accept the client certificate of its connection", 503),
    (base.CircuitOpen, "target_unreachable", "{peer} cannot be reached: its circuit breaker is open", 503),
    (base.TargetTimedOut, "target_timed_out", "{peer} did not answer in time", 504),
    (base.ConnectionBusy, "connection_busy", "The connection to {peer} was busy until the deadline", 503),
    (base.TargetBroke, "upstream_error", "{peer} broke off its answer", 502),
    (base.AnswerTooLarge, "upstream_error", "{peer} gave an answer that is too large", 502),
    (base.TargetRedirected, "connection_not_usable", "{peer} answered with a redirect, which is never followed", 502),
    (base.TargetNotAllowed, "connection_not_usable", "The address of {peer} is none that calls may go to", 503),
    (base.ConnectionNotUsable, "connection_not_usable", "The connection to {peer} cannot be used", 503),
)


class Client(Protocol):
    """What is asked of the HTTP client of a connection."""

    def request(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> base.Answer:
        """Make one call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """
    What went over the wire. Either `fault` is set, or there was an answer.

    `document` is the parsed answer, NOT_JSON when it is none; `caller_status` goes with a fault.
    """

    request: bytes
    response: bytes | None = None
    media_type: str = "application/json"
    status: int = 0
    document: Any = None
    seconds: float = 0.0
    fault: Fault | None = None
    caller_status: int = 0


def call(
    *,
    client: Client,
    peer: str,
    method: str,
    path: str,
    document: Mapping[str, Any],
    idempotency_key: str,
    timeout: float | None = None,
) -> Call:
    """Send a document once and read the answer; `peer` is the name that people know the target by."""
    request = _ENCODER.encode(document)
    started = time.monotonic()
    try:
        answer = client.request(
            method,
            path,
            body=request,
            headers={"Content-Type": "application/json"},
            idempotency_key=idempotency_key,
            timeout=timeout,
        )
    except base.TransportError as error:
        fault, status = fault_of(error, peer=peer)
        return Call(request=request, fault=fault, caller_status=status, seconds=time.monotonic() - started)
    try:
        parsed = answer.json()
    except base.AnswerUnreadable:
        parsed = NOT_JSON
    return Call(
        request=request,
        response=answer.body,
        media_type=answer.headers.get("Content-Type", "") or "application/json",
        status=answer.status,
        document=parsed,
        seconds=answer.elapsed_seconds,
    )


def fault_of(error: base.TransportError, *, peer: str) -> tuple[Fault, int]:
    """Give the fault that a failed call is, and the status for the caller; its reason names no host."""
    for kind, code, reason, status in _REASONS:
        if isinstance(error, kind):
            return Fault(type=error.fault, code=code, reason=reason.format(peer=peer), detail=str(error)), status
    reason = f"The call to {peer} failed"
    return Fault(type=error.fault, code="upstream_error", reason=reason, detail=str(error)), 502


def status_text(status: int, *, peer: str) -> str:
    """Say what was answered: `DERMS answered 500 Internal Server Error`."""
    try:
        return f"{peer} answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"{peer} answered {status}"
