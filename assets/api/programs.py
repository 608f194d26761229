"""Customers, devices, subscriptions and enrollments by API: to read."""

from __future__ import annotations

from typing import Any

import django_filters
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from assets import choices, models, queries, search_queries
from foundation.api.filters import InstantFilter, SearchableByStart


class ContactFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.contacts)
    cis_person_id = django_filters.CharFilter()

    class Meta:
        model = models.Contact
        fields: list[str] = []


class DeviceFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.devices)
    head_end_system = django_filters.CharFilter(field_name="head_end_system__name")
    nic_id = django_filters.CharFilter()
    specification = django_filters.CharFilter(field_name="specification__code")
    service_point = django_filters.CharFilter(field_name="device__service_point__identifier")
    reach = django_filters.ChoiceFilter(choices=choices.DeviceReach.choices)

    class Meta:
        model = models.ControllableDevice
        fields: list[str] = []


class SubscriptionFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.subscriptions)
    status = django_filters.MultipleChoiceFilter(choices=choices.SubscriptionStatus.choices)
    program = django_filters.CharFilter(field_name="program__code")
    cis_person_id = django_filters.CharFilter(field_name="contact__cis_person_id")
    cis_service_point_id = django_filters.CharFilter(field_name="location__cis_service_point_id")
    division = django_filters.CharFilter(field_name="location__division")

    class Meta:
        model = models.ProgramSubscription
        fields: list[str] = []


class EnrollmentFilter(SearchableByStart):
    search_condition = staticmethod(search_queries.enrollments)
    status = django_filters.MultipleChoiceFilter(choices=choices.EnrollmentStatus.choices)
    kind = django_filters.ChoiceFilter(choices=choices.EnrollmentKind.choices)
    transaction_id = django_filters.CharFilter()
    subscription = django_filters.CharFilter(field_name="subscription__usage_subscription__identifier")
    received_from = InstantFilter(field_name="received_at", lookup_expr="gte")
    received_before = InstantFilter(field_name="received_at", lookup_expr="lt")

    class Meta:
        model = models.Enrollment
        fields: list[str] = []


class ContactShape(serializers.Serializer[Any]):
    """A customer."""

    id = serializers.CharField(source="identifier")
    cis_person_id = serializers.CharField()
    name = serializers.CharField()
    home_phone = serializers.CharField()
    business_phone = serializers.CharField()
    email = serializers.CharField()


class ControllableDeviceShape(serializers.Serializer[Any]):
    """A device, where it is and how it is reached."""

    id = serializers.CharField(source="device.identifier")
    head_end_system = serializers.CharField(source="head_end_system.name")
    nic_id = serializers.CharField()
    specification = serializers.CharField(source="specification.code")
    device_type = serializers.CharField(source="specification.device_type")
    service_point = serializers.CharField(source="device.service_point.identifier", default=None, allow_null=True)
    serial_number = serializers.CharField()
    badge_number = serializers.CharField()
    ownership = serializers.CharField()
    installation_method = serializers.CharField()
    head_end_registration = serializers.CharField()
    reach = serializers.CharField()
    reach_checked_at = serializers.DateTimeField(allow_null=True)


class MemberShape(serializers.Serializer[Any]):
    """A device's part in a subscription."""

    device = serializers.CharField(source="device.device.identifier")
    head_end_system = serializers.CharField(source="device.head_end_system.name")
    nic_id = serializers.CharField(source="device.nic_id")
    added_at = serializers.DateTimeField()
    removed_at = serializers.DateTimeField(allow_null=True)
    replaced_by = serializers.CharField(source="replaced_by.device.identifier", default=None, allow_null=True)


class ProgramSubscriptionShape(serializers.Serializer[Any]):
    """A customer's part in a program; `devices` with those that left."""

    id = serializers.CharField(source="usage_subscription.identifier")
    status = serializers.CharField()
    program = serializers.CharField(source="program.code")
    contact = serializers.CharField(source="contact.identifier")
    cis_person_id = serializers.CharField(source="contact.cis_person_id")
    cis_account_id = serializers.CharField()
    cis_service_agreement_id = serializers.CharField()
    service_point = serializers.CharField(source="location.service_point.identifier")
    cis_service_point_id = serializers.CharField(source="location.cis_service_point_id")
    division = serializers.CharField(source="location.division")
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField(allow_null=True)
    opted_out_until = serializers.DateTimeField(allow_null=True)
    devices = MemberShape(many=True)


class SetupShape(serializers.Serializer[Any]):
    """A device of an enrollment on its way."""

    sequence = serializers.IntegerField()
    device = serializers.CharField(source="device.device.identifier")
    nic_id = serializers.CharField(source="device.nic_id")
    status = serializers.CharField()
    communication = serializers.CharField(source="communication.identifier", default=None, allow_null=True)
    message = serializers.CharField()


class EnrollmentShape(serializers.Serializer[Any]):
    """A request to enroll or unenroll, without the request itself, which holds personal data."""

    id = serializers.CharField(source="identifier")
    transaction_id = serializers.CharField()
    kind = serializers.CharField()
    status = serializers.CharField()
    subscription = serializers.CharField(
        source="subscription.usage_subscription.identifier", default=None, allow_null=True
    )
    message_number = serializers.IntegerField(allow_null=True)
    message = serializers.CharField()
    received_at = serializers.DateTimeField()
    completed_at = serializers.DateTimeField(allow_null=True)
    device_setups = SetupShape(many=True)


class Contacts(ListAPIView[Any]):
    """Contacts."""

    rights = {"GET": ["assets.view_contact"]}
    queryset = models.Contact.objects.order_by("identifier")
    serializer_class = ContactShape
    filterset_class = ContactFilter


class ControllableDevices(ListAPIView[Any]):
    """Controllable devices."""

    rights = {"GET": ["assets.view_controllabledevice"]}
    queryset = queries.devices()
    serializer_class = ControllableDeviceShape
    filterset_class = DeviceFilter


class ProgramSubscriptions(ListAPIView[Any]):
    """Program subscriptions with their devices."""

    rights = {"GET": ["assets.view_programsubscription"]}
    queryset = queries.subscriptions()
    serializer_class = ProgramSubscriptionShape
    filterset_class = SubscriptionFilter


class Enrollments(ListAPIView[Any]):
    """Enrollments and unenrollments, latest first."""

    rights = {"GET": ["assets.view_enrollment"]}
    queryset = queries.enrollments().order_by("-received_at", "-pk")
    serializer_class = EnrollmentShape
    filterset_class = EnrollmentFilter
