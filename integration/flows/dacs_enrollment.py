"""The call to DACS for one record: what went over the wire, and what it means (`integration.md` 3.1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from integration.flows import dacs_answers, peer_calls
from integration.flows.contract import Fault
from integration.flows.dacs_answers import RecordResult
from outbound.transports import base


# Below the connection's base address; the option `enroll_path` of the connection replaces it.
ENROLL_PATH = "/rest/apis/cross/digitalAssets/programEnrollments/enroll"

DACS = "DACS"
_ENCODER = msgspec.json.Encoder(decimal_format="number")


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
    ) -> base.Answer:
        """Make one call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """
    One record's call.

    `refused`: nothing reached the target, and nothing of what follows will. `hopeless`: no other record can fare
    better without a change of configuration.
    """

    request: bytes
    result: RecordResult
    response: bytes | None = None
    media_type: str = ""
    seconds: float = 0.0
    refused: bool = False
    hopeless: bool = False


def enroll(
    *,
    client: Client,
    path: str,
    enrollment: Mapping[str, Any],
    translate_status: Callable[[str], str | None],
) -> Exchange:
    """Send one enrollment, under its transaction id as idempotency key, and read the answer. Never raises a fault."""
    request = _ENCODER.encode(enrollment)
    started = time.monotonic()
    try:
        answer = client.request(
            "POST",
            path,
            body=request,
            headers={"Content-Type": "application/json"},
            idempotency_key=enrollment["transactionId"],
        )
    except base.TransportError as error:
        return Exchange(
            request=request,
            result=dacs_answers.failed(fault_of(error)),
            seconds=time.monotonic() - started,
            refused=error.sent is False and not isinstance(error, base.ConnectionBusy),
            hopeless=error.permanent,
        )
    try:
        document = answer.json()
    except base.AnswerUnreadable:
        document = dacs_answers.NOT_JSON
    return Exchange(
        request=request,
        result=dacs_answers.read_answer(status=answer.status, document=document, translate_status=translate_status),
        response=answer.body,
        media_type=answer.headers.get("Content-Type", ""),
        seconds=answer.elapsed_seconds,
    )


def fault_of(error: base.TransportError) -> Fault:
    """Give the fault that a failed call is; its reason names no host."""
    return peer_calls.fault_of(error, peer=DACS)[0]
