"""Who is enrolled, where, with which devices. Service points, devices and usage subscriptions are those of `vee`."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, transition
from simple_history.models import HistoricalRecords

from assets import choices
from assets.choices import SubscriptionStatus as Status
from assets.identifiers import new_identifier
from assets.models.programs import DeviceSpecification, HeadEndSystem, Program
from foundation.state_machine import StateMachine
from vee.models import Device, ServicePoint, UsageSubscription


class Contact(models.Model):
    """A customer, by the person id of the customer information system."""

    identifier = models.CharField(
        max_length=30, unique=True, default=new_identifier, help_text=_("contactId in messages.")
    )
    cis_person_id = models.CharField(_("CIS person id"), max_length=60, unique=True)
    name = models.CharField(max_length=200, blank=True)
    home_phone = models.CharField(max_length=60, blank=True)
    business_phone = models.CharField(max_length=60, blank=True)
    email = models.CharField(max_length=254, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("contact")

    def __str__(self) -> str:
        return self.name or self.cis_person_id


class DeviceLocation(models.Model):
    """A service point as a place for controllable devices: `vee` owns the point, here is what a program needs of it."""

    service_point = models.OneToOneField(
        ServicePoint, on_delete=models.PROTECT, primary_key=True, related_name="device_location"
    )
    identifier = models.CharField(
        max_length=30, unique=True, default=new_identifier, help_text=_("deviceLocationId in messages.")
    )
    status = models.CharField(
        max_length=8, choices=choices.LocationStatus.choices, default=choices.LocationStatus.ACTIVE
    )
    division = models.CharField(max_length=60, help_text=_("Decides which DERMS serves it (the routing lookup)."))
    cis_premise_id = models.CharField(_("CIS premise id"), max_length=60, blank=True)
    cis_service_point_id = models.CharField(max_length=60, blank=True)
    address1 = models.CharField(max_length=254, blank=True)
    address2 = models.CharField(max_length=254, blank=True)
    address3 = models.CharField(max_length=254, blank=True)
    address4 = models.CharField(max_length=254, blank=True)
    city = models.CharField(max_length=90, blank=True)
    county = models.CharField(max_length=90, blank=True)
    state = models.CharField(max_length=30, blank=True)
    country = models.CharField(max_length=30, blank=True)
    postal = models.CharField(max_length=30, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("device location")
        constraints = [
            models.UniqueConstraint(
                fields=["cis_service_point_id"], condition=~Q(cis_service_point_id=""), name="device_location_cis_once"
            ),
        ]

    def __str__(self) -> str:
        return self.identifier


class ControllableDevice(models.Model):
    """
    A device that a program can control: `vee` owns the device and where it is installed, here is how it is reached.

    Known to the DERMS by `(head_end_system, nic_id)`; where it is, is `device.service_point`, and since when its
    `vee` install events.
    """

    device = models.OneToOneField(Device, on_delete=models.PROTECT, primary_key=True, related_name="controllable")
    head_end_system = models.ForeignKey(HeadEndSystem, on_delete=models.PROTECT, related_name="devices")
    nic_id = models.CharField(max_length=100)
    specification = models.ForeignKey(DeviceSpecification, on_delete=models.PROTECT, related_name="devices")
    serial_number = models.CharField(max_length=60, blank=True)
    badge_number = models.CharField(max_length=60, blank=True)
    ownership = models.CharField(
        max_length=4, choices=choices.AssetOwnership.choices, default=choices.AssetOwnership.CUSTOMER
    )
    installation_method = models.CharField(
        max_length=4, choices=choices.InstallationMethod.choices, default=choices.InstallationMethod.BRING_YOUR_OWN
    )
    head_end_registration = models.CharField(
        max_length=4,
        choices=choices.HeadEndRegistration.choices,
        default=choices.HeadEndRegistration.NOT_REGISTERED,
    )
    reach = models.CharField(
        max_length=7,
        choices=choices.DeviceReach.choices,
        default=choices.DeviceReach.UNKNOWN,
        help_text=_("What the last status check said."),
    )
    reach_checked_at = models.DateTimeField(null=True, blank=True, help_text=_("When the last status check answered."))
    history = HistoricalRecords(excluded_fields=["reach", "reach_checked_at"])

    class Meta:
        verbose_name = _("controllable device")
        constraints = [
            models.UniqueConstraint(fields=["head_end_system", "nic_id"], name="controllable_device_once_a_head_end"),
        ]
        indexes = [models.Index(fields=["nic_id"], name="controllable_device_by_nic")]

    def __str__(self) -> str:
        # Named by what was read with it: a name is no reason for a query.
        head_end = self._state.fields_cache.get("head_end_system")
        return f"{head_end}/{self.nic_id}" if head_end else self.nic_id


class ProgramSubscription(StateMachine, models.Model):
    """
    A customer's part in a program: a usage subscription of `vee`, which owns its identifier and service point.

    The transitions are the one table of what may follow what; `assets.operations` is the only caller.
    """

    usage_subscription = models.OneToOneField(
        UsageSubscription, on_delete=models.PROTECT, primary_key=True, related_name="program_subscription"
    )
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="subscriptions")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="subscriptions")
    location = models.ForeignKey(DeviceLocation, on_delete=models.PROTECT, related_name="subscriptions")
    cis_account_id = models.CharField(_("CIS account id"), max_length=60, blank=True)
    cis_service_agreement_id = models.CharField(_("CIS service agreement id"), max_length=60, blank=True)
    status = FSMField(default=Status.PENDING, choices=Status.choices, max_length=8, protected=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    opted_out_until = models.DateTimeField(
        null=True, blank=True, help_text=_("Until then its devices take no part in events; the subscription goes on.")
    )
    created_at = models.DateTimeField()
    history = HistoricalRecords(excluded_fields=["created_at"])

    class Meta:
        verbose_name = _("program subscription")
        constraints = [
            models.CheckConstraint(
                name="program_subscription_period",
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                violation_error_message=_("A subscription does not end before it starts."),
            ),
            # One part at a time in a program and place: what comes again is the same, or a mistake.
            models.UniqueConstraint(
                fields=["program", "location"],
                condition=Q(status__in=[Status.PENDING, Status.ACTIVE]),
                name="program_subscription_one_open",
            ),
        ]
        indexes = [models.Index(fields=["status", "program"], name="program_subscription_status")]

    def __str__(self) -> str:
        usage = self._state.fields_cache.get("usage_subscription")
        return str(usage) if usage else str(self.pk)

    @transition(field=status, source=Status.PENDING, target=Status.ACTIVE)
    def activate(self) -> None:
        """A device is set up: the customer takes part from now on."""

    @transition(field=status, source=Status.ACTIVE, target=Status.INACTIVE)
    def deactivate(self) -> None:
        """The customer takes part no more."""

    @transition(field=status, source=Status.PENDING, target=Status.CANCELED)
    def cancel(self) -> None:
        """It never came to anything."""


class SubscriptionDevice(models.Model):
    """A device in a program subscription, from when it was added until it was removed or replaced."""

    subscription = models.ForeignKey(ProgramSubscription, on_delete=models.CASCADE, related_name="devices")
    device = models.ForeignKey(ControllableDevice, on_delete=models.PROTECT, related_name="memberships")
    added_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)
    replaced_by = models.ForeignKey(
        ControllableDevice, on_delete=models.PROTECT, null=True, blank=True, related_name="replacements"
    )

    class Meta:
        verbose_name = _("device of a subscription")
        verbose_name_plural = _("devices of a subscription")
        constraints = [
            models.UniqueConstraint(
                fields=["subscription", "device"],
                condition=Q(removed_at__isnull=True),
                name="subscription_device_one_open",
            ),
            models.CheckConstraint(
                name="subscription_device_period",
                condition=Q(removed_at__isnull=True) | Q(removed_at__gte=F("added_at")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subscription_id}/{self.device_id}"
