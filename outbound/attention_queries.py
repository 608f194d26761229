"""What of all that leaves needs a person now, each as the rows that a list of the admin shows."""

from __future__ import annotations

import datetime as dt

from django.db.models import QuerySet

from outbound.choices import MailStatus
from outbound.message_queries import DEAD_LETTER, UNFINISHED
from outbound.models import Certificate, Mail, OutboundMessage


EXPIRES_WITHIN = dt.timedelta(days=30)


def waiting_messages() -> QuerySet[OutboundMessage]:
    """Give the messages that are not at their end."""
    return OutboundMessage.objects.filter(UNFINISHED)


def held_messages() -> QuerySet[OutboundMessage]:
    """Give the messages that something holds back."""
    return OutboundMessage.objects.filter(UNFINISHED).exclude(hold_reason="")


def dead_letters() -> QuerySet[OutboundMessage]:
    """Give the messages that failed for good; an index of them alone serves it."""
    return OutboundMessage.objects.filter(DEAD_LETTER)


def failed_mails() -> QuerySet[Mail]:
    """Give the mails that failed for good."""
    return Mail.objects.filter(status=MailStatus.FAIL)


def expiring_certificates(*, before: dt.datetime) -> QuerySet[Certificate]:
    """Give the certificates that are over, or will be before an instant."""
    return Certificate.objects.filter(not_after__lt=before)
