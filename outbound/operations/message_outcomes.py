"""
What the outcome of a call makes of its message (`house.md` D3, D4, `reliability.md` Q5–Q9).

A remote fault makes it FAIL with the time of its retry, until MAX_RETRIES retries are used. A refusal of the message
makes it FAIL for good. What says nothing about the message (an open breaker, refused credentials, no free place)
puts it back as it was, held, without using a retry. Successes of a batch are written together.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import structlog
from django.db import transaction

from foundation.bulk_writes import update_each, update_those
from foundation.crypto import UnableToDecrypt
from outbound import masking, message_queries, queries, retry
from outbound.choices import AnswerKind, AttemptOutcome, MessageFault, MessageStatus, ProcessingMethod
from outbound.models import DeliveryAttempt, OutboundMessage, OutboundMessageType
from outbound.operations import message_holds
from outbound.operations.message_calls import Called
from outbound.operations.message_claims import Try, call_off
from outbound.operations.message_ends import settle, settle_many, wake_next_of_key
from outbound.operations.message_rows import MessageInHand
from outbound.operations.messages import wake
from outbound.retry import FaultType
from outbound.texts import storable
from outbound.transports.base import Answer, AnswerUnreadable, TransportError


logger = structlog.get_logger(__name__)

_BUSY_SECONDS = 5.0
_EXCERPT = 1_000
_WENT_WELL: Mapping[str, Any] = {"fault_type": "", "recoveries": 0}


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success, as the retry policy sees it."""

    fault: FaultType
    reason: str
    credentials: bool = False
    retry_after: float | None = None
    permanent: bool = False
    held: bool = False


def write(calls: Sequence[Called], *, rng: Callable[[], float]) -> int:
    """Write what became of the calls of a batch; give how many were made."""
    call_off(called.tried for called in calls if not called.made)
    delivered: list[Called] = []
    for called in calls:
        if called.answer is not None:
            failure: TransportError | Refusal | None = refusal(
                called.answer, kind=called.tried.message.message_type, at=called.at
            )
        elif isinstance(called.error, UnableToDecrypt):
            failure = Refusal(FaultType.TECHNICAL, "The stored payload cannot be decrypted.", permanent=True)
        else:
            failure = called.error
        if failure is not None:
            _fail(called.tried, called.answer, failure, at=called.at, rng=rng)
        elif called.answer is not None:
            delivered.append(called)
    if delivered:
        _succeed(delivered)
    return sum(called.made for called in calls)


def refusal(answer: Answer, *, kind: OutboundMessageType, at: dt.datetime) -> Refusal | AnswerUnreadable | None:
    """Give what an answer refuses, None when it is a success: 2xx, or the type's way to say "I have it already"."""
    if answer.status in kind.duplicate_statuses:
        return None
    fault = FaultType.REMOTE if answer.status in kind.retry_statuses else retry.classify_status(answer.status)
    if fault is None:
        return _unreadable(answer)
    excerpt = _excerpt(answer)[:300]
    return Refusal(
        fault,
        f"HTTP {answer.status}: {excerpt}" if excerpt else f"HTTP {answer.status}",
        credentials=retry.is_credential_status(answer.status) and answer.status not in kind.retry_statuses,
        retry_after=retry.parse_retry_after(answer.headers.get("Retry-After"), at=at),
    )


def _unreadable(answer: Answer) -> AnswerUnreadable | None:
    """
    Give what is wrong with a 2xx that is a web page, or says that it is JSON and is not (`reliability.md` P1).

    Something before the target has answered, or only half of the answer came: nobody knows whether the target has it.
    """
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not answer.body.strip() or not (media_type.endswith("json") or media_type == "text/html"):
        return None
    try:
        answer.json()
    except AnswerUnreadable as error:
        return error
    return None


