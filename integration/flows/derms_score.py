"""The call to DERMS for one score file, and what its answer means for file and run (`integration.md` 3.9)."""

from __future__ import annotations

import enum
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Protocol

from integration.flows import peer_calls
from integration.flows.contract import Fault
from integration.flows.derms_answers import DERMS
from outbound.retry import FaultType, classify_status, is_credential_status
from outbound.transports import base


# Below the connection's base address; the option `device_score_path` of the connection replaces it.
SCORE_PATH = "/device-score"
_SPEAK_OF_THE_TARGET = frozenset({404, 405, 408, 425, 429, 502, 503, 504})


class Verdict(enum.Enum):
    """
    What becomes of a file.

    REFUSED: DERMS does not want it. FAILED: DERMS answered, but could not cope with it. STOP: DERMS itself is not to
    be had, which says nothing of the file.
    """

    ACCEPTED = "accepted"
    ALREADY_LOADED = "already loaded"
    REFUSED = "refused"
    FAILED = "failed"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """How one upload ended; `fault` comes with STOP and FAILED."""

    verdict: Verdict
    reason: str
    status: int | None = None
    response: bytes | None = None
    media_type: str = ""
    seconds: float = 0.0
    fault: Fault | None = None


class Client(Protocol):
    """What is asked of the HTTP client of a connection."""

    def stream_upload(
        self,
        method: str,
        path: str,
        *,
        chunks: Iterable[bytes],
        size: int,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> base.Answer:
        """Make one call whose body is streamed."""


def upload(*, client: Client, path: str, name: str, message_id: str, chunks: Iterable[bytes], size: int) -> Sent:
    """Send one file and read the answer. Never raises a fault of the target."""
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Disposition": content_disposition(name),
        "X-Message-Id": message_id,
    }
    try:
        answer = client.stream_upload(
            "POST", path, chunks=chunks, size=size, headers=headers, idempotency_key=message_id
        )
    except base.TransportError as error:
        fault = fault_of(error)
        return Sent(verdict=Verdict.STOP, reason=fault.reason, fault=fault)
    return read_answer(answer)


def read_answer(answer: base.Answer) -> Sent:
    """Give what an answer means: 200 and 202 are successes whatever the body says, 409 is one already loaded."""
    reason = f"DERMS answered {answer.status} {_phrase(answer.status)}".rstrip()
    excerpt = answer.excerpt()
    verdict = verdict_of(answer.status)
    fault = None
    if verdict in (Verdict.STOP, Verdict.FAILED):
        kind = classify_status(answer.status) or FaultType.REMOTE
        # A missing address or method is ours to set right, not the file's fault.
        kind = FaultType.TECHNICAL if kind is FaultType.BUSINESS else kind
        fault = Fault(type=kind, code=str(answer.status), reason=reason, detail=f"{reason}: {excerpt}")
    return Sent(
        verdict=verdict,
        reason=reason if verdict is Verdict.ACCEPTED or not excerpt else f"{reason}: {excerpt}",
        status=answer.status,
        response=answer.body,
        media_type=answer.headers.get("Content-Type", ""),
        seconds=answer.elapsed_seconds,
        fault=fault,
    )


def verdict_of(status: int) -> Verdict:
    """Give what becomes of a file that was answered with this status (C-42)."""
    if 200 <= status < 300:
        return Verdict.ACCEPTED
    if status == 409:
        return Verdict.ALREADY_LOADED
    if is_credential_status(status) or status in _SPEAK_OF_THE_TARGET or status < 400:
        return Verdict.STOP
    return Verdict.FAILED if status >= 500 else Verdict.REFUSED


def fault_of(error: base.TransportError) -> Fault:
    """Give the fault that a failed call is; its reason names no host."""
    return peer_calls.fault_of(error, peer=DERMS)[0]


def content_disposition(name: str) -> str:
    """Give the header that names the attachment; a name beyond plain ASCII also in the form of RFC 5987."""
    plain = re.sub(r"[^ !#-\[\]-~]", "_", name)
    header = f'attachment; filename="{plain}"'
    return header if plain == name else f"{header}; filename*=UTF-8''{urllib.parse.quote(name, safe='')}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
