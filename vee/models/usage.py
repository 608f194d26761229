"""Usage: who is billed on a service point's measurements, what was calculated, sent, and corrected since."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from foundation.state_machine import StateMachine
from vee import choices
from vee.choices import UsageTransactionStatus as Status
from vee.models.fields import ExactDecimalField
from vee.models.meters import ServicePoint


_NOT_SENT = [Status.PENDING, Status.CALCULATION_DEFERRED, Status.CALCULATED, Status.ISSUE_DETECTED]


class UsageSubscription(models.Model):
    """A recipient's claim to the usage of a service point."""

    identifier = models.CharField(max_length=60, unique=True)
    service_point = models.ForeignKey(ServicePoint, on_delete=models.PROTECT, related_name="usage_subscriptions")
    recipient = models.CharField(
        max_length=60, help_text=_("Name of the external system that the usage is sent to, e.g. CIS.")
    )
    defer_until_complete = models.BooleanField(
        default=False,
        help_text=_("Usage with missing data waits for it. Otherwise missing data is an issue for a person."),
    )
    send_automatically = models.BooleanField(
        default=False, help_text=_("Usage is sent as soon as it is calculated without an issue.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("usage subscription")

    def __str__(self) -> str:
        return self.identifier


class UsageTransaction(StateMachine, models.Model):
    """
    Usage of one subscription for a half-open period: of the measurements labelled `start < end label ≤ end`, UTC.

    The transitions below are the one table of what may follow what (`vee.md` 8); `vee.operations` is the only caller.
    SENT means handed over to the outbound queue, which cannot be taken back; `delivered_at` says that it arrived.
    """

    identifier = models.CharField(max_length=60, unique=True)
    # No index of its own: the index of periods begins with it.
    usage_subscription = models.ForeignKey(
        UsageSubscription, on_delete=models.PROTECT, related_name="transactions", db_index=False
    )
    start = models.DateTimeField()
    end = models.DateTimeField()
    status = FSMField(default=Status.PENDING, choices=Status.choices, max_length=30, protected=True)
    calculate_after = models.DateTimeField(
        null=True, blank=True, help_text=_("When it is calculated by itself. Empty: when it is asked for.")
    )
    version = models.PositiveIntegerField(default=0, help_text=_("The calculation that counts; 0: none yet."))
    calculated_at = models.DateTimeField(null=True, blank=True)
    stale_since = models.DateTimeField(
        null=True, blank=True, help_text=_("Measurements changed since the calculation: it is repeated.")
    )
    issues = models.JSONField(default=list, blank=True, help_text=_("What stands against sending it: code, message."))
    send_requested_at = models.DateTimeField(null=True, blank=True)
    send_requested_by = models.CharField(max_length=150, blank=True)
    sendings = models.PositiveIntegerField(default=0, help_text=_("How often sending was asked for."))
    message_id = models.CharField(max_length=200, blank=True, db_index=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("usage transaction")
        constraints = [
            models.CheckConstraint(
                name="usage_transaction_period",
                condition=Q(end__gt=F("start")),
                violation_error_message=_("The end does not lie after the start."),
            )
        ]
        indexes = [
            models.Index(fields=["usage_subscription", "end"], name="usage_period"),
            models.Index(fields=["stale_since"], condition=Q(stale_since__isnull=False), name="usage_stale"),
            models.Index(
                fields=["calculate_after"], condition=Q(calculate_after__isnull=False), name="usage_calculate_after"
            ),
            models.Index(
                fields=["send_requested_at"], condition=Q(send_requested_at__isnull=False), name="usage_to_send"
            ),
        ]
        permissions = [
            ("calculate_usage", _("Can calculate usage")),
            ("send_usage", _("Can send usage")),
            ("discard_usage", _("Can discard usage")),
        ]

    def __str__(self) -> str:
        return self.identifier

    # Mutators. They set the status and nothing else; the operation locks, saves and leaves the transition row.

    @transition(field=status, source=_NOT_SENT, target=Status.CALCULATION_DEFERRED)
    def defer(self) -> None:
        """It waits: for its time, or for missing data."""

    @transition(field=status, source=_NOT_SENT, target=Status.CALCULATED, permission="vee.calculate_usage")
    def calculate(self) -> None:
        """Calculated, and nothing stands against sending it."""

    @transition(field=status, source=[*_NOT_SENT, Status.SENT], target=Status.ISSUE_DETECTED)
    def detect_issue(self) -> None:
        """A person is needed: data is missing or negative, or it could not be delivered."""

    @transition(
        field=status,
        source=[Status.PENDING, Status.CALCULATED, Status.ISSUE_DETECTED],
        target=Status.SENT,
        permission="vee.send_usage",
    )
    def send(self) -> None:
        """Handed over to the queue, taken over as sent elsewhere, or delivered after all."""

    @transition(field=status, source=Status.SENT, target=Status.SUBSEQUENT_CORRECTION)
    def correct(self) -> None:
        """Measurements changed after it was sent."""

    @transition(field=status, source=_NOT_SENT, target=Status.DISCARDED, permission="vee.discard_usage")
    def discard(self) -> None:
        """Put aside for good; the row and its figures stay."""


class UsageTransactionTotal(models.Model):
    """
    The total of one measuring component in one version of a calculation: insert-only.

    `total` is the exact sum of the measurements that are there, in the component's unit; empty when there is none.
    The counts are of intervals, or of reads for a register.
    """

    transaction = models.ForeignKey(UsageTransaction, on_delete=models.CASCADE, related_name="totals")
    version = models.PositiveIntegerField()
    measuring_component = models.ForeignKey("vee.MeasuringComponent", on_delete=models.PROTECT, related_name="+")
    component_kind = models.CharField(max_length=20, choices=choices.ComponentKind.choices)
    uom = models.CharField(_("unit of measure"), max_length=20)
    total = ExactDecimalField(max_digits=30, decimal_places=9, null=True)
    expected = models.PositiveIntegerField(help_text=_("How many measurements the period has when it is complete."))
    missing = models.PositiveIntegerField()
    estimated = models.PositiveIntegerField()
    user_edited = models.PositiveIntegerField()
    negative = models.PositiveIntegerField(help_text=_("Values below 0 of a component that allows none."))
    conditions = models.JSONField(default=dict, help_text=_("How many measurements have which condition code."))

    class Meta:
        verbose_name = _("usage total")
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(fields=["transaction", "version", "measuring_component"], name="usage_total_once")
        ]

    def __str__(self) -> str:
        return f"{self.measuring_component_id} v{self.version}"


class UsageTransactionTransition(models.Model):
    """Every change of status of a usage transaction: from, to, when, who, why."""

    transaction = models.ForeignKey(UsageTransaction, on_delete=models.CASCADE, related_name="transitions")
    from_status = models.CharField(max_length=30, blank=True, choices=Status.choices)
    to_status = models.CharField(max_length=30, choices=Status.choices)
    at = models.DateTimeField()
    by = models.CharField(max_length=150, default="system")
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        verbose_name = _("usage transition")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.from_status} → {self.to_status}"


class UsageCorrection(models.Model):
    """
    The Subsequent Correction of a usage transaction: what changed after it was sent, and that its recipient was told.

    `old_version` has the figures that were sent (0: they were not calculated here), `new_version` those at the time of
    the change. There is one at most per usage transaction.
    """

    transaction = models.OneToOneField(UsageTransaction, on_delete=models.CASCADE, related_name="correction")
    at = models.DateTimeField()
    imd_ids = models.JSONField(default=list, help_text=_("The initial measurements that changed it."))
    first_changed = models.DateTimeField(help_text=_("End label of the first measurement that changed."))
    last_changed = models.DateTimeField(help_text=_("End label of the last measurement that changed."))
    old_version = models.PositiveIntegerField()
    new_version = models.PositiveIntegerField()
    message_id = models.CharField(max_length=200, blank=True, db_index=True)
    queued_at = models.DateTimeField(null=True, blank=True)
    tried_at = models.DateTimeField(null=True, blank=True)
    problem = models.CharField(max_length=500, blank=True, help_text=_("Why the recipient could not be told so far."))
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("usage correction")
        default_permissions = ("view",)
        indexes = [models.Index(fields=["tried_at"], condition=Q(queued_at__isnull=True), name="usage_correction_due")]

    def __str__(self) -> str:
        return f"correction of {self.transaction_id}"
