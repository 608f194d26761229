"""The acknowledgement that DERMS reads, and its one algebra (`integration.md` 2.3)."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Iterable, Sequence
from typing import Any

from foundation.times import format_instant


class AckCode(enum.StrEnum):
    """ERROR: the target refused the data. FAILURE: the hub or the target could not process it."""

    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    FAILURE = "FAILURE"


_RANK = {code: rank for rank, code in enumerate(AckCode)}


def worst(codes: Iterable[str]) -> AckCode:
    """
    Give the overall `ackType`: the maximum under SUCCESS < ERROR < FAILURE (C-18).

    :raises ValueError: for an empty collection, which is a refused request and never a SUCCESS.
    """
    return max((AckCode(code) for code in codes), key=_RANK.__getitem__)


def response(
    *,
    code: str,
    answer_id: str,
    value: str,
    message_id: str,
    dacs_message_id: str,
    at: dt.datetime,
) -> dict[str, Any]:
    """Build the entry of one record; `at` is when its result was known."""
    return {
        "id": answer_id,
        "value": value,
        "responseCode": str(code),
        "responseTimeISO": format_instant(at),
        "dacsMessageId": dacs_message_id,
        "messageId": message_id,
    }


def message_acknowledgement(*, responses: Sequence[dict[str, Any]], at: dt.datetime) -> dict[str, Any]:
    """
    Build the MsgAck of a collection, entries in the order of the request, times in true UTC.

    :raises ValueError: for an empty collection.
    """
    return {
        "ackType": str(worst(entry["responseCode"] for entry in responses)),
        "whenISO": format_instant(at),
        "responses": list(responses),
    }
