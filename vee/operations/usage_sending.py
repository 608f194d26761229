"""
The way of usage to its recipient: asked for, handed over to whoever sends, delivered or not; and of its corrections.

`vee` knows nobody who sends. It says what is to be sent (`vee.events`), and gives it away under the lock of its row:
handed over once, or with the reason why not. What nobody took is offered again by the sweep.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

from django.db import transaction

from vee import events, usage_queries
from vee.choices import UsageTransactionStatus as Status
from vee.codes import DELIVERY_ISSUES, UsageIssue
from vee.models import UsageCorrection, UsageTransaction, UsageTransactionTotal
from vee.operations import usage_lifecycle
from vee.operations.actions import StateDoesNotAllow
from vee.operations.lifecycle import SYSTEM


# A correction that could not be told, because its recipient is not set up, is offered again after this.
TRY_AGAIN_AFTER = dt.timedelta(minutes=1)


class UnableToHandOver(Exception):
    """Raised by whoever sends: it cannot be queued as things are; the message says why, for people."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UsageMessage:
    """
    What the recipient is to be told; `message_id` is the same however often it is offered.

    Of a correction, `totals` are those at the time of the change and `old_totals` those that were sent.
    """

    message_id: str
    transaction: UsageTransaction
    version: int
    totals: list[UsageTransactionTotal]
    correction: UsageCorrection | None = None
    old_totals: list[UsageTransactionTotal] = dataclasses.field(default_factory=list)


def request(*, transaction: UsageTransaction, by: str, reason: str, at: dt.datetime) -> None:
    """
    Ask for a locked transaction to be sent; once asked for, a second time changes nothing.

    :raises StateDoesNotAllow: when it is not calculated, or something other than its delivery stands against it.
    """
    row = transaction
    only_delivery = bool(row.issues) and {issue["code"] for issue in row.issues} <= DELIVERY_ISSUES
    if row.status == Status.ISSUE_DETECTED and only_delivery:
        row.issues = []
        usage_lifecycle.move(transaction=row, to=Status.CALCULATED, at=at, by=by, reason=reason, also=("issues",))
    elif row.status != Status.CALCULATED:
        raise StateDoesNotAllow(f"Usage in status {row.status} cannot be sent.")
    if not row.version:
        raise StateDoesNotAllow("There are no figures to send: calculate the usage first.")
    if row.send_requested_at is None:
        row.send_requested_at, row.send_requested_by, row.sendings = at, by[:150], row.sendings + 1
        row.save(update_fields=["send_requested_at", "send_requested_by", "sendings"])
        said = f"Sending was asked for: {reason}"
        usage_lifecycle.note(transaction=row, from_status=row.status, at=at, by=by, reason=said)
    announce_if_requested(transaction=row, at=at)


def request_automatically(*, transaction: UsageTransaction, at: dt.datetime) -> None:
    """Ask for sending in the name of the subscription, if it wants that; the caller saves the row."""
    if transaction.usage_subscription.send_automatically:
        transaction.send_requested_at, transaction.send_requested_by = at, SYSTEM
        transaction.sendings += 1


def announce_if_requested(*, transaction: UsageTransaction, at: dt.datetime) -> None:
    """Offer a transaction to whoever sends, once this is committed, if that was asked for."""
    if transaction.send_requested_at is not None and transaction.status == Status.CALCULATED:
        events.announce_usage_to_send(transaction_ids=[transaction.pk], at=at)


def offer_waiting(*, before: dt.datetime, at: dt.datetime) -> int:
    """Offer again what has waited since before an instant; give how much there was."""
    sendings = usage_queries.waiting_sendings(before=before)
    corrections = usage_queries.waiting_corrections(before=before, tried_before=at - TRY_AGAIN_AFTER)
    events.announce_usage_to_send(transaction_ids=sendings, at=at)
    events.announce_usage_corrected(correction_ids=corrections, at=at)
    return len(sendings) + len(corrections)


