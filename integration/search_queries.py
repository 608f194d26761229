"""What people look for in the ledgers, among millions of rows: each way to find it by an index of its own."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, Q

from foundation.searching import found_by
from integration.models import DeviceStatusCheck, EnrollmentSync, Event, Outcome, Reservation, TransferredFile


def transferred_files(text: str) -> Q:
    """Give the condition for files whose name begins with a text, whatever the case, or of just this message id."""
    return _any_of(TransferredFile, Q(name__istartswith=text.strip()), Q(message_id=text.strip()))


def enrollment_syncs(text: str) -> Q:
    """Give the condition for syncs whose id, subscription or acknowledgement begins with a text."""
    begins = ("sync_request_id", "subscription_id", "ack_message_id")
    return _any_of(EnrollmentSync, *(Q(**{f"{field}__startswith": text.strip()}) for field in begins))


def status_checks(text: str) -> Q:
    """Give the condition for checks whose communication id or NIC id begins with a text."""
    begins = ("communication_id", "nic_id")
    return _any_of(DeviceStatusCheck, *(Q(**{f"{field}__startswith": text.strip()}) for field in begins))


def reservations(text: str) -> Q:
    """Give the condition for devices of a reservation whose NIC id begins with a text, or of just this event."""
    return _any_of(Reservation, *_device_or_event(text))


def outcomes(text: str) -> Q:
    """Give the condition for outcomes of devices whose NIC id begins with a text, or of just this event."""
    return _any_of(Outcome, *_device_or_event(text))


def _device_or_event(text: str) -> tuple[Q, Q]:
    named = Event.objects.filter(external_id=text.strip()).values("pk")
    return Q(nic_id__startswith=text.strip()), Q(event__in=named)


def _any_of(model: type[Model], first: Q, *others: Q) -> Q:
    rows: Any = model._default_manager
    return found_by(*(rows.filter(each) for each in (first, *others)))
