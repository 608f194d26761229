"""
Initial measurement data: a narrow row that changes state, and insert-only evidence beside it.

The row is narrow because PostgreSQL rewrites the whole tuple at each transition (`performance.md` B.3).
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from foundation.state_machine import StateMachine
from vee import choices
from vee.choices import ImdState
from vee.models.fields import ExactDecimalField, NumberArrayField


class InitialMeasurement(StateMachine, models.Model):
    """
    One message of readings of one measuring component for one period `(start, end]`, UTC.

    The transitions below are the one table of what may follow what (`house.md` D8); `vee.operations` is the only
    caller, and its bulk path asks the same table.
    """

    # No index of its own: the composite indexes below begin with it.
    measuring_component = models.ForeignKey(
        "vee.MeasuringComponent", on_delete=models.PROTECT, null=True, blank=True, related_name="imds", db_index=False
    )
    component_identifier = models.CharField(
        max_length=60, help_text=_("The measuring component as the sender named it; kept when it is unknown.")
    )
    start = models.DateTimeField()
    end = models.DateTimeField()
    seconds_per_interval = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("Empty for a scalar reading.")
    )
    kind = models.CharField(max_length=12, choices=choices.ImdKind.choices, default=choices.ImdKind.INITIAL_LOAD)
    state = FSMField(default=ImdState.PENDING, choices=ImdState.choices, protected=True)
    external_id = models.CharField(max_length=120, blank=True)
    # Written by the load that holds the file's row: a check of the key at each row would cost a tenth of storing it.
    reading_file = models.ForeignKey(
        "vee.ReadingFile", on_delete=models.PROTECT, null=True, blank=True, related_name="imd_rows", db_constraint=False
    )
    user_edited = models.BooleanField(default=False)
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("How often VEE was run."))
    retries = models.PositiveSmallIntegerField(default=0, help_text=_("How often it was run again by itself."))
    error = models.CharField(max_length=300, blank=True, help_text=_("Why it is in ERROR."))
    created_at = models.DateTimeField()
    state_changed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("initial measurement")
        verbose_name_plural = _("initial measurements")
        constraints = [
            models.UniqueConstraint(
                fields=["external_id"], condition=~Q(external_id=""), name="imd_unique_external_id"
            ),
        ]
        indexes = [
            models.Index(
                fields=["measuring_component", "start"],
                condition=Q(state__in=["PENDING", "VEE_READY"]),
                name="imd_due",
            ),
            models.Index(
                fields=["state", "state_changed_at"],
                condition=~Q(state__in=["COMPLETE", "DISCARDED"]),
                name="imd_open",
            ),
            models.Index(fields=["measuring_component", "end"], name="imd_component_end"),
            # What lists are narrowed to and hardly any IMD is: an IMD that passes is in none of them.
            models.Index(fields=["-id"], condition=Q(user_edited=True), name="imd_edited"),
            models.Index(fields=["-id"], condition=Q(state="DISCARDED"), name="imd_discarded"),
            models.Index(fields=["kind", "-id"], condition=~Q(kind="INITIAL_LOAD"), name="imd_other_kind"),
        ]
        permissions = [
            ("perform_vee", _("Can perform VEE")),
            ("discard_imd", _("Can discard an IMD")),
            ("force_complete_imd", _("Can force-complete an IMD")),
            ("edit_imd", _("Can edit values of an IMD")),
        ]

    def __str__(self) -> str:
        return f"{self.component_identifier} {self.start:%Y-%m-%d %H:%M}"

    # Mutators. They set the state and nothing else; the operation locks, saves and leaves the transition row.

    @transition(field=state, source=ImdState.PENDING, target=ImdState.ERROR)
    def fail_preparation(self) -> None:
        """The data cannot be prepared for VEE."""

    @transition(field=state, source=ImdState.PENDING, target=ImdState.VEE_READY)
    def make_ready(self) -> None:
        """Checked and ready for VEE."""

    @transition(field=state, source=ImdState.ERROR, target=ImdState.PENDING)
    def retry(self) -> None:
        """Prepare again after a correction."""

    @transition(field=state, source=ImdState.VEE_READY, target=ImdState.VEE)
    def pass_vee(self) -> None:
        """No blocking exception was found."""

    @transition(field=state, source=ImdState.VEE_READY, target=ImdState.EXCEPTION)
    def raise_exception(self) -> None:
        """At least one Issue, or a Terminate, was found."""

    @transition(field=state, source=ImdState.EXCEPTION, target=ImdState.VEE_READY, permission="vee.perform_vee")
    def perform_vee(self) -> None:
        """Run VEE again from the received values plus edits."""

    @transition(field=state, source=[ImdState.VEE, ImdState.FORCE_COMPLETE], target=ImdState.COMPLETE)
    def complete(self) -> None:
        """Normalised into final measurements."""

    @transition(field=state, source=ImdState.VEE, target=ImdState.ERROR)
    def fail_normalization(self) -> None:
        """Normalisation failed and was rolled back."""

    @transition(
        field=state, source=ImdState.EXCEPTION, target=ImdState.FORCE_COMPLETE, permission="vee.force_complete_imd"
    )
    def force_complete(self) -> None:
        """Accept the current values without VEE."""

    @transition(
        field=state,
        source=[ImdState.EXCEPTION, ImdState.ERROR, ImdState.PENDING],
        target=ImdState.DISCARDED,
        permission="vee.discard_imd",
    )
    def discard(self) -> None:
        """Put aside for good; the row stays."""


class ImdPayload(models.Model):
    """
    What was received, never changed: the pre-VEE values.

    Values count 10^-scale of the unit; an interval without a value is NULL (`NO_VALUE` in memory). A scalar reading
    has `reading` and no arrays.
    """

    # Written with its IMD and by one function: a check of the key at each row would cost as much as the row.
    imd = models.OneToOneField(
        InitialMeasurement, on_delete=models.CASCADE, primary_key=True, related_name="payload", db_constraint=False
    )
    uom = models.CharField(max_length=20, blank=True)
    multiplier = models.DecimalField(max_digits=15, decimal_places=6, null=True, blank=True)
    scale = models.PositiveSmallIntegerField(default=6)
    values = NumberArrayField(dtype="int64", null=True)
    conditions = NumberArrayField(dtype="int32", null=True, help_text="NULL when all are Regular.")
    reading = ExactDecimalField(max_digits=24, decimal_places=9, null=True, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the record as it came by the API.")
    source_line = models.PositiveBigIntegerField(null=True, blank=True)

    class Meta:
        verbose_name = _("received values")

    def __str__(self) -> str:
        return f"payload of {self.imd_id}"


class ImdPostVee(models.Model):
    """
    The values after VEE and edits, where they differ from what was received; no row means "as received".

    `rules` holds per interval the id of the `VeeRule` that set it: 0 as received, -1 edited by a person.
    """

    imd = models.OneToOneField(InitialMeasurement, on_delete=models.CASCADE, primary_key=True, related_name="post_vee")
    scale = models.PositiveSmallIntegerField(default=6)
    values = NumberArrayField(dtype="int64")
    conditions = NumberArrayField(dtype="int32")
    rules = NumberArrayField(dtype="int32")
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = _("values after VEE")

    def __str__(self) -> str:
        return f"post-VEE of {self.imd_id}"


class RunLog(models.Model):
    """What a run did to the IMDs that went the same way through it: kept once for all of them."""

    details = models.JSONField(help_text="Rules run, skipped and not evaluated, with reasons.")

    class Meta:
        verbose_name = _("run log")

    def __str__(self) -> str:
        return f"run log {self.pk}"


class ImdTransition(models.Model):
    """Every change of state: from, to, when, who, why, and what the run did."""

    # Written with a move of its IMD and by one function, as the payload is.
    imd = models.ForeignKey(
        InitialMeasurement,
        on_delete=models.CASCADE,
        related_name="transitions",
        db_index=False,
        db_constraint=False,
    )
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, choices=ImdState.choices)
    at = models.DateTimeField()
    by = models.CharField(max_length=150, default="system")
    reason = models.CharField(max_length=500, blank=True)
    log = models.ForeignKey(
        RunLog, on_delete=models.PROTECT, null=True, blank=True, db_index=False, db_constraint=False, related_name="+"
    )

    class Meta:
        verbose_name = _("transition")
        indexes = [models.Index(fields=["imd", "id"], name="imd_transition_order")]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"

    @property
    def from_label(self) -> Any:
        """The state before, as people read it; a dash at the beginning."""
        return ImdState(self.from_state).label if self.from_state else "–"

    @property
    def details(self) -> Any:
        """What the run did, or None when this step has nothing to tell."""
        return None if self.log is None else self.log.details


class ImdEdit(models.Model):
    """
    One value that a person changed: old, new, who, when, why; values count 10^-scale of the unit.

    A re-run of VEE starts from the received values plus these.
    """

    imd = models.ForeignKey(InitialMeasurement, on_delete=models.CASCADE, related_name="edits", db_index=False)
    interval = models.PositiveIntegerField(help_text="Zero-based index of the interval.")
    scale = models.PositiveSmallIntegerField(default=6)
    old_value = models.BigIntegerField(null=True)
    old_condition = models.IntegerField()
    new_value = models.BigIntegerField(null=True)
    new_condition = models.IntegerField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT)
    reason = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("edit")
        indexes = [models.Index(fields=["imd", "id"], name="imd_edit_order")]

    def __str__(self) -> str:
        return f"interval {self.interval}"
