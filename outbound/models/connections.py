"""Connections: how a target is reached (configuration), and how it has been doing (evidence)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from foundation.fields import EncryptedTextField
from outbound.choices import BreakerState, CertificateKind, Transport


SECRETS = ("password", "private_key")


class Connection(models.Model):
    """
    A named target: DACS, DERMS, a file drop, the mail server (`api.md` 1).

    The two secrets are encrypted, write-only in the admin, and in no history, export, log or answer.
    """

    name = models.CharField(
        max_length=60,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Za-z][A-Za-z0-9_.-]*\Z", _("A letter first, then letters, digits, hyphen, dot or underscore.")
            )
        ],
        help_text=_("The name that flows and configuration documents use, e.g. DACS."),
    )
    description = models.CharField(max_length=200, blank=True)
    transport = models.CharField(max_length=20, choices=Transport.choices, default=Transport.REST)
    enabled = models.BooleanField(default=True, help_text=_("Off: every use is refused, nothing is sent."))
    base_url = models.CharField(
        max_length=500,
        blank=True,
        help_text=_("Where the target's paths begin, e.g. https://dacs.example.org/rest. No redirect is followed."),
    )
    host = models.CharField(max_length=255, blank=True)
    port = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(65_535)],
        help_text=_("Empty: the usual port of the transport."),
    )
    username = models.CharField(max_length=255, blank=True)
    password = EncryptedTextField(blank=True)
    private_key = EncryptedTextField(blank=True)
    key_id = models.CharField(
        max_length=500, blank=True, help_text=_("Object storage: tenancy/user/fingerprint of the signing key.")
    )
    namespace = models.CharField(max_length=100, blank=True)
    known_host_key = models.TextField(
        blank=True, help_text=_("SFTP: the server's public key, e.g. ssh-ed25519 AAAA…; another key is refused.")
    )
    directory = models.CharField(max_length=500, blank=True)
    connect_timeout = models.DecimalField(
        max_digits=6,
        decimal_places=2,
        default=Decimal(3),
        validators=[MinValueValidator(Decimal("0.1")), MaxValueValidator(Decimal(60))],
        help_text=_("Seconds to find, reach and greet the target."),
    )
    read_timeout = models.DecimalField(
        max_digits=6,
        decimal_places=2,
        default=Decimal(60),
        validators=[MinValueValidator(Decimal("0.1")), MaxValueValidator(Decimal(300))],
        help_text=_("Seconds for a whole call, its answer read to the end. At most 300."),
    )
    ca_bundle = models.TextField(
        blank=True,
        verbose_name=_("CA bundle"),
        help_text=_("PEM certificates of the authorities to trust; empty: the public ones. There is no 'verify off'."),
    )
    trust_certificate = models.ForeignKey(
        "outbound.Certificate",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="trusted_by",
        limit_choices_to={"kind": CertificateKind.TRUST},
        help_text=_("Authorities to trust, besides those of the CA bundle; empty and no bundle: the public ones."),
    )
    identity_certificate = models.ForeignKey(
        "outbound.Certificate",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="shown_by",
        limit_choices_to={"kind": CertificateKind.IDENTITY},
        help_text=_("What is shown to a target that asks who is calling (two-way TLS)."),
    )
    zone = models.CharField(
        max_length=40,
        blank=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9_-]*\Z", _("Small letters, digits, hyphen, underscore."))],
        help_text=_("Empty: any worker. Otherwise only workers of this zone call the target, see the how-to page."),
    )
    held = models.BooleanField(
        default=False,
        editable=False,
        help_text=_("Paused by an operator: what is queued for it waits and uses no retry."),
    )
    rate_limit_per_second = models.DecimalField(
        max_digits=8,
        decimal_places=3,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.001"))],
        help_text=_("Calls a second, per worker process; empty: no limit."),
    )
    max_concurrency = models.PositiveSmallIntegerField(
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
        help_text=_("Calls at once, per worker process."),
    )
    target_release = models.CharField(
        max_length=10, blank=True, help_text=_("The release that the target speaks, e.g. 23A or 24C.")
    )
    options = models.JSONField(default=dict, blank=True, help_text=_("Switches of this kind of target, see the docs."))
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    history = HistoricalRecords(excluded_fields=[*SECRETS, "held", "created_at", "updated_at"])

    class Meta:
        ordering = ["name"]
        permissions = [("test_connection", "Can test connection")]
        constraints = [
            models.CheckConstraint(
                name="outbound_connection_timeouts",
                condition=Q(connect_timeout__gt=0, read_timeout__gt=0, read_timeout__lte=300),
                violation_error_message=_("Timeouts are above 0, the read timeout is at most 300 seconds."),
            ),
            models.CheckConstraint(
                name="outbound_connection_concurrency",
                condition=Q(max_concurrency__gte=1),
                violation_error_message=_("At least one call at a time."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def wire_settings(self) -> tuple[Any, ...]:
        """Give what a client is made of; another value means another client. Holds the secrets: keep it in memory."""
        return (
            self.transport,
            self.base_url,
            self.username,
            self.password,
            self.connect_timeout,
            self.read_timeout,
            self.ca_bundle,
            self.rate_limit_per_second,
            self.max_concurrency,
            self.trust_certificate.fingerprint if self.trust_certificate else "",
            self.identity_certificate.fingerprint if self.identity_certificate else "",
        )


class ConnectionHealth(models.Model):
    """
    How a connection has been doing: its circuit breaker and its last test. Evidence, written by the product only.

    Apart from Connection, so that calls never touch the configuration row.
    """

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, primary_key=True, related_name="health")
    state = models.CharField(max_length=10, choices=BreakerState.choices, default=BreakerState.CLOSED)
    consecutive_failures = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True, blank=True)
    credentials_refused = models.BooleanField(default=False)
    probe_token = models.UUIDField(null=True, blank=True, editable=False)
    probe_until = models.DateTimeField(null=True, blank=True, editable=False)
    last_success_at = models.DateTimeField(
        null=True, blank=True, help_text=_("The last answer of the target, to within 30 seconds.")
    )
    last_failure_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    last_tested_at = models.DateTimeField(null=True, blank=True)
    last_tested_by = models.CharField(max_length=150, blank=True)
    last_test_result = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = _("connection health")
        verbose_name_plural = _("connection health")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.connection_id} {self.state}"
