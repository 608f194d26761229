"""What people look for on the DACS side by a name: each way to find it by an index of its own."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from assets.models import (
    Contact,
    ControllableDevice,
    ControlScore,
    DeviceLocation,
    Enrollment,
    ProgramSubscription,
    SubscriptionDevice,
)
from foundation.searching import begins, found_by
from vee.models import Device, UsageSubscription


def contacts(text: str) -> Q:
    """Give the condition for customers whose identifier, CIS person id or name begins with a text."""
    rows = Contact.objects.all()
    return found_by(
        rows.filter(begins("identifier", text)),
        rows.filter(begins("cis_person_id", text)),
        rows.filter(name__istartswith=text.strip()),
    )


def devices(text: str) -> Q:
    """Give the condition for devices whose identifier, nicId or serial number begins with a text."""
    return found_by(*_devices(text))


def subscriptions(text: str) -> Q:
    """Give the condition for subscriptions that, or whose customer or service point by its CIS id, begin so."""
    rows = ProgramSubscription.objects.all()
    people = Contact.objects.filter(begins("cis_person_id", text))
    places = DeviceLocation.objects.filter(cis_service_point_id__istartswith=text.strip())
    return found_by(
        _named_subscriptions(text),
        rows.filter(contact__in=people.values("pk")),
        rows.filter(location__in=places.values("pk")),
    )


def enrollments(text: str) -> Q:
    """Give the condition for enrollments whose identifier or transaction id begins with a text."""
    rows = Enrollment.objects.all()
    return found_by(rows.filter(begins("identifier", text)), rows.filter(begins("transaction_id", text)))


def control_scores(text: str) -> Q:
    """Give the condition for scores of devices, by identifier or nicId, and of subscriptions that begin so."""
    by_identifier, by_nic_id, _by_serial_number = _devices(text)
    members = SubscriptionDevice.objects.all()
    ways = (
        members.filter(device__in=by_identifier.values("pk")),
        members.filter(device__in=by_nic_id.values("pk")),
        members.filter(subscription__in=_named_subscriptions(text).values("pk")),
    )
    first, *others = (ControlScore.objects.filter(membership__in=each.values("pk")) for each in ways)
    return found_by(first, *others)


def _devices(text: str) -> tuple[QuerySet[Any], QuerySet[Any], QuerySet[Any]]:
    rows = ControllableDevice.objects.all()
    return (
        rows.filter(device__in=Device.objects.filter(begins("identifier", text)).values("pk")),
        rows.filter(nic_id__istartswith=text.strip()),
        rows.filter(serial_number__istartswith=text.strip()),
    )


def _named_subscriptions(text: str) -> QuerySet[ProgramSubscription]:
    named = UsageSubscription.objects.filter(begins("identifier", text))
    return ProgramSubscription.objects.filter(usage_subscription__in=named.values("pk"))
