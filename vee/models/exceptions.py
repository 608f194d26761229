"""What rules found."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from vee import choices


class VeeException(models.Model):
    """One finding of one rule on one IMD, with the numbers that prove it (`vee.md` 3.6)."""

    imd = models.ForeignKey(
        "vee.InitialMeasurement", on_delete=models.CASCADE, related_name="exceptions", db_index=False
    )
    measuring_component = models.ForeignKey(
        "vee.MeasuringComponent", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    severity = models.CharField(max_length=10, choices=choices.Severity.choices)
    exception_type = models.CharField(max_length=40)
    rule = models.CharField(max_length=60)
    rule_id_used = models.BigIntegerField(null=True, help_text=_("The VeeRule row that was in force."))
    group = models.CharField(max_length=40, blank=True)
    group_path = models.CharField(max_length=300, blank=True)
    message = models.CharField(max_length=500)
    observed = models.CharField(max_length=60, blank=True)
    limit = models.CharField(max_length=60, blank=True)
    first_interval = models.PositiveIntegerField(null=True)
    last_interval = models.PositiveIntegerField(null=True)
    count = models.PositiveIntegerField(default=1)
    open = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("VEE exception")
        indexes = [
            models.Index(fields=["imd", "id"], name="vee_exception_imd"),
            models.Index(fields=["exception_type", "created_at"], condition=Q(open=True), name="vee_exception_open"),
            models.Index(fields=["created_at"], name="vee_exception_created"),
            models.Index(fields=["-id"], condition=Q(severity="TERMINATE"), name="vee_exception_terminating"),
        ]

    def __str__(self) -> str:
        return f"{self.exception_type}: {self.message}"
