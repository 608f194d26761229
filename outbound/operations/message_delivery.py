"""
Delivering messages: the call, and what its outcome makes of the message (`house.md` D3, D4, `reliability.md` Q5–Q9).

A remote fault makes it FAIL with the time of its retry, until MAX_RETRIES retries are used. A refusal of the message
makes it FAIL for good. What says nothing about the message (an open breaker, refused credentials, no free place)
puts it back as it was, held, without using a retry.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import structlog
from django.db import transaction

from foundation.crypto import UnableToDecrypt
from outbound import masking, message_queries, queries, retry
from outbound.choices import AnswerKind, AttemptOutcome, MessageFault, MessageStatus, ProcessingMethod
from outbound.models import DeliveryAttempt, OutboundMessage, OutboundMessageType
from outbound.operations import message_holds
from outbound.operations.message_claims import (
    MessageEnded,
    MessageNotDue,
    Reservation,
    Try,
    begin,
    put_back,
    reserve,
)
from outbound.operations.message_ends import settle, wake_next_of_key
from outbound.operations.message_targets import HeldBack
from outbound.operations.messages import wake, wake_batch
from outbound.retry import FaultType
from outbound.texts import storable
from outbound.transports.base import Answer, TransportError


logger = structlog.get_logger(__name__)

BATCH_SIZE = 25
# A worker stops taking more of its batch after this long; what is left goes back.
BATCH_SECONDS = 20.0
_BUSY_SECONDS = 5.0
_EXCERPT = 1_000


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success, as the retry policy sees it."""

    fault: FaultType
    reason: str
    credentials: bool = False
    retry_after: float | None = None
    permanent: bool = False
    held: bool = False


def deliver(
    *, message_pk: int, at: dt.datetime, clock: Callable[[], dt.datetime], rng: Callable[[], float] = random.random
) -> OutboundMessage:
    """
    Try to deliver one message now and record how that ended.

    :param clock: gives the time after the call, for the outcome.
    :raises MessageNotDue: when there is nothing to do.
    """
    reserved = reserve(at=at, message_pk=message_pk)
    if not reserved:
        raise MessageNotDue(f"Message {message_pk} is not due, waits for another, or a worker holds it.")
    _deliver(reserved[0], at=at, clock=clock, rng=rng)
    return message_queries.message(message_pk=message_pk)


def deliver_due(
    *,
    at: dt.datetime,
    clock: Callable[[], dt.datetime],
    zone: str | None = "",
    limit: int = BATCH_SIZE,
    rng: Callable[[], float] = random.random,
) -> int:
    """
    Take a batch of due messages and deliver them one after the other; give how many were tried or settled.

    When more are due than fit, another worker is woken for them.
    """
    reserved = reserve(at=at, limit=limit, zone=zone)
    done = 0
    for place, reservation in enumerate(reserved):
        now = clock()
        if (now - at).total_seconds() > BATCH_SECONDS:
            for rest in reserved[place:]:
                put_back(rest)
            break
        try:
            _deliver(reservation, at=now, clock=clock, rng=rng)
        except MessageNotDue as reason:
            logger.debug("message_not_due", message=reservation.message_pk, reason=str(reason))
            continue
        done += 1
    if len(reserved) == limit:
        wake_batch(zone=zone or "")
    return done


def _deliver(
    reservation: Reservation, *, at: dt.datetime, clock: Callable[[], dt.datetime], rng: Callable[[], float]
) -> None:
    try:
        tried = begin(reservation, at=at)
    except HeldBack as held:
        message_holds.hold_reserved(reservation, held, at=at)
        return
    except MessageEnded as reason:
        logger.info("message_ended", message=reservation.message_pk, reason=str(reason))
        return
    answer: Answer | None = None
    failure: TransportError | Refusal | None
    try:
        payload = bytes(OutboundMessage.objects.values_list("payload", flat=True).get(pk=tried.message.pk))
        answer = tried.target.client.request(
            tried.target.method,
            tried.target.path,
            body=payload,
            headers=tried.target.headers,
            idempotency_key=tried.message.message_id,
            timeout=tried.target.timeout,
        )
        failure = refusal(answer, kind=tried.message.message_type, at=clock())
    except UnableToDecrypt:
        failure = Refusal(FaultType.TECHNICAL, "The stored payload cannot be decrypted.", permanent=True)
    except TransportError as error:
        failure = error
    if failure is None and answer is not None:
        _succeed(tried, answer, at=clock())
    elif failure is not None:
        _fail(tried, answer, failure, at=clock(), rng=rng)


def refusal(answer: Answer, *, kind: OutboundMessageType, at: dt.datetime) -> Refusal | None:
    """Give what an answer refuses, None when it is a success: 2xx, or the type's way to say "I have it already"."""
    if answer.status in kind.duplicate_statuses:
        return None
    fault = FaultType.REMOTE if answer.status in kind.retry_statuses else retry.classify_status(answer.status)
    if fault is None:
        return None
    excerpt = _excerpt(answer)[:300]
    return Refusal(
        fault,
        f"HTTP {answer.status}: {excerpt}" if excerpt else f"HTTP {answer.status}",
        credentials=retry.is_credential_status(answer.status) and answer.status not in kind.retry_statuses,
        retry_after=retry.parse_retry_after(answer.headers.get("Retry-After"), at=at),
    )


