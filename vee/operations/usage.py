"""
Calculating usage: the totals of a service point's components over the period of a usage transaction (`vee.md` 8).

Each calculation is a version of its own; earlier ones stay. The components are locked first and the transaction after
them, in the order of normalization, so that a calculation sees a change as a whole or is made stale by it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction

from vee import usage_queries
from vee.choices import USAGE_NOT_SENT
from vee.choices import UsageTransactionStatus as Status
from vee.codes import INCOMPLETE_ISSUES
from vee.locks import lock_components
from vee.models import UsageTransaction
from vee.operations import usage_figures, usage_lifecycle, usage_sending
from vee.operations.actions import StateDoesNotAllow, UnableToAct, check_request
from vee.operations.lifecycle import SYSTEM


logger = structlog.get_logger(__name__)

_CALCULATED_FIELDS = (
    "calculate_after", "version", "calculated_at", "stale_since", "issues", "send_requested_at", "send_requested_by",
    "sendings",
)  # fmt: skip


class UsageTransactionNotFound(UnableToAct):
    """There is no such usage transaction."""


@dataclasses.dataclass(frozen=True, slots=True)
class UsageResult:
    """What became of an action on one usage transaction of several: `error` is empty when it succeeded."""

    identifier: str
    error: str = ""


def calculate(*, transaction_id: int, by: Any, reason: str, at: dt.datetime) -> UsageTransaction:
    """
    Calculate a usage transaction that was not sent, now, whatever its deferral says; also for the second time.

    :raises UnableToAct: NotPermitted, ReasonMissing, UsageTransactionNotFound, or StateDoesNotAllow.
    """
    reason = check_request(by=by, right="vee.calculate_usage", reason=reason)
    with transaction.atomic():
        row = _locked_with_components(transaction_id)
        if row.status not in USAGE_NOT_SENT:
            raise StateDoesNotAllow(f"Usage in status {row.status} is not calculated any more.")
        _calculate(row, by=by.get_username(), reason=reason, at=at)
        return row


def calculate_due(*, at: dt.datetime, limit: int = 1_000) -> int:
    """
    Calculate what is stale and what has come to its time, and defer what has not; give how many were taken up.

    Each is committed for itself. One that fails is logged, stays due, and stops no other.
    """
    done = 0
    for transaction_id in usage_queries.due_calculations(at=at, limit=limit):
        try:
            with transaction.atomic():
                done += _take_up(_locked_with_components(transaction_id), at=at)
        except (OperationalError, InterfaceError):
            raise  # the database is the trouble, not a transaction
        except Exception:
            logger.exception("usage_not_calculated", usage_transaction=transaction_id)
    return done


def _take_up(row: UsageTransaction, *, at: dt.datetime) -> bool:
    """Do with a locked transaction what is due; false when somebody else has done it meanwhile."""
    waits_for = row.calculate_after
    if row.status == Status.PENDING and waits_for is not None and waits_for > at:
        reason = f"The calculation is deferred until {waits_for:%Y-%m-%d %H:%M} UTC."
        usage_lifecycle.move(transaction=row, to=Status.CALCULATION_DEFERRED, at=at, reason=reason)
        return True
    timed = row.status in (Status.PENDING, Status.CALCULATION_DEFERRED) and waits_for is not None and waits_for <= at
    stale = row.status in USAGE_NOT_SENT and row.stale_since is not None
    if not (timed or stale):
        return False
    _calculate(row, by=SYSTEM, reason="Measurements changed." if stale else "Its time has come.", at=at)
    return True


def create(*, row: UsageTransaction, by: Any, at: dt.datetime) -> None:
    """Store a new transaction that a person has made, with its first row of history."""
    with transaction.atomic():
        row.save(force_insert=True)
        usage_lifecycle.note_created(transactions=[row], at=at, by=by.get_username(), reason="Created in the admin.")


def discard(*, transaction_id: int, by: Any, reason: str, at: dt.datetime) -> UsageTransaction:
    """
    Put a usage transaction that was not sent aside for good; its figures stay readable.

    :raises UnableToAct: NotPermitted, ReasonMissing, UsageTransactionNotFound, or StateDoesNotAllow.
    """
    reason = check_request(by=by, right="vee.discard_usage", reason=reason)
    with transaction.atomic():
        row = find_and_lock(transaction_id)
        if row.status not in USAGE_NOT_SENT:
            raise StateDoesNotAllow(f"Usage in status {row.status} cannot be discarded.")
        row.stale_since = row.calculate_after = row.send_requested_at = None
        usage_lifecycle.move(
            transaction=row,
            to=Status.DISCARDED,
            at=at,
            by=by.get_username(),
            reason=reason,
            also=("stale_since", "calculate_after", "send_requested_at"),
        )
        return row


def send(*, transaction_id: int, by: Any, reason: str, at: dt.datetime) -> UsageTransaction:
    """
    Ask for calculated usage to be sent to its recipient; also again, when it could not be sent or delivered.

    :raises UnableToAct: NotPermitted, ReasonMissing, UsageTransactionNotFound, or StateDoesNotAllow.
    """
    reason = check_request(by=by, right="vee.send_usage", reason=reason)
    with transaction.atomic():
        row = find_and_lock(transaction_id)
        usage_sending.request(transaction=row, by=by.get_username(), reason=reason, at=at)
        return row


ACTIONS: dict[str, Callable[..., UsageTransaction]] = {"calculate": calculate, "send": send, "discard": discard}


def act_on_many(
    *, action: str, transaction_ids: Sequence[int], by: Any, reason: str, at: dt.datetime
) -> list[UsageResult]:
    """
    Do one action on several usage transactions, each in its own transaction; a result for each, in order.

    :raises KeyError: when there is no such action.
    """
    operation = ACTIONS[action]
    names = dict(UsageTransaction.objects.filter(pk__in=transaction_ids).values_list("pk", "identifier"))
    results = []
    for transaction_id in transaction_ids:
        name = names.get(transaction_id, str(transaction_id))
        try:
            operation(transaction_id=transaction_id, by=by, reason=reason, at=at)
        except UnableToAct as error:
            results.append(UsageResult(name, str(error)))
        else:
            results.append(UsageResult(name))
    return results


def find_and_lock(transaction_id: int) -> UsageTransaction:
    """
    Lock a usage transaction for a person's action.

    :raises UsageTransactionNotFound: when there is none.
    """
    try:
        return usage_lifecycle.lock(transaction_id=transaction_id)
    except UsageTransaction.DoesNotExist:
        raise UsageTransactionNotFound(f"There is no usage transaction {transaction_id}.") from None


def _locked_with_components(transaction_id: int) -> UsageTransaction:
    seen = usage_queries.transactions().filter(pk=transaction_id).first()
    if seen is None:
        raise UsageTransactionNotFound(f"There is no usage transaction {transaction_id}.")
    components = usage_queries.components_of(service_point_id=seen.usage_subscription.service_point_id)
    lock_components(component_ids=[one.id for one in components])
    return find_and_lock(transaction_id)


def _calculate(row: UsageTransaction, *, by: str, reason: str, at: dt.datetime) -> None:
    """Calculate a locked transaction and move it to where the result belongs."""
    totals, issues = usage_figures.figures(transaction=row)
    unchanged = by == SYSTEM and issues == row.issues and usage_figures.are_current(transaction=row, totals=totals)
    row.stale_since = row.calculate_after = None
    if unchanged:
        row.save(update_fields=["stale_since", "calculate_after"])
        usage_sending.announce_if_requested(transaction=row, at=at)
        return
    row.version += 1
    usage_figures.store(transaction=row, totals=totals, version=row.version)
    row.calculated_at, row.issues = at, issues
    subscription = row.usage_subscription
    if not issues:
        target = Status.CALCULATED
    elif subscription.defer_until_complete and {issue["code"] for issue in issues} <= INCOMPLETE_ISSUES:
        target = Status.CALCULATION_DEFERRED
    else:
        target = Status.ISSUE_DETECTED
    if target != Status.CALCULATED:
        row.send_requested_at = None
    elif row.send_requested_at is None:
        usage_sending.request_automatically(transaction=row, at=at)
    said = " ".join([reason, *(issue["message"] for issue in issues)])
    usage_lifecycle.move(transaction=row, to=target, at=at, by=by, reason=said, also=_CALCULATED_FIELDS)
    usage_sending.announce_if_requested(transaction=row, at=at)
