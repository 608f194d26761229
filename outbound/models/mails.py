"""Mails: an outbox of their own, so that a mail server that is away changes no flow (`reliability.md` L4)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from outbound.choices import AttemptOutcome, MailStatus


class Mail(models.Model):
    """One mail, as it is sent; stored before the first try."""

    to = models.JSONField(help_text=_("The recipients' addresses."))
    sender = models.CharField(max_length=320)
    subject = models.CharField(max_length=500)
    text = models.TextField()
    html = models.TextField(blank=True)
    template = models.CharField(max_length=100, blank=True)
    thread = models.CharField(
        max_length=200, blank=True, help_text=_("Mails of one thread answer each other: one incident, one thread.")
    )
    message_id = models.CharField(max_length=255, unique=True, help_text=_("Stays the same over all tries."))
    references = models.CharField(max_length=255, blank=True, help_text=_("The first mail of the thread."))
    status = models.CharField(max_length=10, choices=MailStatus.choices, default=MailStatus.PENDING)
    num_retries = models.PositiveIntegerField(default=0)
    recoveries = models.PositiveIntegerField(default=0, help_text=_("How often a worker disappeared with it."))
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ("view",)
        permissions = [("resend_mail", "Can resend mail")]
        indexes = [
            models.Index(fields=["next_attempt_at"], name="outbound_mail_due", condition=Q(status=MailStatus.PENDING)),
            models.Index(fields=["thread", "id"], name="outbound_mail_thread"),
            models.Index(fields=["status", "-id"], name="outbound_mail_status"),
        ]

    def __str__(self) -> str:
        return self.subject


class MailAttempt(models.Model):
    """One try to send a mail; the row stands before the server is called."""

    mail = models.ForeignKey(Mail, on_delete=models.CASCADE, related_name="attempts")
    number = models.PositiveIntegerField()
    server = models.CharField(max_length=300, blank=True)
    outcome = models.CharField(max_length=10, choices=AttemptOutcome.choices, default=AttemptOutcome.STARTED)
    error = models.TextField(blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["mail", "number"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["mail", "number"], name="outbound_mail_attempt_number")]

    def __str__(self) -> str:
        return f"{self.mail_id} #{self.number}"


class MailAttachment(models.Model):
    """A file that goes with a mail; kept as long as the mail."""

    mail = models.ForeignKey(Mail, on_delete=models.CASCADE, related_name="attachments")
    name = models.CharField(max_length=200, help_text=_("File name, as the recipient sees it."))
    media_type = models.CharField(max_length=100)
    content = models.BinaryField()

    class Meta:
        ordering = ["mail", "id"]
        verbose_name = _("mail attachment")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name
