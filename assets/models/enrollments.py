"""Enrollments and the steps that a device takes on its way into a program."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition

from assets import choices
from assets.choices import CommunicationStatus as Talk
from assets.choices import DeviceSetupStatus as Setup
from assets.choices import EnrollmentStatus as Status
from assets.identifiers import new_identifier, new_message_identifier
from assets.models.customers import ControllableDevice, ProgramSubscription
from assets.models.programs import ActivityType, CommunicationType, ServiceTaskType
from foundation.state_machine import StateMachine


class Enrollment(StateMachine, models.Model):
    """
    A request to enroll or unenroll, by its `transactionId`: kept as it came, whatever became of it.

    The transitions are the one table of what may follow what; `assets.operations` is the only caller.
    """

    identifier = models.CharField(
        max_length=30, unique=True, default=new_identifier, help_text=_("enrollmentId in messages.")
    )
    transaction_id = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=8, choices=choices.EnrollmentKind.choices, default=choices.EnrollmentKind.ENROLL)
    task_type = models.ForeignKey(ServiceTaskType, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    status = FSMField(default=Status.PENDING, choices=Status.choices, max_length=12, protected=True)
    subscription = models.ForeignKey(
        ProgramSubscription, on_delete=models.PROTECT, null=True, blank=True, related_name="enrollments"
    )
    request = models.JSONField(help_text=_("The request as it came."))
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of the request in canonical form."))
    message_number = models.PositiveIntegerField(null=True, blank=True, help_text=_("Of the error, as DACS tells it."))
    message = models.CharField(max_length=1000, blank=True)
    received_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("enrollment")
        permissions = [
            ("retry_enrollment", _("Can retry enrollments")),
            ("cancel_enrollment", _("Can cancel enrollments")),
            ("use_service", _("Can call the DACS side's service")),
        ]
        indexes = [models.Index(fields=["status", "received_at"], name="enrollment_status_age")]

    def __str__(self) -> str:
        return self.identifier

    @transition(field=status, source=Status.VALIDATION_ERROR, target=Status.PENDING)
    def reconsider(self) -> None:
        """A person wants it looked at again."""

    @transition(field=status, source=[Status.PENDING, Status.ERROR], target=Status.DEVICE_SETUP)
    def set_up_devices(self) -> None:
        """What it names is there; its devices are being set up."""

    @transition(field=status, source=[Status.PENDING, Status.DEVICE_SETUP], target=Status.COMPLETE)
    def complete(self) -> None:
        """It has done what it was for."""

    @transition(field=status, source=Status.PENDING, target=Status.VALIDATION_ERROR)
    def refuse(self) -> None:
        """What it asks for is not possible as it stands."""

    @transition(field=status, source=Status.DEVICE_SETUP, target=Status.ERROR)
    def fail(self) -> None:
        """A device could not be set up."""

    @transition(
        field=status,
        source=[Status.PENDING, Status.DEVICE_SETUP, Status.VALIDATION_ERROR, Status.ERROR],
        target=Status.CANCELED,
    )
    def cancel(self) -> None:
        """A person gave it up, or the customer did."""


class Communication(StateMachine, models.Model):
    """
    A message to a device through its head-end system, and the answer to it (`integration.md` 3.4, 3.5).

    That a device could not be reached is an answer: the communication is complete, its result FAILURE.
    """

    identifier = models.CharField(
        max_length=30, unique=True, default=new_message_identifier, help_text=_("communicationId in messages.")
    )
    type = models.ForeignKey(CommunicationType, on_delete=models.PROTECT, related_name="+")
    activity_type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    device = models.ForeignKey(ControllableDevice, on_delete=models.PROTECT, related_name="communications")
    status = FSMField(default=Talk.PENDING, choices=Talk.choices, max_length=8, protected=True)
    message_id = models.CharField(max_length=80, blank=True, db_index=True, help_text=_("The outbound message."))
    result = models.CharField(max_length=7, blank=True, help_text=_("SUCCESS or FAILURE: what the device said."))
    message = models.CharField(max_length=1000, blank=True)
    created_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("communication")
        default_permissions = ("view", "add")
        indexes = [models.Index(fields=["status", "created_at"], name="communication_status_age")]

    def __str__(self) -> str:
        return self.identifier

    @transition(field=status, source=[Talk.PENDING, Talk.ERROR], target=Talk.AWAITING_RESPONSE)
    def await_response(self) -> None:
        """The message arrived, at once or when a person sent it again."""

    @transition(
        field=status,
        source=[Talk.PENDING, Talk.AWAITING_RESPONSE, Talk.TIMED_OUT, Talk.ERROR],
        target=Talk.COMPLETE,
    )
    def complete(self) -> None:
        """The answer is there, in time or late."""

    @transition(field=status, source=[Talk.PENDING, Talk.AWAITING_RESPONSE], target=Talk.TIMED_OUT)
    def time_out(self) -> None:
        """No answer came in time."""

    @transition(field=status, source=[Talk.PENDING, Talk.AWAITING_RESPONSE], target=Talk.ERROR)
    def fail(self) -> None:
        """The message could not be delivered."""

    @transition(field=status, source=[Talk.PENDING, Talk.AWAITING_RESPONSE, Talk.ERROR], target=Talk.CANCELED)
    def cancel(self) -> None:
        """Nobody waits for the answer any more."""


class DeviceSetup(StateMachine, models.Model):
    """One device of an enrollment on its way into the program."""

    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="device_setups")
    sequence = models.PositiveSmallIntegerField()
    device = models.ForeignKey(ControllableDevice, on_delete=models.PROTECT, related_name="setups")
    replaces = models.ForeignKey(
        ControllableDevice,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The device that leaves the subscription when this one is set up."),
    )
    status = FSMField(default=Setup.PENDING, choices=Setup.choices, max_length=8, protected=True)
    communication = models.ForeignKey(
        Communication, on_delete=models.SET_NULL, null=True, blank=True, related_name="setups"
    )
    message = models.CharField(max_length=1000, blank=True)

    class Meta:
        ordering = ["enrollment", "sequence"]
        verbose_name = _("device set-up")
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["enrollment", "sequence"], name="device_setup_once")]

    def __str__(self) -> str:
        return f"{self.enrollment_id} {self.sequence}"

    @transition(field=status, source=Setup.PENDING, target=Setup.CHECKING)
    def check_status(self) -> None:
        """Its head-end system is asked whether it can be reached."""

    @transition(field=status, source=[Setup.PENDING, Setup.CHECKING, Setup.ERROR], target=Setup.COMPLETE)
    def complete(self) -> None:
        """It takes part; also when the answer came after a time-out."""

    @transition(field=status, source=[Setup.PENDING, Setup.CHECKING], target=Setup.ERROR)
    def fail(self) -> None:
        """It cannot be reached, or could not be asked."""

    @transition(field=status, source=Setup.ERROR, target=Setup.PENDING)
    def retry(self) -> None:
        """A person wants it tried again."""

    @transition(field=status, source=[Setup.PENDING, Setup.CHECKING, Setup.ERROR], target=Setup.CANCELED)
    def cancel(self) -> None:
        """Its enrollment was given up."""
