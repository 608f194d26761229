"""
Usage on its way to its recipient: what meter data has to tell becomes outbound messages, each queued once.

The recipient of a subscription is the external system of that name.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError

from integration.flows.usage_message import correction_document, usage_document
from outbound.choices import MessageStatus
from outbound.operations.messages import MessageIdReused, UnableToQueueMessage, queue_message
from vee.operations import usage_sending
from vee.operations.usage_sending import UnableToHandOver, UsageMessage


logger = structlog.get_logger(__name__)

USAGE_TYPE = "USAGE-TRANSACTION"
CORRECTION_TYPE = "USAGE-CORRECTION"
MESSAGE_TYPES = frozenset({USAGE_TYPE, CORRECTION_TYPE})


def send_usage(*, transaction_ids: Sequence[int], at: dt.datetime) -> int:
    """Queue the usage that is to be sent; give how much was. What cannot be queued is noted with its reason."""
    queue = functools.partial(_queue, USAGE_TYPE, usage_document, at=at)
    return _each(transaction_ids, lambda one: usage_sending.hand_over(transaction_id=one, queue=queue, at=at))


def send_corrections(*, correction_ids: Sequence[int], at: dt.datetime) -> int:
    """Queue word of corrections to their recipients; give how many were. What cannot be queued is offered again."""
    queue = functools.partial(_queue, CORRECTION_TYPE, correction_document, at=at)
    return _each(correction_ids, lambda one: usage_sending.hand_over_correction(correction_id=one, queue=queue, at=at))


def message_settled(*, message: Any, status: str, at: dt.datetime) -> None:
    """Note the end of a usage message at what it told."""
    usage_sending.settled(
        message_id=message.message_id,
        delivered=status == MessageStatus.SUCCESS,
        reason=message.last_error or f"it was {str(status).lower()}",
        at=at,
    )


def _each(ids: Sequence[int], hand_over: Callable[[int], bool]) -> int:
    done = 0
    for one in ids:
        try:
            done += hand_over(one)
        except (OperationalError, InterfaceError):
            raise  # the database is the trouble, not this one
        except Exception:
            # It waits for the sweep, and stops no other.
            logger.exception("usage_not_handed_over", row=one)
    return done


def _queue(
    message_type: str,
    document: Callable[[UsageMessage], Mapping[str, Any]],
    message: UsageMessage,
    *,
    at: dt.datetime,
) -> None:
    row = message.transaction
    recipient = row.usage_subscription.recipient
    try:
        queue_message(
            message_type=message_type,
            external_system=recipient,
            payload=document(message),
            message_id=message.message_id,
            # The correction of usage leaves after the usage.
            key=row.identifier,
            context={"usageTransaction": row.identifier},
            at=at,
        )
    except (UnableToQueueMessage, MessageIdReused) as error:
        logger.warning("usage_not_queued", usage_transaction=row.identifier, recipient=recipient, reason=str(error))
        raise UnableToHandOver(f"It could not be queued for the recipient {recipient}: {error}") from error
