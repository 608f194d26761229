"""The outbound message queue: where messages go (configuration), the messages, and every try (evidence)."""

from __future__ import annotations

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from foundation.fields import EncryptedBinaryField, EncryptedTextField
from outbound.choices import (
    AnswerKind,
    AttemptOutcome,
    ContextType,
    MessageAction,
    MessageFault,
    MessageMethod,
    MessageStatus,
    ProcessingMethod,
)


_NAME = RegexValidator(
    r"^[A-Za-z][A-Za-z0-9_.-]*\Z", _("A letter first, then letters, digits, hyphen, dot or underscore.")
)


class MessageSender(models.Model):
    """How messages are sent: a connection, and context values that add to it or take its place."""

    name = models.CharField(max_length=60, unique=True, validators=[_NAME])
    description = models.CharField(max_length=200, blank=True)
    connection = models.ForeignKey(
        "outbound.Connection",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="senders",
        help_text=_("Empty: the connection of the external system."),
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        verbose_name = _("message sender")

    def __str__(self) -> str:
        return self.name


class SenderContext(models.Model):
    """
    One context value of a message sender (`integration.md` 8.2), encrypted: a header or a login may be a secret.

    HTTP_URL1 … HTTP_URL9 are concatenated in order; `{name}` in them stands for a value of the message.
    """

    sender = models.ForeignKey(MessageSender, on_delete=models.CASCADE, related_name="context")
    context_type = models.CharField(max_length=20, choices=ContextType.choices)
    value = EncryptedTextField(help_text=_("A header is written as Name: value."))

    class Meta:
        ordering = ["sender", "context_type", "id"]
        verbose_name = _("context value")
        constraints = [
            models.UniqueConstraint(
                fields=["sender", "context_type"],
                condition=~Q(context_type="HTTP_HEADER"),
                name="outbound_sender_context_once",
                violation_error_message=_("Each context type stands once; only headers may repeat."),
            )
        ]

    def __str__(self) -> str:
        return str(self.get_context_type_display())


class ExternalSystem(models.Model):
    """A system that messages go to, and when they leave."""

    name = models.CharField(max_length=60, unique=True, validators=[_NAME])
    description = models.CharField(max_length=200, blank=True)
    processing_method = models.CharField(
        max_length=10, choices=ProcessingMethod.choices, default=ProcessingMethod.REAL_TIME
    )
    connection = models.ForeignKey(
        "outbound.Connection",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="external_systems",
        help_text=_("Empty: the connection of the same name, looked up when a message is sent."),
    )
    sender = models.ForeignKey(
        MessageSender, on_delete=models.PROTECT, null=True, blank=True, related_name="external_systems"
    )
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]
        verbose_name = _("external system")

    def __str__(self) -> str:
        return self.name


class OutboundMessageType(models.Model):
    """A kind of message: its usual method and path, how it is retried, and what an answer to it means."""

    code = models.CharField(max_length=60, unique=True, validators=[_NAME])
    description = models.CharField(max_length=200, blank=True)
    method = models.CharField(max_length=10, choices=MessageMethod.choices, default=MessageMethod.POST)
    path = models.CharField(
        max_length=500, blank=True, help_text=_("Below the base address; {name} stands for a value of the message.")
    )
    sender = models.ForeignKey(
        MessageSender,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="message_types",
        help_text=_("Empty: the sender of the external system."),
    )
    ordered = models.BooleanField(
        default=False, help_text=_("A message waits until the earlier ones of its key and system have come to an end.")
    )
    max_retries = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(100)],
        help_text=_("Retries after the first try; empty: the parameter MAX_RETRIES."),
    )
    retry_delays = models.JSONField(
        default=list,
        blank=True,
        help_text=_("Seconds before each retry, the last one repeats; empty: backoff by the parameters, with jitter."),
    )
    duplicate_statuses = models.JSONField(
        default=list, blank=True, help_text=_("HTTP statuses by which the target says that it has the message already.")
    )
    retry_statuses = models.JSONField(
        default=list, blank=True, help_text=_("HTTP statuses below 500 that are worth a retry for this type.")
    )
    answer_kind = models.CharField(max_length=20, choices=AnswerKind.choices, default=AnswerKind.FINAL)
    history = HistoricalRecords()

    class Meta:
        ordering = ["code"]
        verbose_name = _("outbound message type")

    def __str__(self) -> str:
        return self.code


