"""What others read of the DACS side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.functions import Coalesce

from assets import timeline
from assets.choices import EnrollmentKind
from assets.models import (
    Communication,
    ControllableDevice,
    DeviceSetup,
    Enrollment,
    ProgramSubscription,
    SubscriptionDevice,
)
from lookups.queries import UnableToReadProperty, UnknownLookup, config_property


SWITCH = "dacsSide.enabled"


def is_on() -> bool:
    """
    Whether this site uses the DACS side; off: its service refuses, its batches do nothing, its pages are not listed.

    Off too where nothing is installed yet, or the property says neither true nor false: every page asks for it.
    """
    try:
        return config_property(SWITCH) is True
    except (UnknownLookup, UnableToReadProperty):
        return False


def enrollments() -> QuerySet[Enrollment]:
    """Give enrollments with all that is told of them, in a fixed number of reads."""
    setups = DeviceSetup.objects.select_related(
        "device__device", "device__head_end_system", "communication", "replaces__device"
    ).order_by("sequence")
    return Enrollment.objects.select_related(
        "subscription__contact",
        "subscription__program",
        "subscription__usage_subscription",
        "subscription__location__service_point",
    ).prefetch_related(Prefetch("device_setups", queryset=setups))


def subscriptions() -> QuerySet[ProgramSubscription]:
    """Give subscriptions with all that is told of them, in a fixed number of reads."""
    members = SubscriptionDevice.objects.select_related(
        "device__device", "device__head_end_system", "replaced_by__device"
    ).order_by("added_at", "pk")
    return (
        ProgramSubscription.objects.select_related(
            "usage_subscription", "program", "contact", "location__service_point"
        )
        .prefetch_related(Prefetch("devices", queryset=members))
        .order_by("usage_subscription__identifier")
    )


def devices() -> QuerySet[ControllableDevice]:
    """Give controllable devices with all that is told of them."""
    rows = ControllableDevice.objects.select_related("device__service_point", "head_end_system", "specification")
    return rows.order_by("device__identifier")


def enrollment(*, identifier: str, kind: EnrollmentKind | None = None) -> Enrollment | None:
    """Give an enrollment with all that its document tells; None when there is none of this id (and kind)."""
    wanted = enrollments().filter(identifier=identifier) if "\x00" not in identifier else Enrollment.objects.none()
    return (wanted.filter(kind=kind) if kind is not None else wanted).first()


def subscription(*, subscription_id: Any) -> ProgramSubscription | None:
    """Give a subscription with what it names; None when there is none."""
    rows = ProgramSubscription.objects.select_related(
        "usage_subscription", "program", "contact", "location__service_point"
    )
    return rows.filter(pk=subscription_id).first()


def with_device_count(rows: QuerySet[ProgramSubscription]) -> QuerySet[Any]:
    """Annotate subscriptions with `device_count`: the devices that take part now, counted beside, without a join."""
    members = SubscriptionDevice.objects.filter(subscription=OuterRef("pk"), removed_at__isnull=True)
    counted = members.order_by().values("subscription").annotate(number=Count("pk")).values("number")
    return rows.annotate(device_count=Coalesce(Subquery(counted), 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionPage:
    """What the page of a subscription shows below its fields."""

    members: list[SubscriptionDevice]
    entries: list[timeline.Entry]


def subscription_page(*, subscription_id: Any) -> SubscriptionPage | None:
    """Give the devices of a subscription, past ones too, and its line of time; None when there is none."""
    found = subscription(subscription_id=subscription_id)
    if found is None:
        return None
    members = found.devices.select_related(
        "device__device", "device__head_end_system", "device__specification", "replaced_by__head_end_system"
    ).order_by("added_at", "pk")
    return SubscriptionPage(members=list(members), entries=timeline.of_subscription(found))


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePage:
    """What the page of a controllable device shows below its fields, newest first."""

    memberships: list[SubscriptionDevice]
    communications: list[Communication]
    setups: list[DeviceSetup]


_LATEST = 20


def device_page(*, device_id: Any) -> DevicePage:
    """Give where a device takes part, what was asked of it, and its ways into programs."""
    memberships = SubscriptionDevice.objects.filter(device=device_id).select_related(
        "subscription__usage_subscription", "subscription__program", "subscription__contact"
    )
    communications = Communication.objects.filter(device=device_id).select_related("type")
    setups = DeviceSetup.objects.filter(device=device_id).select_related("enrollment", "replaces__head_end_system")
    return DevicePage(
        memberships=list(memberships.order_by("-added_at", "-pk")),
        communications=list(communications.order_by("-created_at", "-pk")[:_LATEST]),
        setups=list(setups.order_by("-pk")[:_LATEST]),
    )
