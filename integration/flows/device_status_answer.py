"""
The answer of DERMS to a status check, and its map to DACS's X1-CtrlDvcStatusCheckResp (`integration.md` 3.5).

FAILURE is an answer: the device did not respond. Plain Python.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integration.flows import dacs_messages, message_fields
from integration.flows.canonical import digest
from integration.flows.contract import Finding, MessageRefused


RESULTS = ("SUCCESS", "FAILURE")


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusAnswer:
    """A checked answer; `message` is the whole of it."""

    communication_id: str
    result: str
    digest: str
    message: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def read(document: Any) -> StatusAnswer:
    """
    Check an answer.

    :raises MessageRefused: when it does not fit.
    """
    if not isinstance(document, Mapping):
        finding = Finding(pointer="", code="invalid_type", message="The answer is not an object")
        raise MessageRefused(finding.message, findings=[finding])
    findings = list(
        message_fields.texts(
            document,
            lengths={"dacsMessageId": dacs_messages.CHECK_LENGTHS["communicationId"]},
            required=("dacsMessageId",),
        )
    )
    key = document.get("dacsMessageId")
    if not findings and not dacs_messages.is_id(str(key)):
        text = "dacsMessageId holds something else than letters, digits, hyphen and underscore"
        findings.append(Finding(pointer="/dacsMessageId", code="invalid", message=text))
    result = document.get("responseCode")
    if result is None or result == "":
        findings.append(Finding(pointer="/responseCode", code="required", message="responseCode is required"))
    elif result not in RESULTS:
        text = f"responseCode is not one of {', '.join(RESULTS)}"
        findings.append(Finding(pointer="/responseCode", code="invalid_choice", message=text))
    if findings:
        raise MessageRefused(
            f"The message is not valid: {findings[0].message}",
            findings=findings,
            message_id=key[:120] if isinstance(key, str) else "",
        )
    return StatusAnswer(communication_id=str(key), result=str(result), digest=digest(document), message=document)


def to_dacs(answer: StatusAnswer) -> dict[str, Any]:
    """Give the request to DACS."""
    return {"responseDetail": {"transactionID": answer.communication_id, "result": {"status": answer.result}}}


def bo_status(document: Any) -> str:
    """Give the status that DACS reports, at the root of its answer or one level below; empty when it reports none."""
    if not isinstance(document, Mapping):
        return ""
    for place in (document, *(nested for nested in document.values() if isinstance(nested, Mapping))):
        status = place.get("boStatus")
        if isinstance(status, str):
            return status[:100]
    return ""
