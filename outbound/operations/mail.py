"""Queueing mails: rendered and stored at once, sent by a worker (`reliability.md` L4)."""

from __future__ import annotations

import datetime as dt
import email.utils
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.template import Context
from django.template.loader import get_template

from foundation.dispatch import after_commit
from outbound.choices import MailStatus
from outbound.models import Mail, MailAttachment
from outbound.texts import one_line, storable


logger = structlog.get_logger(__name__)

_MAX_SUBJECT = 300
_MAX_RECIPIENTS = 100
MAX_ATTACHED_BYTES = 10_000_000
_TEMPLATE_NAME = re.compile(r"[a-z0-9_]+")


class UnableToQueueMail(ValueError):
    """The mail cannot be queued: no recipient, or an address that is none."""


class UnableToResendMail(Exception):
    """A mail that a worker is sending right now cannot be sent again at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes with a mail."""

    name: str
    media_type: str
    content: bytes


def queue_mail(
    *,
    to: Sequence[str],
    sender: str,
    template: str,
    context: Mapping[str, Any],
    thread: str = "",
    attachments: Sequence[Attachment] = (),
    at: dt.datetime,
) -> Mail:
    """
    Render a mail, store it, and wake a worker once that is committed.

    Renders `templates/mail/<template>.subject.txt`, `.txt` (both without HTML escaping) and `.html`. The subject
    becomes one line whatever is in it. The second and later mails of a `thread` answer its first.

    :raises UnableToQueueMail: when there is no recipient, an address is none, or the attachments are too large.
    """
    if sum(len(each.content) for each in attachments) > MAX_ATTACHED_BYTES:
        raise UnableToQueueMail(f"The attachments are larger than {MAX_ATTACHED_BYTES // 1_000_000} MB together.")
    recipients = list(dict.fromkeys(_address(each) for each in to if each.strip()))
    if not recipients:
        raise UnableToQueueMail("The mail has no recipient.")
    if len(recipients) > _MAX_RECIPIENTS:
        raise UnableToQueueMail(f"The mail has {len(recipients)} recipients; at most {_MAX_RECIPIENTS} go together.")
    from_address = _address(sender)
    if not _TEMPLATE_NAME.fullmatch(template):
        raise UnableToQueueMail(f"{template!r} is not the name of a mail template.")
    subject = one_line(_render_text(f"mail/{template}.subject.txt", context))[:_MAX_SUBJECT]
    text = _render_text(f"mail/{template}.txt", context)
    html = get_template(f"mail/{template}.html").render({**context, "subject": subject})
    with transaction.atomic():
        first = Mail.objects.filter(thread=thread).order_by("id").first() if thread else None
        mail = Mail.objects.create(
            to=recipients,
            sender=from_address,
            subject=subject,
            text=storable(text.strip()) + "\n",
            html=storable(html),
            template=template,
            thread=thread,
            message_id=_message_id(from_address),
            references=first.message_id if first else "",
            created_at=at,
            next_attempt_at=at,
        )
        MailAttachment.objects.bulk_create(
            MailAttachment(mail=mail, name=one_line(each.name)[:200], media_type=each.media_type, content=each.content)
            for each in attachments
        )
        wake(mail.pk)
    return mail


def resend(*, mail_id: int, by: Any = None, at: dt.datetime) -> Mail:
    """
    Send a mail again, or sooner, with a full set of retries; its message id stays, its attempts go on counting.

    :raises UnableToResendMail: when a worker holds it right now.
    """
    with transaction.atomic():
        moved = Mail.objects.filter(pk=mail_id, lease_token__isnull=True).update(
            status=MailStatus.PENDING, num_retries=0, recoveries=0, next_attempt_at=at, sent_at=None
        )
        if not moved:
            raise UnableToResendMail("A worker is sending this mail right now.")
        logger.info("mail_resent", mail=mail_id, by=str(by or ""))
        wake(mail_id)
    return Mail.objects.get(pk=mail_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """How many mails go out again, and how many a worker held."""

    queued: int
    busy: int


def resend_many(*, mail_ids: Sequence[int], by: Any = None, at: dt.datetime) -> Resent:
    """Send several mails again; one that a worker holds right now is left alone."""
    queued = 0
    with transaction.atomic():
        for mail_id in mail_ids:
            try:
                resend(mail_id=mail_id, by=by, at=at)
            except UnableToResendMail:
                continue
            queued += 1
    return Resent(queued=queued, busy=len(mail_ids) - queued)


def release_held(*, at: dt.datetime) -> int:
    """Let every waiting mail be tried at once: the mail server has been set up or changed."""
    return Mail.objects.filter(status=MailStatus.PENDING, lease_token__isnull=True, next_attempt_at__gt=at).update(
        next_attempt_at=at
    )


def wake(mail_id: int) -> None:
    """Wake a worker for a mail once the open transaction is committed."""
    after_commit("outbound.tasks.send_mail", mail_id=mail_id)


def _render_text(name: str, context: Mapping[str, Any]) -> str:
    backend: Any = get_template(name)
    # Plain text: an apostrophe stays an apostrophe.
    return str(backend.template.render(Context(dict(context), autoescape=False)))


def _address(text: str) -> str:
    name, address = email.utils.parseaddr(text.strip())
    if not text.isprintable():
        raise UnableToQueueMail(f"{one_line(text)!r} holds a line break or control character.")
    try:
        validate_email(address)
    except ValidationError:
        raise UnableToQueueMail(f"{text!r} is not a mail address.") from None
    return email.utils.formataddr((one_line(name), address)) if name else address


def _message_id(sender: str) -> str:
    domain = email.utils.parseaddr(sender)[1].rpartition("@")[2] or "tieline.invalid"
    return f"<{uuid.uuid4()}@{domain}>"