def hand_over(*, transaction_id: int, queue: Callable[[UsageMessage], None], at: dt.datetime) -> bool:
    """
    Give a transaction to whoever sends, in one database transaction with its becoming SENT; say whether it was given.

    False when it is not to be sent any more, or not yet again. When `queue` raises UnableToHandOver the transaction
    becomes ISSUE_DETECTED with the reason.
    """
    with transaction.atomic():
        row = usage_lifecycle.lock(transaction_id=transaction_id)
        if row.status != Status.CALCULATED or row.send_requested_at is None or row.stale_since is not None:
            return False
        message = UsageMessage(
            message_id=f"USAGE-TRANSACTION-{row.pk}-{row.sendings}",
            transaction=row,
            version=row.version,
            totals=usage_queries.totals_of(transaction_id=row.pk, versions=[row.version]),
        )
        by, row.send_requested_at = row.send_requested_by or SYSTEM, None
        try:
            queue(message)
        except UnableToHandOver as error:
            row.issues = [_issue(UsageIssue.NOT_SENT, str(error))]
            usage_lifecycle.move(
                transaction=row,
                to=Status.ISSUE_DETECTED,
                at=at,
                reason=str(error),
                also=("issues", "send_requested_at"),
            )
            return False
        row.message_id, row.sent_at, row.delivered_at = message.message_id, at, None
        usage_lifecycle.move(
            transaction=row,
            to=Status.SENT,
            at=at,
            by=by,
            reason=f"Handed over to the outbound queue as {message.message_id}.",
            also=("message_id", "sent_at", "delivered_at", "send_requested_at"),
        )
        return True


def hand_over_correction(*, correction_id: int, queue: Callable[[UsageMessage], None], at: dt.datetime) -> bool:
    """
    Give a correction to whoever sends, and note that; say whether it was given.

    False when it was before. When `queue` raises UnableToHandOver the reason is noted, and it is offered again.
    """
    with transaction.atomic():
        correction = UsageCorrection.objects.select_for_update(of=("self",)).get(pk=correction_id)
        if correction.queued_at is not None:
            return False
        row = usage_queries.transactions().get(pk=correction.transaction_id)
        versions = (correction.old_version, correction.new_version)
        totals = usage_queries.totals_of(transaction_id=row.pk, versions=versions)
        message = UsageMessage(
            message_id=f"USAGE-CORRECTION-{row.pk}",
            transaction=row,
            version=correction.new_version,
            totals=[one for one in totals if one.version == correction.new_version],
            correction=correction,
            old_totals=[one for one in totals if one.version == correction.old_version],
        )
        correction.tried_at = at
        try:
            queue(message)
        except UnableToHandOver as error:
            correction.problem = str(error)[:500]
        else:
            correction.message_id, correction.queued_at, correction.problem = message.message_id, at, ""
        correction.save(update_fields=["tried_at", "problem", "message_id", "queued_at"])
        return correction.queued_at is not None


def settled(*, message_id: str, delivered: bool, reason: str, at: dt.datetime) -> bool:
    """
    Note how the message of a transaction or a correction ended; say whether it is one of ours.

    Usage that was not delivered becomes ISSUE_DETECTED, unless it was corrected since; delivered after all, it is SENT
    again. The same end may be told twice.
    """
    with transaction.atomic():
        found = UsageTransaction.objects.filter(message_id=message_id).values_list("pk", flat=True).first()
        if found is not None:
            row = usage_lifecycle.lock(transaction_id=found)
            if row.message_id == message_id:
                _settle(row, delivered=delivered, reason=reason, at=at)
            return True
        correction = UsageCorrection.objects.select_for_update().filter(message_id=message_id).first()
        if correction is None:
            return False
        if delivered and correction.delivered_at is None:
            correction.delivered_at, correction.problem = at, ""
        elif not delivered:
            correction.problem = f"The message could not be delivered: {reason}"[:500]
        correction.save(update_fields=["delivered_at", "problem"])
        return True


def _settle(row: UsageTransaction, *, delivered: bool, reason: str, at: dt.datetime) -> None:
    undelivered = row.status == Status.ISSUE_DETECTED and [issue["code"] for issue in row.issues] == [
        UsageIssue.NOT_DELIVERED.value
    ]
    if delivered and undelivered and row.stale_since is None:
        row.delivered_at, row.issues = at, []
        usage_lifecycle.move(
            transaction=row,
            to=Status.SENT,
            at=at,
            reason="The message was delivered after all.",
            also=("delivered_at", "issues"),
        )
    elif delivered and row.status in (Status.SENT, Status.SUBSEQUENT_CORRECTION) and row.delivered_at is None:
        row.delivered_at = at
        row.save(update_fields=["delivered_at"])
    elif not delivered and row.status == Status.SENT and row.delivered_at is None:
        said = f"The message could not be delivered: {reason}"
        row.issues = [_issue(UsageIssue.NOT_DELIVERED, said)]
        usage_lifecycle.move(transaction=row, to=Status.ISSUE_DETECTED, at=at, reason=said, also=("issues",))


def _issue(code: UsageIssue, message: str) -> dict[str, str]:
    return {"code": code.value, "component": "", "message": message}
