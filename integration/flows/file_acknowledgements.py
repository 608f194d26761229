"""The one acknowledgement of a file: names, counts, the first rows that were refused (`integration.md` 3.6, 3.8)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foundation.times import format_instant
from integration.flows.acknowledgements import AckCode
from integration.flows.file_flow import Acknowledgement, AttemptResult


TARGET = "DERMS"
ROWS_TOLD = 100


def acknowledgement(
    *, message_type: str, names: Mapping[str, Any], result: AttemptResult, negative: AckCode = AckCode.FAILURE
) -> Acknowledgement:
    """
    Form the acknowledgement: SUCCESS when everything went through, else FAILURE, which is what DERMS re-sends on.

    :param names: messageId, drmsInstanceId and the event or events, in the order of the guide.
    :param negative: the code when not everything went through.
    """
    ack_type = AckCode.SUCCESS if result.positive else negative
    document: dict[str, Any] = {
        **names,
        "ackType": str(ack_type),
        "whenISO": format_instant(result.at),
        "recordCount": result.record_count,
        "successCount": result.succeeded,
        "errorCount": result.record_count - result.succeeded,
        "responses": [
            {
                "id": entry["id"],
                "responseCode": entry["code"],
                "value": entry["value"],
                "responseTimeISO": entry["at"],
            }
            for entry in result.errors[:ROWS_TOLD]
        ],
    }
    if result.fault is not None:
        document["value"] = result.fault.reason
    return Acknowledgement(message_type=message_type, external_system=TARGET, ack_type=str(ack_type), document=document)
