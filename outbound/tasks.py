"""What workers do for outbound: they are woken with ids, the tables say what is due."""

from __future__ import annotations

from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from foundation import correlation
from outbound.operations import mail_delivery, message_claims, message_delivery, sweeping


logger = structlog.get_logger(__name__)


@shared_task(name="outbound.tasks.send_mail")
def send_mail(*, mail_id: int, **kwargs: Any) -> None:
    """Send one queued mail; a mail that is not due any more is left alone."""
    try:
        mail_delivery.deliver(mail_id=mail_id, at=timezone.now(), clock=timezone.now)
    except mail_delivery.MailNotDue as reason:
        logger.debug("mail_not_due", mail=mail_id, reason=str(reason))


@shared_task(name="outbound.tasks.deliver_message")
def deliver_message(*, message_pk: int, zone: str = "", **kwargs: Any) -> None:
    """Deliver one queued message, and what else is due in its zone; one that is not due any more is left alone."""
    try:
        # A batch is of many requests: lines about it name those of its messages, not the one that woke the worker.
        with correlation.bound(""):
            message_delivery.drain(first=message_pk, clock=timezone.now, zone=zone)
    except message_claims.MessageNotDue as reason:
        logger.debug("message_not_due", message=message_pk, reason=str(reason))


@shared_task(name="outbound.tasks.deliver_due")
def deliver_due(*, zone: str = "", **kwargs: Any) -> int:
    """Deliver the messages that are due in a zone; give how many."""
    with correlation.bound(""):
        return message_delivery.drain(clock=timezone.now, zone=zone)


@shared_task(name="outbound.tasks.sweep")
def sweep(**kwargs: Any) -> int:
    """Wake workers for all that is due, and take mails and messages back from workers that disappeared."""
    return sweeping.sweep(at=timezone.now())