class OutboundMessage(models.Model):
    """
    One message out, stored before the first try; `message_id` stays the same over all tries (`house.md` D4).

    A FAIL with `next_attempt_at` waits for its retry; without, it is a dead letter and stays listed. `num_retries`
    goes up when a retry leaves, in the transaction that writes its attempt.
    """

    message_id = models.CharField(max_length=200, unique=True, help_text=_("Also the Idempotency-Key of every try."))
    message_type = models.ForeignKey(OutboundMessageType, on_delete=models.PROTECT, related_name="messages")
    external_system = models.ForeignKey(ExternalSystem, on_delete=models.PROTECT, related_name="messages")
    key = models.CharField(
        max_length=200, blank=True, help_text=_("What messages of an ordered type stay in order by, e.g. an event.")
    )
    method = models.CharField(max_length=10, blank=True, help_text=_("Empty: that of the sender or type."))
    path = models.CharField(max_length=1000, blank=True, help_text=_("Empty: that of the sender or type."))
    media_type = models.CharField(max_length=100, default="application/json")
    headers = EncryptedTextField(blank=True, help_text=_("Further headers as a JSON object."))
    context = models.JSONField(
        default=dict, blank=True, help_text=_("Values for {name} in paths, and what the sending flow keeps with it.")
    )
    payload = EncryptedBinaryField()
    payload_size = models.PositiveBigIntegerField()
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of what was asked for, in canonical form."))
    status = models.CharField(max_length=11, choices=MessageStatus.choices, default=MessageStatus.PENDING)
    num_retries = models.PositiveIntegerField(default=0)
    recoveries = models.PositiveIntegerField(default=0, help_text=_("How often a worker disappeared with it."))
    fault_type = models.CharField(max_length=9, choices=MessageFault.choices, blank=True)
    asked_for = models.BooleanField(default=False, help_text=_("A person asked for the next try: it is no retry."))
    last_error = models.TextField(blank=True)
    answer = EncryptedBinaryField(null=True, blank=True, help_text=_("Body of the last answer."))
    hold_reason = models.CharField(
        max_length=1000, blank=True, help_text=_("Why it is held back without using a retry.")
    )
    held_by = models.CharField(max_length=60, blank=True, help_text=_("The connection that holds it back."))
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    # The database has the default as well: processes of the release before go on adding rows while they are replaced.
    correlation_id = models.CharField(
        max_length=100, blank=True, default="", db_default="", help_text=_("The id of the work that queued it.")
    )
    traceparent = models.CharField(
        max_length=55, blank=True, default="", db_default="", help_text=_("The trace of the work that queued it.")
    )
    told = models.BooleanField(default=False, help_text=_("Whether the end was told to those who listen for it."))

    class Meta:
        ordering = ["-id"]
        verbose_name = _("outbound message")
        default_permissions = ("view", "add")
        permissions = [
            ("resend_outboundmessage", _("Can resend outbound messages")),
            ("cancel_outboundmessage", _("Can cancel outbound messages")),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at", "id"],
                name="outbound_message_due",
                condition=Q(status__in=["PENDING", "FAIL"], next_attempt_at__isnull=False),
            ),
            models.Index(fields=["lease_until"], name="outbound_message_lease", condition=Q(lease_until__isnull=False)),
            models.Index(
                fields=["external_system", "key", "id"],
                # Equal keys are found as well as those that begin with a text.
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops"],
                name="outbound_message_key_start",
                condition=~Q(key=""),
            ),
            models.Index(
                fields=["settled_at"], name="outbound_message_untold", condition=Q(settled_at__isnull=False, told=False)
            ),
            models.Index(fields=["status", "-id"], name="outbound_message_status"),
            models.Index(fields=["held_by"], name="outbound_message_held", condition=~Q(held_by="")),
            models.Index(
                fields=["correlation_id"], name="outbound_message_correlation", condition=~Q(correlation_id="")
            ),
            models.Index(
                fields=["-id"],
                name="outbound_message_dead",
                condition=Q(status="FAIL", next_attempt_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.message_id


class DeliveryAttempt(models.Model):
    """One try to deliver a message; the row stands before the target is called."""

    # Found by the unique key of message and number.
    message = models.ForeignKey(OutboundMessage, on_delete=models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveIntegerField()
    retry = models.BooleanField(default=False, help_text=_("Whether it used one of the retries."))
    target = models.CharField(max_length=1200, blank=True, help_text=_("Connection, method and path."))
    outcome = models.CharField(max_length=10, choices=AttemptOutcome.choices, default=AttemptOutcome.STARTED)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("HTTP status of the answer."))
    answer_excerpt = models.TextField(blank=True, help_text=_("The beginning of the answer, masked."))
    error = models.TextField(blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    duration_seconds = models.DecimalField(
        max_digits=9, decimal_places=3, null=True, blank=True, validators=[MinValueValidator(Decimal(0))]
    )

    class Meta:
        ordering = ["message", "number"]
        verbose_name = _("delivery attempt")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["message", "number"], name="outbound_delivery_attempt_number")]

    def __str__(self) -> str:
        return f"{self.message_id} #{self.number}"


class MessageIntervention(models.Model):
    """What a person did with a message: who, when, why (`reliability.md` Q6)."""

    message = models.ForeignKey(OutboundMessage, on_delete=models.CASCADE, related_name="interventions")
    action = models.CharField(max_length=10, choices=MessageAction.choices)
    status_before = models.CharField(max_length=11, choices=MessageStatus.choices)
    retries_before = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()
    by = models.CharField(max_length=150, default="system")
    reason = models.CharField(max_length=1000)

    class Meta:
        ordering = ["message", "id"]
        verbose_name = _("intervention")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.at:%Y-%m-%d %H:%M:%S}"