def _succeed(tried: Try, answer: Answer, *, at: dt.datetime) -> None:
    kind = tried.message.message_type
    note = ""
    if answer.status in kind.duplicate_statuses:
        note = f"HTTP {answer.status}: the target has the message already."
    facts = {"answer": answer.body, "sent_at": at, "last_error": note, "fault_type": "", "recoveries": 0}
    with transaction.atomic():
        if kind.answer_kind == AnswerKind.ACKNOWLEDGED_LATER and not note:
            owned = bool(
                OutboundMessage.objects.filter(pk=tried.message.pk, lease_token=tried.token).update(
                    status=MessageStatus.SENT, next_attempt_at=None, lease_token=None, lease_until=None, **facts
                )
            )
            if owned:
                wake_next_of_key(tried.message)
        else:
            owned = settle(tried.message, token=tried.token, status=MessageStatus.SUCCESS, at=at, **facts)
        _close(tried, AttemptOutcome.SENT, owned=owned, answer=answer, error=note, at=at)
        message_holds.release(connection=tried.target.connection, at=at)


def _fail(
    tried: Try, answer: Answer | None, failure: TransportError | Refusal, *, at: dt.datetime, rng: Callable[[], float]
) -> None:
    reason = storable(failure.reason if isinstance(failure, Refusal) else str(failure))
    logger.warning("message_not_delivered", message=tried.message.pk, fault=str(failure.fault), reason=reason)
    if failure.held:
        message_holds.undo(tried, reason=reason, until=_after(at, failure.retry_after or _BUSY_SECONDS), at=at)
        return
    message, kind = tried.message, tried.message.message_type
    used = message.num_retries + (1 if tried.attempt.retry else 0)
    decision = retry.decide(
        fault=failure,
        num_retries=used,
        max_retries=message_queries.max_retries(kind),
        base=float(queries.parameter("RETRY_BASE_SECONDS")),
        cap=float(queries.parameter("RETRY_CAP_SECONDS")),
        random=rng,
    )
    facts = {"last_error": reason, "fault_type": MessageFault(failure.fault), "recoveries": 0}
    if answer is not None:
        facts["answer"] = answer.body
    with transaction.atomic():
        if decision.verdict is retry.Verdict.HOLD:
            reset = float(queries.parameter("BREAKER_RESET_SECONDS"))
            until = _after(at, max(reset, failure.retry_after or 0.0))
            owned = message_holds.put_back_held(tried, reason=reason, until=until, at=at)
            outcome = AttemptOutcome.HELD
        elif decision.verdict is retry.Verdict.GIVE_UP:
            owned = settle(message, token=tried.token, status=MessageStatus.FAIL, at=at, **facts)
            remote = failure.fault is FaultType.REMOTE
            outcome = AttemptOutcome.FAILED if remote and not failure.permanent else AttemptOutcome.REFUSED
        else:
            due_at = _after(at, delay_before_retry(kind, number=used + 1, decision=decision, failure=failure))
            owned = bool(
                OutboundMessage.objects.filter(pk=message.pk, lease_token=tried.token).update(
                    status=MessageStatus.FAIL, next_attempt_at=due_at, lease_token=None, lease_until=None, **facts
                )
            )
            outcome = AttemptOutcome.FAILED
            if owned and message.external_system.processing_method == ProcessingMethod.REAL_TIME:
                wake(message, due_at=due_at, at=at)
        _close(tried, outcome, owned=owned, answer=answer, error=reason, at=at)


def delay_before_retry(
    kind: OutboundMessageType,
    *,
    number: int,
    decision: retry.RetryDecision,
    failure: TransportError | Refusal,
) -> float:
    """Give the seconds before a retry: the type's own delays, the last one repeated, or the backoff decided on."""
    if not kind.retry_delays:
        return decision.delay_seconds
    own = float(kind.retry_delays[min(number, len(kind.retry_delays)) - 1])
    return max(own, min(failure.retry_after or 0.0, retry.RETRY_AFTER_CAP_SECONDS))


def _close(
    tried: Try, outcome: AttemptOutcome, *, owned: bool, answer: Answer | None, error: str, at: dt.datetime
) -> None:
    if not owned:
        # The lease had passed: the message belongs to another worker, who will send it again under the same id.
        logger.warning("message_outcome_too_late", message=tried.message.pk, outcome=str(outcome))
        error = f"This came too late to count: the lease had passed. {error}".strip()
    elapsed = max((at - tried.attempt.started_at).total_seconds(), 0.0)
    DeliveryAttempt.objects.filter(pk=tried.attempt.pk).update(
        outcome=outcome if owned else AttemptOutcome.LOST,
        status=answer.status if answer is not None else None,
        answer_excerpt=storable(_excerpt(answer)) if answer is not None else "",
        error=storable(error),
        finished_at=at,
        duration_seconds=Decimal(f"{answer.elapsed_seconds if answer is not None else elapsed:.3f}"),
    )


def _excerpt(answer: Answer) -> str:
    if not answer.body.strip():
        return ""
    media_type = answer.headers.get("Content-Type", "")
    return masking.shown(answer.body, media_type=media_type, limit=_EXCERPT, indent=None)


def _after(at: dt.datetime, seconds: float) -> dt.datetime:
    return at + dt.timedelta(seconds=seconds)
