"""The acknowledgement of a sync request as DACS's F1-SyncRequest takes it (`integration.md` 3.3). Plain Python."""

from __future__ import annotations

from typing import Any


EXTERNAL_ENTITY = "DERMS-ENROLLMENT"
_COMMENT_LENGTH = 254
_PARAMETER_LENGTH = 2000
_KEY_LENGTH = 60


def positive(*, sync_request_id: str, external_key: str) -> dict[str, Any]:
    """Say that DERMS has it; `external_key` is its key there, `instance:subscription`."""
    external = [{"entity": EXTERNAL_ENTITY, "externalPk1": external_key[:_KEY_LENGTH]}] if external_key else []
    return {"syncRequestId": sync_request_id, "hasError": False, "exceptionInfo": [], "externalIds": external}


def negative(*, sync_request_id: str, text: str, category: int, number: int) -> dict[str, Any]:
    """Say that DERMS refused it, and why: the sync request goes to its exception state."""
    return {
        "syncRequestId": sync_request_id,
        "hasError": True,
        "exceptionInfo": [
            {
                "sequence": 1,
                "messageCategory": category,
                "messageNumber": number,
                "comments": f"DERMS: {text}"[:_COMMENT_LENGTH],
                "messageParameters": [
                    {"parameterSequence": 1, "messageParameterValue": text[:_PARAMETER_LENGTH]},
                ],
            }
        ],
    }
