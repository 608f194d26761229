"""
Sending queued mails: claim, attempt row, call, outcome (`reliability.md` Q1, Q4, Q5, L4).

A worker claims a mail with a lease token by one conditional update and writes the attempt before it calls the server.
Only the holder of the token may write the outcome, so a worker that comes back late changes nothing.
"""

from __future__ import annotations

import datetime as dt
import random
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.db.models import F

from foundation import leases
from foundation.dispatch import after_commit
from foundation.leases import LEASE
from outbound import queries, retry
from outbound.choices import AttemptOutcome, MailStatus
from outbound.models import Mail, MailAttempt
from outbound.operations.mail_servers import open_server
from outbound.texts import storable
from outbound.transports.base import TransportError


logger = structlog.get_logger(__name__)

MAX_RECOVERIES = 3
_SWEEP_LIMIT = 500
_HELD_SECONDS = 5.0


class MailNotDue(Exception):
    """The mail is not waiting, not due yet, or another worker holds it: nothing was done."""


@dataclass(frozen=True, slots=True)
class _Claim:
    mail: Mail
    token: uuid.UUID


def deliver(
    *, mail_id: int, at: dt.datetime, clock: Callable[[], dt.datetime], rng: Callable[[], float] = random.random
) -> Mail:
    """
    Try to send one mail now and record how that ended.

    A mail that is held back (no mail server, breaker open) makes no attempt and uses no retry.

    :param clock: gives the time after the call, for the outcome.
    :raises MailNotDue: when there is nothing to do.
    """
    claim = _claim(mail_id, at)
    attempt: MailAttempt | None = None
    try:
        server = open_server(at=at)
        attempt = _begin(claim, server.name, at)
        with leases.kept(lambda: _renew(claim, clock())):
            note = server.send(claim.mail)
    except TransportError as error:
        logger.warning("mail_not_sent", mail=mail_id, error=str(error), permanent=error.permanent)
        _record_failure(claim, attempt, error, at=clock(), rng=rng)
    else:
        logger.info("mail_sent", mail=mail_id, attempt=attempt.number)
        _finish(claim, attempt, AttemptOutcome.SENT, note, at=clock(), status=MailStatus.SENT)
    return Mail.objects.get(pk=mail_id)


def sweep(*, at: dt.datetime) -> list[int]:
    """
    Take mails back from workers that disappeared and wake workers for all that is due; give the ids woken.

    A mail with which three workers disappeared is given up.
    """
    leases.end_impossible(Mail.objects.filter(status=MailStatus.PENDING), at=at)
    with transaction.atomic():
        lost = list(
            Mail.objects.filter(status=MailStatus.PENDING, lease_until__lte=at).values_list("id", "lease_token")
        )
        for mail_id, token in lost:
            _take_back(mail_id, token, at)
        due = queries.due_mails(at=at, limit=_SWEEP_LIMIT)
        for mail_id in due:
            after_commit("outbound.tasks.send_mail", mail_id=mail_id)
    return due


def _claim(mail_id: int, at: dt.datetime) -> _Claim:
    token = uuid.uuid4()
    with transaction.atomic():
        won = Mail.objects.filter(
            pk=mail_id, status=MailStatus.PENDING, lease_token__isnull=True, next_attempt_at__lte=at
        ).update(lease_token=token, lease_until=at + LEASE)
        if not won:
            raise MailNotDue(f"Mail {mail_id} is not due, or another worker holds it.")
    return _Claim(Mail.objects.get(pk=mail_id), token)


def _renew(claim: _Claim, at: dt.datetime) -> None:
    Mail.objects.filter(pk=claim.mail.pk, lease_token=claim.token).update(lease_until=at + LEASE)


def _begin(claim: _Claim, server: str, at: dt.datetime) -> MailAttempt:
    number = claim.mail.attempts.count() + 1
    return MailAttempt.objects.create(mail=claim.mail, number=number, server=server, started_at=at)


def _record_failure(
    claim: _Claim, attempt: MailAttempt | None, error: TransportError, *, at: dt.datetime, rng: Callable[[], float]
) -> None:
    mail = claim.mail
    base = float(queries.parameter("RETRY_BASE_SECONDS"))
    decision = retry.decide(
        fault=error,
        num_retries=mail.num_retries,
        max_retries=int(queries.parameter("MAX_RETRIES")),
        base=base,
        cap=float(queries.parameter("RETRY_CAP_SECONDS")),
        random=rng,
    )
    if decision.verdict is retry.Verdict.GIVE_UP:
        _finish(
            claim,
            attempt,
            AttemptOutcome.REFUSED if error.permanent else AttemptOutcome.FAILED,
            str(error),
            at=at,
            status=MailStatus.FAIL,
        )
        return
    counted = decision.verdict is retry.Verdict.RETRY
    # A held mail is looked at again soon, but not in a tight loop.
    delay = decision.delay_seconds if counted else max(decision.delay_seconds, _HELD_SECONDS)
    _finish(
        claim,
        attempt,
        AttemptOutcome.FAILED if counted else AttemptOutcome.HELD,
        str(error),
        at=at,
        status=MailStatus.PENDING,
        next_attempt_at=at + dt.timedelta(seconds=delay),
        counted=counted,
    )


def _finish(
    claim: _Claim,
    attempt: MailAttempt | None,
    outcome: AttemptOutcome,
    error: str,
    *,
    at: dt.datetime,
    status: MailStatus,
    next_attempt_at: dt.datetime | None = None,
    counted: bool = False,
) -> None:
    with transaction.atomic():
        owned = Mail.objects.filter(pk=claim.mail.pk, lease_token=claim.token).update(
            status=status,
            num_retries=F("num_retries") + (1 if counted else 0),
            recoveries=0,
            next_attempt_at=next_attempt_at,
            last_error=storable(error),
            sent_at=at if status == MailStatus.SENT else None,
            lease_token=None,
            lease_until=None,
        )
        if owned and attempt is not None:
            MailAttempt.objects.filter(pk=attempt.pk).update(outcome=outcome, error=storable(error), finished_at=at)
        elif not owned:
            logger.warning("mail_outcome_too_late", mail=claim.mail.pk, outcome=outcome)


def _take_back(mail_id: int, token: uuid.UUID | None, at: dt.datetime) -> None:
    taken = Mail.objects.filter(pk=mail_id, lease_token=token, status=MailStatus.PENDING)
    if not taken.update(
        lease_token=None,
        lease_until=None,
        recoveries=F("recoveries") + 1,
        next_attempt_at=at,
        last_error="The worker that was sending this mail disappeared.",
    ):
        return
    MailAttempt.objects.filter(mail_id=mail_id, outcome=AttemptOutcome.STARTED).update(
        outcome=AttemptOutcome.LOST, error="The worker disappeared.", finished_at=at
    )
    logger.warning("mail_taken_back", mail=mail_id)
    Mail.objects.filter(pk=mail_id, recoveries__gte=MAX_RECOVERIES).update(
        status=MailStatus.FAIL,
        next_attempt_at=None,
        last_error=f"worker_crash: {MAX_RECOVERIES} workers disappeared while sending this mail.",
    )
