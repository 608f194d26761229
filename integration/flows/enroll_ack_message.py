"""
What DERMS may send to `sendEnrollAck` (`integration.md` 2.3, C-21): a MsgAck of one sync request. Plain Python.

The sync request is named by `dacsMessageId`, in the responses or beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integration.flows import dacs_messages, derms_answers
from integration.flows.acknowledgements import AckCode
from integration.flows.canonical import digest
from integration.flows.contract import Finding, MessageRefused


_LENGTH = dacs_messages.SYNC_LENGTHS["syncRequestId"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollAck:
    """A checked acknowledgement; `pointer` is where the sync request was named."""

    sync_request_id: str
    code: AckCode
    text: str
    digest: str
    pointer: str


def read(document: Any) -> EnrollAck:
    """
    Check an acknowledgement of DERMS.

    :raises MessageRefused: when it is none, or is not of exactly one sync request.
    """
    if not isinstance(document, Mapping):
        raise _refused("", "invalid_type", "The acknowledgement is not an object")
    named = list(_named(document))
    wrong = [finding for pointer, value in named for finding in _misfits(pointer, value)]
    if not named:
        wrong.append(_finding("/responses/0/dacsMessageId", "required", "dacsMessageId is required"))
    keys = dict.fromkeys(value for _, value in named if isinstance(value, str))
    if len(keys) > 1:
        text = f"An acknowledgement is of one sync request, not of {len(keys)}"
        wrong.append(_finding("/responses", "too_many", text))
    code = _code(document)
    if code is None:
        wrong.append(_finding("/ackType", "invalid_choice", "ackType is not one of SUCCESS, ERROR, FAILURE"))
    if wrong or code is None:
        key = next(iter(keys), "")[:120]
        raise MessageRefused(f"The message is not valid: {wrong[0].message}", findings=wrong, message_id=key)
    pointer, key = named[0]
    return EnrollAck(
        sync_request_id=key, code=code, text=derms_answers.text_of(document), digest=digest(document), pointer=pointer
    )


def _code(document: Mapping[str, Any]) -> AckCode | None:
    stated = document.get("ackType", document.get("responseCode"))
    return derms_answers.acknowledgement_code({**document, "ackType": stated} if stated is not None else document)


def _named(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if document.get("dacsMessageId") not in (None, ""):
        yield "/dacsMessageId", document["dacsMessageId"]
    responses = document.get("responses")
    if responses is None:
        return
    if not isinstance(responses, list):
        raise _refused("/responses", "invalid_type", "responses is not a list")
    for index, response in enumerate(responses):
        if not isinstance(response, Mapping):
            raise _refused(f"/responses/{index}", "invalid_type", f"responses[{index}] is not an object")
        if response.get("dacsMessageId") not in (None, ""):
            yield f"/responses/{index}/dacsMessageId", response["dacsMessageId"]


def _misfits(pointer: str, value: Any) -> Iterator[Finding]:
    if not isinstance(value, str):
        yield _finding(pointer, "invalid_type", "dacsMessageId is not a text")
    elif len(value) > _LENGTH:
        yield _finding(pointer, "max_length", f"dacsMessageId is longer than {_LENGTH} characters")
    elif not dacs_messages.is_id(value):
        text = "dacsMessageId holds something else than letters, digits, hyphen and underscore"
        yield _finding(pointer, "invalid", text)


def _finding(pointer: str, code: str, message: str) -> Finding:
    return Finding(pointer=pointer, code=code, message=message)


def _refused(pointer: str, code: str, message: str) -> MessageRefused:
    return MessageRefused(message, findings=[_finding(pointer, code, message)])
