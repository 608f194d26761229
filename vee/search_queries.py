"""
What people look for by a name, among millions of rows: each way to find it by an index of its own.

Conditions joined by "or", or a part of a name, would read every row.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from foundation.searching import as_typed, begins, found_by
from vee.choices import OPEN_TODO_STATUSES
from vee.models import (
    Device,
    InitialMeasurement,
    MeasuringComponent,
    ReadingFile,
    RegisterMeasurement,
    ServicePoint,
    ToDo,
    UsageSubscription,
    UsageTransaction,
    VeeException,
)


def components(text: str) -> QuerySet[MeasuringComponent]:
    """Give the components whose identifier begins with a text, as it was typed, in capitals or without any."""
    return MeasuringComponent.objects.filter(begins("identifier", text))


def placed_components(text: str) -> Q:
    """Give the condition for components that, or whose device or service point, begin so."""
    rows = MeasuringComponent.objects.all()
    of_devices = rows.filter(device__in=Device.objects.filter(begins("identifier", text)).values("pk"))
    return found_by(components(text), of_devices, rows.filter(service_point__in=_places(text)))


def service_points(text: str) -> Q:
    """Give the condition for service points whose identifier begins with a text."""
    return begins("identifier", text)


def devices(text: str) -> Q:
    """Give the condition for devices that, or whose service point, begin so."""
    rows = Device.objects.all()
    return found_by(rows.filter(begins("identifier", text)), rows.filter(service_point__in=_places(text)))


def usage_subscriptions(text: str) -> Q:
    """Give the condition for usage subscriptions that, or whose service point, begin so."""
    return found_by(*_subscriptions(text))


def usage_transactions(text: str) -> Q:
    """Give the condition for usage transactions that, or whose subscription or service point, begin so."""
    rows = UsageTransaction.objects.all()
    of_subscriptions = (rows.filter(usage_subscription__in=each.values("pk")) for each in _subscriptions(text))
    return found_by(rows.filter(begins("identifier", text)), *of_subscriptions)


def reading_files(text: str) -> Q:
    """Give the condition for files whose name begins with a text, whatever the case, or whose checksum does."""
    rows = ReadingFile.objects.all()
    return found_by(rows.filter(name__istartswith=text.strip()), rows.filter(sha256__startswith=text.strip().lower()))


def imds(text: str) -> Q:
    """Give the condition for IMDs of components whose identifier begins with a text, or with just this external id."""
    return Q(pk__in=_imd_ids(text))


def todos(text: str) -> Q:
    """Give the condition for To Dos of such IMDs; open ones also by a part of their summary."""
    told = ToDo.objects.filter(status__in=OPEN_TODO_STATUSES, summary__icontains=text.strip())
    return found_by(ToDo.objects.filter(imd__in=_imd_ids(text)), told)


def exceptions(text: str) -> Q:
    """Give the condition for exceptions of such IMDs, or of just this type."""
    rows = VeeException.objects.all()
    return found_by(
        rows.filter(imd__in=_imd_ids(text)),
        rows.filter(measuring_component__in=components(text).values("pk")),
        rows.filter(open=True, exception_type__in=as_typed(text)),
    )


def register_reads(text: str) -> Q:
    """Give the condition for reads of components whose identifier begins with a text."""
    found = RegisterMeasurement.objects.filter(measuring_component__in=components(text).values("pk"))
    return Q(pk__in=found.values("pk"))


def _imd_ids(text: str) -> QuerySet[Any]:
    rows = InitialMeasurement.objects.all()
    of_components = rows.filter(measuring_component__in=components(text).values("pk"))
    # The sender's name of a component that nobody knows.
    of_unknown = rows.filter(begins("component_identifier", text), measuring_component__isnull=True)
    by_id = rows.filter(external_id__in=as_typed(text)).exclude(external_id="")
    return of_components.values("pk").union(of_unknown.values("pk"), by_id.values("pk"))


def _places(text: str) -> QuerySet[Any]:
    return ServicePoint.objects.filter(begins("identifier", text)).values("pk")


def _subscriptions(text: str) -> tuple[QuerySet[UsageSubscription], QuerySet[UsageSubscription]]:
    rows = UsageSubscription.objects.all()
    return rows.filter(begins("identifier", text)), rows.filter(service_point__in=_places(text))
