"""Usage: who is billed on a service point's measurements, and what was sent to whom."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from vee import choices
from vee.models.meters import ServicePoint


class UsageSubscription(models.Model):
    """A recipient's claim to the usage of a service point."""

    identifier = models.CharField(max_length=60, unique=True)
    service_point = models.ForeignKey(ServicePoint, on_delete=models.PROTECT, related_name="usage_subscriptions")
    recipient = models.CharField(max_length=60)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("usage subscription")

    def __str__(self) -> str:
        return self.identifier


class UsageTransaction(models.Model):
    """Usage of one subscription for a half-open period, as calculated and sent."""

    identifier = models.CharField(max_length=60, unique=True)
    usage_subscription = models.ForeignKey(UsageSubscription, on_delete=models.PROTECT, related_name="transactions")
    start = models.DateTimeField()
    end = models.DateTimeField()
    status = models.CharField(
        max_length=30,
        choices=choices.UsageTransactionStatus.choices,
        default=choices.UsageTransactionStatus.PENDING,
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("usage transaction")
        constraints = [models.CheckConstraint(name="usage_transaction_period", condition=Q(end__gt=F("start")))]

    def __str__(self) -> str:
        return self.identifier
