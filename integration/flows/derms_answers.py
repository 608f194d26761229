"""
Reading what DERMS answers to a message from DACS: the table of `integration.md` 3.2. Plain Python.

A 200 holds a MsgAck: SUCCESS and ERROR are answers, FAILURE is a fault. Any other status is a fault: 4xx is told to
DACS as 400, the rest as 502.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from integration.flows import acknowledgements, peer_calls
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault
from integration.flows.peer_calls import Call
from outbound.retry import FaultType, classify_status


DERMS = "DERMS"
_TEXT_LENGTH = 900
_CODES = frozenset(AckCode)


@dataclass(frozen=True, slots=True, kw_only=True)
class DermsAnswer:
    """
    What DERMS said. A `fault` comes with FAILURE only, and `caller_status` with a fault.

    `refused`: DERMS turned the message down as it is and took nothing of it.
    """

    code: AckCode
    text: str = ""
    fault: Fault | None = None
    caller_status: int = 200
    refused: bool = False


def read(call: Call) -> DermsAnswer:
    """Give what a call to DERMS came to."""
    if call.fault is not None:
        return _failed(call.fault, call.caller_status)
    if 200 <= call.status < 300:
        return _acknowledged(call)
    text = text_of(call.document)
    reason = peer_calls.status_text(call.status, peer=DERMS) + (f": {text}" if text else "")
    if classify_status(call.status) is FaultType.BUSINESS:
        # Not a refusal of the data, which comes as 200 with ERROR (C-20): the message itself does not fit.
        return _failed(Fault(type=FaultType.TECHNICAL, code=str(call.status), reason=reason), 400, refused=True)
    return _failed(Fault(type=FaultType.REMOTE, code=str(call.status), reason=reason), 502)


def acknowledgement_code(document: Any) -> AckCode | None:
    """Give the overall code of a MsgAck: its `ackType`, or the worst of its responses; None when it is no MsgAck."""
    acknowledgement = _acknowledgement(document)
    if acknowledgement is None:
        return None
    stated = _code(acknowledgement.get("ackType"))
    if stated is not None:
        return stated
    codes = [_code(response.get("responseCode")) for response in _responses(acknowledgement)]
    known = [code for code in codes if code is not None]
    return acknowledgements.worst(known) if known and len(known) == len(codes) else None


def text_of(document: Any) -> str:
    """Give the sentences of what was not a SUCCESS, or of a problem document; empty when there are none."""
    acknowledgement = _acknowledgement(document)
    if acknowledgement is None:
        return ""
    values = [
        response["value"].strip()
        for response in _responses(acknowledgement)
        if isinstance(response.get("value"), str) and _code(response.get("responseCode")) is not AckCode.SUCCESS
    ]
    said = "; ".join(value for value in dict.fromkeys(values) if value)
    if not said:
        texts = (acknowledgement.get(name) for name in ("detail", "message", "value", "title"))
        said = next((text.strip() for text in texts if isinstance(text, str) and text.strip()), "")
    return said[:_TEXT_LENGTH]


def _acknowledged(call: Call) -> DermsAnswer:
    code = acknowledgement_code(call.document)
    if code is None:
        reason = f"DERMS answered {call.status} with a body that is no acknowledgement"
        return _failed(Fault(type=FaultType.REMOTE, code="upstream_error", reason=reason), 502)
    text = text_of(call.document)
    if code is AckCode.FAILURE:
        reason = f"DERMS could not process the message: {text}" if text else "DERMS could not process the message"
        return _failed(Fault(type=FaultType.REMOTE, code="derms_failure", reason=reason), 502)
    return DermsAnswer(code=code, text=text or ("DERMS refused it" if code is AckCode.ERROR else ""))


def _failed(fault: Fault, caller_status: int, *, refused: bool = False) -> DermsAnswer:
    return DermsAnswer(
        code=AckCode.FAILURE, text=fault.reason, fault=fault, caller_status=caller_status, refused=refused
    )


def _acknowledgement(document: Any) -> Mapping[str, Any] | None:
    if not isinstance(document, Mapping):
        return None
    inner = document.get("MsgAck", document)
    return inner if isinstance(inner, Mapping) else None


def _responses(acknowledgement: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    responses = acknowledgement.get("responses")
    if isinstance(responses, list):
        yield from (response for response in responses if isinstance(response, Mapping))


def _code(value: Any) -> AckCode | None:
    return AckCode(value.upper()) if isinstance(value, str) and value.upper() in _CODES else None
