"""Outbound messages that ended in FAIL: people hear of each, once per cause and window (`reliability.md` Q5)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from integration.flows.contract import Fault
from integration.operations import errors
from outbound.choices import MessageStatus
from outbound.retry import FaultType


def message_settled(*, message: Any, status: str, at: dt.datetime) -> None:
    """Open or update the incident of the message's type when the message has failed for good."""
    if status != MessageStatus.FAIL:
        return
    code = message.message_type.code
    errors.report(
        flow=None,
        source=code,
        fault=Fault(
            type=FaultType(message.fault_type or FaultType.REMOTE),
            code="message_failed",
            reason=f"The message {message.message_id} of type {code} could not be delivered: {message.last_error}",
        ),
        identifiers={"messageId": message.message_id},
        business_too=True,
        at=at,
    )