def _succeed(delivered: Sequence[Called]) -> None:
    """Write calls that were taken: the messages that are still held with their token, and the attempts of all."""
    (token,) = {called.tried.token for called in delivered}
    at = max(called.at for called in delivered)
    later: list[tuple[MessageInHand, dict[str, Any]]] = []
    ended: list[tuple[MessageInHand, dict[str, Any]]] = []
    notes: list[tuple[Called, Answer, str]] = []
    for called in delivered:
        message, answer = called.tried.message, called.answer
        assert answer is not None  # noqa: S101  (only answers are taken)
        kind = message.message_type
        known = answer.status in kind.duplicate_statuses
        note = f"HTTP {answer.status}: the target has the message already." if known else ""
        waits = kind.answer_kind == AnswerKind.ACKNOWLEDGED_LATER and not known
        facts = {"answer": answer.body, "sent_at": called.at, "last_error": note}
        (later if waits else ended).append((message, facts))
        notes.append((called, answer, note))
    with transaction.atomic():
        owned = _await_acknowledgement(later, token=token)
        for message, _ in later:
            if message.pk in owned:
                wake_next_of_key(message)
        owned |= settle_many(ended, token=token, status=MessageStatus.SUCCESS, shared=_WENT_WELL)
        update_each(
            DeliveryAttempt,
            {
                called.tried.attempt.pk: _closing(
                    called.tried,
                    AttemptOutcome.SENT,
                    owned=called.tried.message.pk in owned,
                    answer=answer,
                    error=note,
                    at=called.at,
                )
                for called, answer, note in notes
            },
        )
        for connection in dict.fromkeys(called.tried.target.connection for called in delivered):
            message_holds.release(connection=connection, at=at)


def _await_acknowledgement(rows: Sequence[tuple[MessageInHand, dict[str, Any]]], *, token: uuid.UUID) -> set[int]:
    """Note that messages were taken and are acknowledged later; give the keys of those that are still held."""
    return update_those(
        OutboundMessage,
        {message.pk: facts for message, facts in rows},
        only={"lease_token": token},
        shared={
            **_WENT_WELL,
            "status": MessageStatus.SENT,
            "next_attempt_at": None,
            "lease_token": None,
            "lease_until": None,
        },
    )


def _fail(
    tried: Try, answer: Answer | None, failure: TransportError | Refusal, *, at: dt.datetime, rng: Callable[[], float]
) -> None:
    reason = storable(failure.reason if isinstance(failure, Refusal) else str(failure))
    logger.warning(
        "message_not_delivered",
        message=tried.message.pk,
        fault=str(failure.fault),
        reason=reason,
        correlation_id=tried.message.correlation_id,
    )
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
    closing = _closing(tried, outcome, owned=owned, answer=answer, error=error, at=at)
    DeliveryAttempt.objects.filter(pk=tried.attempt.pk).update(**closing)


def _closing(
    tried: Try, outcome: AttemptOutcome, *, owned: bool, answer: Answer | None, error: str, at: dt.datetime
) -> dict[str, Any]:
    if not owned:
        # The lease had passed: the message belongs to another worker, who will send it again under the same id.
        logger.warning("message_outcome_too_late", message=tried.message.pk, outcome=str(outcome))
        error = f"This came too late to count: the lease had passed. {error}".strip()
    elapsed = max((at - tried.attempt.started_at).total_seconds(), 0.0)
    return {
        "outcome": outcome if owned else AttemptOutcome.LOST,
        "status": answer.status if answer is not None else None,
        "answer_excerpt": storable(_excerpt(answer)) if answer is not None else "",
        "error": storable(error),
        "finished_at": at,
        "duration_seconds": Decimal(f"{answer.elapsed_seconds if answer is not None else elapsed:.3f}"),
    }


def _excerpt(answer: Answer) -> str:
    if not answer.body.strip():
        return ""
    media_type = answer.headers.get("Content-Type", "")
    return masking.shown(answer.body, media_type=media_type, limit=_EXCERPT, indent=None)


def _after(at: dt.datetime, seconds: float) -> dt.datetime:
    return at + dt.timedelta(seconds=seconds)
