"""Rows that every app's interface needs: requests answered once, and who may keep the schedule."""

from __future__ import annotations

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
