"""Enrollments and the steps that a device takes on its way into a program."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import ConcurrentTransitionMixin, FSMField, transition

from assets import choices
from assets.choices import EnrollmentStatus as Status
from assets.identifiers import MESSAGE_LENGTH, new_identifier
from assets.models.customers import ControllableDevice, ProgramSubscription
from assets.models.programs import ActivityType, CommunicationType, ServiceTaskType


def new_communication_identifier() -> str:
    """Give the identifier of a new communication."""
    return new_identifier(MESSAGE_LENGTH)


class Enrollment(ConcurrentTransitionMixin, models.Model):
    """
    A request to enroll or unenroll, by its `transactionId`: kept as it came, whatever became of it.

    The transitions are the one table of what may follow what; `assets.operations` is the only caller.
    """

    identifier = models.CharField(max_length=30, unique=True, default=new_identifier, help_text=_("`enrollmentId`."))
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

    @transition(
        field=status, source=[Status.PENDING, Status.VALIDATION_ERROR, Status.ERROR], target=Status.DEVICE_SETUP
    )
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


class Communication(models.Model):
    """A message to a device through its head-end system, and the answer to it (`integration.md` 3.4, 3.5)."""

    identifier = models.CharField(
        max_length=30, unique=True, default=new_communication_identifier, help_text=_("`communicationId`.")
    )
    type = models.ForeignKey(CommunicationType, on_delete=models.PROTECT, related_name="+")
    activity_type = models.ForeignKey(ActivityType, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    device = models.ForeignKey(ControllableDevice, on_delete=models.PROTECT, related_name="communications")
    status = models.CharField(
        max_length=8, choices=choices.CommunicationStatus.choices, default=choices.CommunicationStatus.PENDING
    )
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


class DeviceSetup(models.Model):
    """One device of an enrollment on its way into the program."""

    enrollment = models.ForeignKey(Enrollment, on_delete=models.CASCADE, related_name="device_setups")
    sequence = models.PositiveSmallIntegerField()
    device = models.ForeignKey(ControllableDevice, on_delete=models.PROTECT, related_name="setups")
    status = models.CharField(
        max_length=8, choices=choices.DeviceSetupStatus.choices, default=choices.DeviceSetupStatus.PENDING
    )
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
