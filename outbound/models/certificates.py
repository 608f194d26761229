"""Certificates: whom connections trust, and who they say they are."""

from __future__ import annotations

from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from foundation.fields import EncryptedTextField
from outbound.choices import CertificateKind


class Certificate(models.Model):
    """
    A certificate chain: of an authority to trust, or of the product itself, with its key.

    The key is encrypted, write-only, and in no history, export, log or answer. What is said of subject, issuer and
    validity is read from the first certificate of the chain.
    """

    name = models.CharField(
        max_length=60,
        unique=True,
        validators=[
            RegexValidator(
                r"^[A-Za-z][A-Za-z0-9_.-]*\Z", _("A letter first, then letters, digits, hyphen, dot or underscore.")
            )
        ],
    )
    kind = models.CharField(max_length=10, choices=CertificateKind.choices)
    chain = models.TextField(help_text=_("PEM certificates."))
    private_key = EncryptedTextField(blank=True)
    subject = models.CharField(max_length=500)
    issuer = models.CharField(max_length=500)
    serial_number = models.CharField(max_length=60)
    fingerprint = models.CharField(max_length=64, help_text=_("SHA-256 of the first certificate, hexadecimal."))
    not_before = models.DateTimeField()
    not_after = models.DateTimeField(db_index=True)
    told_days = models.PositiveSmallIntegerField(
        null=True, blank=True, editable=False, help_text=_("The latest number of days before expiry that was told.")
    )
    uploaded_by = models.CharField(max_length=150, blank=True)
    uploaded_at = models.DateTimeField()
    history = HistoricalRecords(excluded_fields=["private_key", "told_days"])

    class Meta:
        ordering = ["name"]
        verbose_name = _("certificate")

    def __str__(self) -> str:
        return self.name
