"""A stored mail as the message that goes out."""

from __future__ import annotations

from django.core.mail import EmailMultiAlternatives

from outbound.models import Mail


def build_message(mail: Mail) -> EmailMultiAlternatives:
    """Give the message: text and HTML alternatives, a stable Message-ID, its place in the thread, its attachments."""
    headers = {"Message-ID": mail.message_id, "Auto-Submitted": "auto-generated"}
    if mail.references:
        headers["In-Reply-To"] = headers["References"] = mail.references
    message = EmailMultiAlternatives(
        subject=mail.subject, body=mail.text, from_email=mail.sender, to=mail.to, headers=headers
    )
    if mail.html:
        message.attach_alternative(mail.html, "text/html")
    for attachment in mail.attachments.all():
        message.attach(attachment.name, bytes(attachment.content), attachment.media_type)
    return message
