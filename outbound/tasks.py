"""What workers do for outbound: they are woken with ids, the tables say what is due."""

from __future__ import annotations

from typing import Any

import structlog
from celery import shared_task
from django.utils import timezone

from outbound.operations import mail_delivery


logger = structlog.get_logger(__name__)


@shared_task(name="outbound.tasks.send_mail")
def send_mail(*, mail_id: int, **kwargs: Any) -> None:
    """Send one queued mail; a mail that is not due any more is left alone."""
    try:
        mail_delivery.deliver(mail_id=mail_id, at=timezone.now(), clock=timezone.now)
    except mail_delivery.MailNotDue as reason:
        logger.debug("mail_not_due", mail=mail_id, reason=str(reason))


@shared_task(name="outbound.tasks.sweep")
def sweep(**kwargs: Any) -> int:
    """Wake workers for every mail that is due, and take mails back from workers that disappeared."""
    return len(mail_delivery.sweep(at=timezone.now()))
