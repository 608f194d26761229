"""Runs of flows and their evidence: what was asked, what was done about it, and what was answered."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django_fsm import GET_STATE, FSMField, transition

from foundation.fields import EncryptedBinaryField
from foundation.state_machine import StateMachine
from integration import choices
from integration.choices import RunState


class FlowRun(StateMachine, models.Model):
    """
    One run of a flow, stored before it is acknowledged (`house.md` D1).

    The transitions below are the one table of what may follow what; `integration.flows.runner` and
    `integration.operations.runs` are the only callers. Times are UTC. `lease_until` is moved forward by the process
    that works on the run: once it has passed, nobody works on it any more and the sweep ends it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    flow = models.ForeignKey("integration.Flow", on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=12, choices=choices.RunKind.choices, default=choices.RunKind.MESSAGE)
    parent = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="children",
        help_text=_("The run that this one repeats."),
    )
    state = FSMField(default=RunState.RECEIVED, choices=RunState.choices, protected=True)
    ack_type = models.CharField(max_length=7, choices=choices.AckType.choices, blank=True)
    fault_type = models.CharField(max_length=9, choices=choices.FaultType.choices, blank=True)
    fault_code = models.CharField(max_length=60, blank=True)
    fault_reason = models.CharField(max_length=1000, blank=True)
    correlation_id = models.CharField(max_length=100)
    idempotency_key = models.CharField(max_length=255, blank=True)
    body_digest = models.CharField(max_length=64, help_text=_("SHA-256 of the request in canonical form."))
    attempts = models.PositiveSmallIntegerField(default=0)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    identifiers_shown = models.CharField(
        max_length=400, blank=True, help_text=_("Up to three business identifiers, as lists show them.")
    )
    lookup_versions = models.JSONField(default=dict, blank=True, help_text=_("Version used of each lookup."))
    overlay_versions = models.JSONField(
        default=dict, blank=True, help_text=_("Version used of each mapping overlay; none without one.")
    )
    progress_done = models.PositiveIntegerField(default=0)
    progress_total = models.PositiveIntegerField(null=True, blank=True)
    counts = models.JSONField(default=dict, blank=True, help_text=_("How many records got which response code."))
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("flow run")
        verbose_name_plural = _("flow runs")
        indexes = [
            models.Index(fields=["-started_at", "id"], name="flow_run_newest"),
            models.Index(fields=["flow", "state", "-started_at"], name="flow_run_by_flow_state"),
            models.Index(fields=["state", "-started_at"], name="flow_run_by_state"),
            models.Index(fields=["fault_type", "-started_at"], condition=~Q(fault_type=""), name="flow_run_by_fault"),
            # What hardly any run is: one that succeeds at once is in neither.
            models.Index(
                fields=["ack_type", "-started_at", "state"],
                condition=Q(ack_type__in=["ERROR", "FAILURE"]),
                name="flow_run_by_bad_answer",
            ),
            models.Index(
                fields=["kind", "-started_at", "state"], condition=~Q(kind="MESSAGE"), name="flow_run_repeated"
            ),
            models.Index(fields=["correlation_id"], name="flow_run_correlation"),
            models.Index(fields=["flow", "body_digest"], name="flow_run_same_body"),
            models.Index(
                fields=["lease_until"], condition=Q(state__in=["RECEIVED", "IN_PROGRESS"]), name="flow_run_unfinished"
            ),
            models.Index(fields=["finished_at", "flow"], condition=Q(state="FAILED"), name="flow_run_failed"),
        ]
        permissions = [
            ("resubmit_flowrun", _("Can resubmit flow runs")),
            ("replay_flowrun", _("Can replay flow runs")),
            ("discard_flowrun", _("Can discard and restore flow runs")),
            ("abort_flowrun", _("Can abort flow runs")),
            ("view_payload_unmasked", _("Can see payloads unmasked")),
            ("view_own_flowrun", _("Can see the flow runs of messages that the account itself sent")),
        ]

    def __str__(self) -> str:
        return self.identifiers_shown or str(self.id)

    # Mutators. They set the state and nothing else; the caller saves and leaves the transition row.

    @transition(field=state, source=RunState.RECEIVED, target=RunState.IN_PROGRESS)
    def start(self) -> None:
        """A process took the run."""

    @transition(field=state, source=RunState.IN_PROGRESS, target=RunState.SUCCEEDED)
    def succeed(self) -> None:
        """The flow did what it should; single records may still have been refused."""

    @transition(field=state, source=[RunState.RECEIVED, RunState.IN_PROGRESS], target=RunState.FAILED)
    def fail(self) -> None:
        """A technical or remote fault."""

    @transition(
        field=state,
        source=[RunState.RECEIVED, RunState.IN_PROGRESS],
        target=RunState.ABORTED,
        permission="integration.abort_flowrun",
    )
    def abort(self) -> None:
        """A person ended it; what was sent stays sent."""

    @transition(field=state, source=RunState.FAILED, target=RunState.RECEIVED)
    def requeue(self) -> None:
        """Resubmitted: the same message goes to work again."""

    @transition(
        field=state,
        source=[RunState.SUCCEEDED, RunState.FAILED, RunState.ABORTED, RunState.DISCARDED],
        target=RunState.RECEIVED,
    )
    def resume(self) -> None:
        """The caller sent the message again after a negative acknowledgement: a new attempt of the same run."""

    @transition(
        field=state,
        source=[RunState.FAILED, RunState.ABORTED],
        target=RunState.DISCARDED,
        permission="integration.discard_flowrun",
    )
    def discard(self) -> None:
        """Put aside; reversible until the run is purged."""

    @transition(
        field=state,
        source=RunState.DISCARDED,
        target=GET_STATE(lambda self, state: state, states=[RunState.FAILED, RunState.ABORTED]),
        permission="integration.discard_flowrun",
    )
    def restore(self, state: str) -> None:
        """Back to the state that it was discarded from."""

    # Properties

    @property
    def duration_seconds(self) -> float | None:
        """Seconds from start to finish; None while it runs."""
        return None if self.finished_at is None else (self.finished_at - self.started_at).total_seconds()


