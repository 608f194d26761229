"""
What DERMS sends to cancel an event, and the map to DACS's `preEventCancellation` (`integration.md` 3.7). Plain Python.

DACS takes a message of at most 100 characters (`cancelMessage`; 22C named it `cancellationMessageText`): what is longer
is cut there, and the run keeps the whole text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integration.flows import canonical, message_fields
from integration.flows.contract import Finding, MessageRefused


MAX_CANCEL_MESSAGE = 100
LENGTHS = {"drmsInstanceId": 60, "messageId": 120, "eventId": 120, "cancellationMessageText": 4_000}
REQUIRED = ("drmsInstanceId", "messageId", "eventId")


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """A checked request; `digest` tells the same message from another under the same key, `message` is the whole."""

    drms_instance_id: str
    message_id: str
    event_id: str
    text: str
    digest: str
    message: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def cut(self) -> bool:
        """Whether DACS gets less than the whole text."""
        return len(self.text) > MAX_CANCEL_MESSAGE


def check_request(document: Any) -> CancelRequest:
    """
    Check a parsed request.

    :raises MessageRefused: with every misfit and its pointer.
    """
    if not isinstance(document, Mapping):
        finding = Finding(pointer="", code="invalid_type", message="the body is no object")
        raise MessageRefused("The body is no object", findings=[finding])
    findings = list(message_fields.texts(document, lengths=LENGTHS, required=REQUIRED))
    if findings:
        message_id = document.get("messageId")
        raise MessageRefused(
            findings[0].message, findings=findings, message_id=message_id if isinstance(message_id, str) else ""
        )
    return CancelRequest(
        drms_instance_id=document["drmsInstanceId"],
        message_id=document["messageId"],
        event_id=document["eventId"],
        text=(document.get("cancellationMessageText") or "").strip(),
        digest=canonical.digest(document),
        message=document,
    )


def map_request(request: CancelRequest) -> dict[str, str]:
    """Give the request to DACS; an empty text is left out."""
    mapped = {"eventExternalIdentifier": request.event_id}
    if request.text:
        mapped["cancelMessage"] = request.text[:MAX_CANCEL_MESSAGE]
    return mapped
