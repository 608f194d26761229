"""
Erasing a person of whom only messages speak: a site without the DACS side keeps no contact that leads to them.

Whoever asks gives the words by which messages name the person: account, person, service point, device, e-mail,
telephone. What carries them as content goes, as in `erasure`; what keeps its row keeps a pseudonym in their place.
All of it in one transaction, or nothing; `docs/operations/erasure.md`.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence

from django.db import transaction
from django.db.models import Q

from assets.models import Contact
from foundation import audit
from integration import models
from integration.choices import UNFINISHED_STATES
from integration.operations.erasure import Erasure, UnableToErase
from integration.operations.mentions import Mentions
from outbound import message_queries
from outbound.choices import MailStatus
from outbound.models import DeliveryAttempt, Mail, OutboundMessage


SHORTEST_WORD = 4
"""A shorter word stands in too much that is of others."""

_PLAIN = {
    "runs": (models.FlowRun, ("identifiers_shown", "fault_reason", "idempotency_key")),
    "run_identifiers": (models.RunIdentifier, ("value",)),
    "run_steps": (models.RunStep, ("detail", "message")),
    "enrollment_records": (models.EnrollmentRecord, ("answer", "answer_id", "answer_value")),
    "enrollment_syncs": (models.EnrollmentSync, ("subscription_id", "outcome_text", "ack_error")),
    "device_status_checks": (models.DeviceStatusCheck, ("nic_id", "reply")),
    "reservations": (models.Reservation, ("nic_id", "message")),
    "segments": (models.Segment, ("errors", "fault_reason")),
    "incidents": (models.Incident, ("fault_reason", "closing_note")),
    "message_keys": (OutboundMessage, ("key", "path")),
    "delivery_attempts": (DeliveryAttempt, ("target", "answer_excerpt", "error")),
}
"""Rows that stay, and which of their columns may name somebody."""


class WordTooShort(ValueError):
    """A word that would erase what is of others."""


def erase(*, words: Sequence[str], by: str, reason: str, at: dt.datetime, really: bool) -> Erasure:
    """
    Erase what messages say of a person; without `really` all is done and taken back, so that the counts are real.

    :param words: what names this person and nobody else, such as an account number; compared as whole words.
    :param reason: what asked for it, such as a ticket; no word of the person belongs there.
    :raises WordTooShort: naming the words that are shorter than `SHORTEST_WORD`.
    :raises UnableToErase: while something is under way, or the DACS side keeps the person; nothing is changed.
    """
    given = sorted({word.strip() for word in words if word.strip()})
    short = [word for word in given if len(word) < SHORTEST_WORD]
    if short or not given:
        raise WordTooShort(f"Name at least one word, each of at least {SHORTEST_WORD} characters: {', '.join(short)}")
    mentions = Mentions(given)
    with transaction.atomic():
        payloads = mentions.rows(models.Payload.objects.all(), "content")
        messages = mentions.rows(
            OutboundMessage.objects.all(), "payload", "answer", "headers", "context", "last_error", "key", "path"
        )
        mails = mentions.rows(Mail.objects.all(), "subject", "text", "html", "to")
        hindrances = _hindrances(given, payloads, messages, mails)
        if hindrances:
            raise UnableToErase(hindrances)
        pseudonym = f"erased-{secrets.token_hex(8)}"
        counts = {
            "payloads": models.Payload.objects.filter(pk__in=payloads).delete()[0],
            "outbound_messages": OutboundMessage.objects.filter(pk__in=messages).update(
                payload=b'{"erased":true}', payload_size=15, answer=None, headers="", context={}, last_error=""
            ),
            "mails": len(mails),
        }
        Mail.objects.filter(pk__in=mails).delete()
        counts |= {kind: mentions.replace(model, *columns, by=pseudonym) for kind, (model, columns) in _PLAIN.items()}
        audit.note(
            component="integration.payload",
            record=pseudonym,
            name=pseudonym,
            action="ERASE",
            at=at,
            by=by,
            reason=reason,
            changes={kind: (number, 0) for kind, number in counts.items()},
        )
        if not really:
            transaction.set_rollback(True)
    return Erasure(pseudonym=pseudonym, counts=counts)


def _hindrances(
    words: Sequence[str], payloads: Sequence[int], messages: Sequence[int], mails: Sequence[int]
) -> list[str]:
    kept = Q()
    for word in words:
        kept |= Q(cis_person_id__iexact=word) | Q(email__iexact=word)
    sentences = {
        "contacts of the DACS side are this person: erase them by their person number.": Contact.objects.filter(
            kept
        ).count(),
        "outbound messages are not at their end: let them leave, or cancel them.": OutboundMessage.objects.filter(
            message_queries.UNFINISHED, pk__in=messages
        ).count(),
        "payloads are of runs that are at work: wait, or abort these.": models.Payload.objects.filter(
            pk__in=payloads, run__state__in=UNFINISHED_STATES
        ).count(),
        "mails are waiting to be sent: let them leave first.": Mail.objects.filter(pk__in=mails)
        .exclude(status__in=[MailStatus.SENT, MailStatus.FAIL])
        .count(),
    }
    return [f"{number} {sentence}" for sentence, number in sentences.items() if number]
