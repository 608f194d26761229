"""Rows that every app's interface needs: requests answered once, who may keep the schedule, how people like pages."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class IdempotentRequest(models.Model):
    """
    The answer that was given to a request that carried an `Idempotency-Key`.

    The same key with the same body gets the same answer again; with another body it is refused with
    409 `idempotency_key_reused` (`api.md`). `status` is 0 while the first request is still running.
    """

    scope = models.CharField(max_length=200, help_text="Account and address, so that keys of two callers never meet.")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the request body.")
    status = models.PositiveSmallIntegerField(default=0)
    body = models.BinaryField(default=b"")
    content_type = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="idempotent_request_unique_key"),
        ]

    def __str__(self) -> str:
        return f"{self.scope} {self.key}"


class BeatLease(models.Model):
    """
    Who keeps the schedule right now: of several schedulers only the one that holds the lease fires.

    The holder renews it every few seconds; when it dies, the lease expires and another takes over. `renewed_at`
    is the heartbeat that `/health/ready` looks at.
    """

    name = models.CharField(max_length=50, unique=True)
    owner = models.CharField(max_length=200, blank=True, help_text="Host, process and a random part; empty when free.")
    renewed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.name} held by {self.owner or 'nobody'}"


class AuditEntry(models.Model):
    """
    One change of configuration, accounts or rights, or one lockout: inserted with what it tells of, never changed.

    `foundation.audit` seals it after the commit: its place in the chain and the SHA-256 over the digest before it and
    over its own content. Names are texts, so that an entry stays as it is when an account goes. Triggers of the
    database refuse to change a sealed entry, and on PostgreSQL to delete one.
    """

    at = models.DateTimeField(db_index=True)
    by = models.CharField(max_length=150, help_text="Name of the account; “system” for what no person did.")
    component = models.CharField(max_length=100, help_text="Model, as app.name.")
    record = models.CharField(max_length=100, blank=True, help_text="Key of the record.")
    name = models.CharField(max_length=300, blank=True, help_text="What the record was called then.")
    action = models.CharField(max_length=20, help_text="CREATE, CHANGE, DELETE, LOGIN, LOCKOUT, …")
    reason = models.CharField(max_length=1000, blank=True)
    changes = models.JSONField(default=dict, help_text="Field to [old, new], as texts.")
    position = models.PositiveBigIntegerField(null=True, unique=True, help_text="Place in the chain, from 1.")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 that the next entry is chained to.")

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit trail"
        indexes = [
            models.Index(fields=["id"], condition=models.Q(position=None), name="audit_entry_unsealed"),
        ]

    def __str__(self) -> str:
        return f"{self.action} {self.component} {self.name}"


class AuditHead(models.Model):
    """The end of the audit chain: one row, locked by whoever adds to the chain; shows that its end was cut off."""

    position = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"{self.position}:{self.digest}"


class Preference(models.Model):
    """How a person likes the admin: its language, and the time zone that times are shown and typed in."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preference", help_text="Whose choice it is."
    )
    language = models.CharField(
        max_length=10, blank=True, help_text="A code such as “de”; empty: what the browser asks for."
    )
    time_zone = models.CharField(
        max_length=60, blank=True, help_text="IANA name, e.g. Europe/Berlin; empty: that of the site."
    )

    def __str__(self) -> str:
        return f"{self.user}: {self.language or '–'}, {self.time_zone or '–'}"
