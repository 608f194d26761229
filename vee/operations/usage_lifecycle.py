"""
Moves of usage transactions from status to status, by one table: the transitions of `UsageTransaction`.

Every move leaves a transition row. The caller holds the lock of the row.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from vee.models import UsageTransaction, UsageTransactionTransition
from vee.operations.lifecycle import SYSTEM


_STATUS_FIELD: Any = UsageTransaction._meta.get_field("status")
_METHODS: dict[tuple[str, str], str] = {
    (str(found.source), str(found.target)): found.name for found in _STATUS_FIELD.get_all_transitions(UsageTransaction)
}
LEGAL: frozenset[tuple[str, str]] = frozenset(_METHODS)


class IllegalUsageMove(Exception):
    """The life cycle of usage has no such transition."""


def lock(*, transaction_id: int) -> UsageTransaction:
    """
    Lock one usage transaction for the rest of the database transaction and give it as it is now.

    :raises UsageTransaction.DoesNotExist: when there is none.
    """
    row: UsageTransaction = (
        UsageTransaction.objects.select_for_update(of=("self",))
        .select_related("usage_subscription__service_point")
        .get(pk=transaction_id)
    )
    return row


def move(
    *,
    transaction: UsageTransaction,
    to: str,
    at: dt.datetime,
    by: str = SYSTEM,
    reason: str = "",
    also: Iterable[str] = (),
) -> None:
    """
    Move a locked usage transaction through its transition method, save it and leave the transition row.

    `also` names further fields that were set and are saved with it.

    :raises IllegalUsageMove: when the life cycle has no such step.
    """
    step = (str(transaction.status), str(to))
    if step not in LEGAL:
        raise IllegalUsageMove(f"Usage cannot move from {step[0]} to {step[1]}.")
    getattr(transaction, _METHODS[step])()
    transaction.save(update_fields=["status", *also])
    note(transaction=transaction, from_status=step[0], at=at, by=by, reason=reason)


def note(*, transaction: UsageTransaction, from_status: str, at: dt.datetime, by: str = SYSTEM, reason: str) -> None:
    """Leave the row of a move that was made."""
    UsageTransactionTransition.objects.create(
        transaction=transaction,
        from_status=from_status,
        to_status=transaction.status,
        at=at,
        by=by[:150],
        reason=reason[:500],
    )


def note_created(*, transactions: Sequence[UsageTransaction], at: dt.datetime, by: str, reason: str) -> None:
    """Leave the first row of transactions that were made."""
    UsageTransactionTransition.objects.bulk_create(
        [
            UsageTransactionTransition(
                transaction=row, from_status="", to_status=row.status, at=at, by=by[:150], reason=reason[:500]
            )
            for row in transactions
        ],
        batch_size=500,
    )
