"""
Reading what DACS answers to an enrollment: the result table of `integration.md` 3.1. Plain Python.

DACS tells a refusal as a `problemDetailDocument`, and "exists already" as message 10589 in any of several places.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault
from outbound.retry import FaultType, classify_status


ALREADY_EXISTS = 10589
NOT_JSON = object()
_TEXT_LENGTH = 900
_MESSAGE_ADDRESS = re.compile(r"/message/\d+/(\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordResult:
    """What became of one record. A `fault` comes with FAILURE only."""

    code: AckCode
    value: str
    id: str = ""
    fault: Fault | None = None


def read_answer(*, status: int, document: Any, translate_status: Callable[[str], str | None]) -> RecordResult:
    """
    Give the result of one record from DACS's answer.

    `document` is the parsed body, or NOT_JSON; `translate_status` asks the EnrollmentStatus lookup, where a status
    that it does not know is an ERROR (`integration.md` 4.4).
    """
    if ALREADY_EXISTS in message_numbers(document):
        return RecordResult(code=AckCode.SUCCESS, value="already exists")
    if 200 <= status < 300:
        return _accepted(document, translate_status)
    if classify_status(status) is FaultType.BUSINESS:
        return RecordResult(code=AckCode.ERROR, value=problem_text(document) or status_text(status))
    reason = status_text(status)
    detail = problem_text(document)
    return failed(Fault(type=FaultType.REMOTE, code=str(status), reason=f"{reason}: {detail}" if detail else reason))


def failed(fault: Fault) -> RecordResult:
    """Give the FAILURE that a fault makes of a record."""
    return RecordResult(code=AckCode.FAILURE, value=fault.reason[:_TEXT_LENGTH], fault=fault)


def _accepted(document: Any, translate_status: Callable[[str], str | None]) -> RecordResult:
    enrollment = document.get("X1-DAEnroll", document) if isinstance(document, Mapping) else None
    if not isinstance(enrollment, Mapping) or not isinstance(enrollment.get("status"), str):
        return failed(
            Fault(
                type=FaultType.REMOTE,
                code="upstream_error",
                reason="DACS answered 200 with a body that is no enrollment",
            )
        )
    status = enrollment["status"]
    enrollment_id = str(enrollment.get("enrollmentId") or "")
    translated = translate_status(status)
    if translated == AckCode.SUCCESS:
        return RecordResult(code=AckCode.SUCCESS, id=enrollment_id, value=enrollment_id)
    text = _exception_text(enrollment) or f"DACS gave the enrollment the status {status}"
    # FAILURE comes from technical faults alone (C-18): whatever the table says, this is the target's refusal.
    return RecordResult(code=AckCode.ERROR, id=enrollment_id, value=text[:_TEXT_LENGTH])


def message_numbers(document: Any) -> set[int]:
    """Give every message number in a body, at any depth (`integration.md` 2.4)."""
    return set(_message_numbers(document))


def _message_numbers(document: Any) -> Iterator[int]:
    pending = [document]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending.extend(value)
        elif isinstance(value, Mapping):
            pending.extend(value.values())
            server_message = value.get("serverMessage")
            candidates = [value.get("messageNumber")]
            if isinstance(server_message, Mapping):
                candidates.append(server_message.get("number"))
            address = value.get("problemType")
            if isinstance(address, str) and (match := _MESSAGE_ADDRESS.search(address)):
                candidates.append(match[1])
            yield from (int(str(number)) for number in candidates if re.fullmatch(r"\d{1,9}", str(number)))


def problem_text(document: Any) -> str:
    """Give the sentence in which DACS tells a problem; never its stack trace."""
    if not isinstance(document, Mapping):
        return ""
    problem = document.get("problemDetailDocument", document)
    if not isinstance(problem, Mapping):
        return ""
    server_message = problem.get("serverMessage")
    texts = [
        problem.get("detail"),
        server_message.get("text") if isinstance(server_message, Mapping) else None,
        _exception_text(problem),
        problem.get("title"),
    ]
    return next((text[:_TEXT_LENGTH] for text in texts if isinstance(text, str) and text.strip()), "")


def _exception_text(enrollment: Mapping[str, Any]) -> str:
    exception = enrollment.get("exception")
    text = exception.get("messageText") if isinstance(exception, Mapping) else exception
    return text if isinstance(text, str) else ""


def status_text(status: int) -> str:
    """Give the sentence for an answer that says nothing itself."""
    try:
        return f"DACS answered {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"DACS answered {status}"
