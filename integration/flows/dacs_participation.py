"""
A call to DACS's X1-ProgramEventParticipation, and what its answer means (`integration.md` 1.2, 2.4). Plain Python.

The three operations share one result table: 2xx is taken, any 4xx that is the message's own fault is a refusal (ERROR),
everything else is a fault (FAILURE). A fault never raises: it comes as the result.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from integration.flows import canonical, dacs_answers
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault
from integration.flows.dacs_enrollment import Client, fault_of
from outbound.retry import FaultType, classify_status
from outbound.transports import base


# Below the connection's base address; the option `participation_path` of the connection replaces it.
PARTICIPATION_PATH = "/rest/apis/cross/service/programEventParticipation"
RESERVE = "reserveDevice"
CANCEL = "preEventCancellation"
OUTCOME = "postEventOutcome"

_ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipationAnswer:
    """
    One call. `value` is the text for the caller; a `fault` comes with FAILURE only.

    `status` is 0 when there was no answer; `sent` is False when nothing can have reached DACS.
    """

    code: AckCode
    request: bytes
    value: str = ""
    fault: Fault | None = None
    response: bytes | None = None
    media_type: str = "application/json"
    status: int = 0
    seconds: float = 0.0
    sent: bool = True

    @property
    def succeeded(self) -> bool:
        """Whether DACS took it."""
        return self.code is AckCode.SUCCESS


def base_path(options: Mapping[str, Any]) -> str:
    """Give the path of the service below the base address, as the connection's options say."""
    return str(options.get("participation_path") or PARTICIPATION_PATH).rstrip("/")


def body_of(document: Mapping[str, Any]) -> bytes:
    """Give a document as it is sent."""
    return _ENCODER.encode(document)


def call(
    *, client: Client, service_path: str, operation: str, document: Mapping[str, Any], idempotency_key: str
) -> ParticipationAnswer:
    """Call one operation once. The same key goes with the same document, so that DACS can tell a repetition."""
    return post(
        client=client,
        service_path=service_path,
        operation=operation,
        body=body_of(document),
        idempotency_key=idempotency_key,
    )


def post(
    *, client: Client, service_path: str, operation: str, body: bytes, idempotency_key: str
) -> ParticipationAnswer:
    """Call one operation once with a document as `body_of` gives it; see `call`."""
    started = time.monotonic()
    try:
        answer = client.request(
            "POST",
            f"{service_path}/{operation}",
            body=body,
            headers={"Content-Type": "application/json"},
            idempotency_key=idempotency_key,
        )
    except base.TransportError as error:
        fault = fault_of(error)
        return ParticipationAnswer(
            code=AckCode.FAILURE,
            request=body,
            value=fault.reason,
            fault=fault,
            seconds=time.monotonic() - started,
            sent=error.sent is not False,
        )
    code, value, found = read_answer(answer)
    return ParticipationAnswer(
        code=code,
        request=body,
        value=value,
        fault=found,
        response=answer.body,
        media_type=answer.headers.get("Content-Type", "") or "application/json",
        status=answer.status,
        seconds=answer.elapsed_seconds,
    )


def document_of(response: bytes | None) -> Any:
    """Give an answer's document; None when there is none."""
    try:
        return canonical.read(response) if response else None
    except ValueError:
        return None


def read_answer(answer: base.Answer) -> tuple[AckCode, str, Fault | None]:
    """Give code, text and fault of an answer; a 2xx may be empty, but must be JSON when it is not."""
    document: Any = None
    readable = True
    if answer.body.strip():
        try:
            document = answer.json()
        except base.AnswerUnreadable:
            readable = False
    if 200 <= answer.status < 300:
        if readable:
            return AckCode.SUCCESS, "", None
        reason = f"DACS answered {answer.status} with a body that is not JSON"
        return AckCode.FAILURE, reason, Fault(type=FaultType.REMOTE, code="upstream_error", reason=reason)
    text = dacs_answers.problem_text(document)
    status_text = dacs_answers.status_text(answer.status)
    if classify_status(answer.status) is FaultType.BUSINESS:
        return AckCode.ERROR, text or status_text, None
    reason = f"{status_text}: {text}" if text else status_text
    return AckCode.FAILURE, reason, Fault(type=FaultType.REMOTE, code=str(answer.status), reason=reason)