class RunTransition(models.Model):
    """Every change of a run's state: from, to, when, who, why."""

    run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="transitions")
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, choices=RunState.choices)
    at = models.DateTimeField()
    by = models.CharField(max_length=150, default="system")
    reason = models.CharField(max_length=1000, blank=True)

    class Meta:
        verbose_name = _("transition")
        indexes = [models.Index(fields=["run", "id"], name="run_transition_order")]

    def __str__(self) -> str:
        return f"{self.from_state} → {self.to_state}"


class RunIdentifier(models.Model):
    """A business identifier that people search a run by, such as its messageIds."""

    run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="identifiers")
    name = models.CharField(max_length=40)
    value = models.CharField(max_length=120)

    class Meta:
        verbose_name = _("business identifier")
        indexes = [models.Index(fields=["value", "run"], name="run_identifier_search")]
        constraints = [
            models.UniqueConstraint(fields=["run", "name", "value"], name="run_identifier_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.value}"


class RunStep(models.Model):
    """One step of a run in the guide's order; written when it starts, completed when it ends."""

    run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=100)
    sequence = models.PositiveIntegerField()
    attempt = models.PositiveSmallIntegerField(default=1)
    started_at = models.DateTimeField()
    duration_seconds = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    outcome = models.CharField(
        max_length=11, choices=choices.StepOutcome.choices, default=choices.StepOutcome.IN_PROGRESS
    )
    counts = models.JSONField(default=dict, blank=True)
    detail = models.JSONField(
        default=list, blank=True, help_text=_("Lines that explain the outcome, record by record.")
    )
    fault_type = models.CharField(max_length=9, choices=choices.FaultType.choices, blank=True)
    message = models.CharField(max_length=1000, blank=True)

    class Meta:
        verbose_name = _("step")
        constraints = [
            models.UniqueConstraint(fields=["run", "sequence"], name="run_step_order"),
        ]

    def __str__(self) -> str:
        return self.name


class Payload(models.Model):
    """
    What went over the wire, encrypted, kept until `retained_until`.

    It is shown masked by the field rules of `outbound.masking`; `label` says which record of a collection
    an exchange with the target belongs to.
    """

    run = models.ForeignKey(FlowRun, on_delete=models.CASCADE, related_name="payloads")
    step = models.ForeignKey(RunStep, on_delete=models.CASCADE, null=True, blank=True, related_name="payloads")
    direction = models.CharField(max_length=12, choices=choices.PayloadDirection.choices)
    label = models.CharField(max_length=150, blank=True)
    media_type = models.CharField(max_length=100, default="application/json")
    size = models.PositiveBigIntegerField()
    content = EncryptedBinaryField()
    created_at = models.DateTimeField()
    retained_until = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("payload")
        indexes = [models.Index(fields=["run", "direction", "id"], name="payload_of_run")]

    def __str__(self) -> str:
        return f"{self.direction} {self.size} bytes"
