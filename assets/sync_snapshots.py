"""What the DERMS is to hold of subscriptions, read from the tables as they stand (`integration.md` 3.2)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Q

from assets.engine import sync_comparison
from assets.models import DeviceLocation, ProgramSubscription, SubscriptionDevice
from vee.models import InstallEvent


# A device that left: the lookup OUTL-BRT-DACS_DRMS_DeviceLocationStatus makes it REMOVED.
RETIRED = "RETIRED"


def current(subscription_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Give the snapshots of subscriptions as they stand, with every device that ever was in them."""
    subscriptions = list(
        ProgramSubscription.objects.filter(pk__in=subscription_ids).select_related(
            "usage_subscription", "program", "contact", "location__service_point"
        )
    )
    devices = _devices(subscriptions)
    return {row.pk: _snapshot(row, devices[row.pk]) for row in subscriptions}


def to_tell(current_snapshot: dict[str, Any], *, told: Iterable[Any]) -> dict[str, Any]:
    """Give what the DERMS is told: the removal of a device only when it was told of the device."""
    known = [
        device[sync_comparison.DEVICE_ID]
        for snapshot in told
        for device in sync_comparison.devices_of(sync_comparison.held(snapshot))
    ]
    return sync_comparison.to_tell(current_snapshot, known_device_ids=known)


def _snapshot(row: ProgramSubscription, devices: list[dict[str, Any]]) -> dict[str, Any]:
    location = row.location
    return {
        "contactInfo": {"contactId": row.contact.identifier, "cisPersonId": row.contact.cis_person_id},
        "subscriptionInfo": {
            "subscriptionId": row.usage_subscription.identifier,
            "cisAccountId": row.cis_account_id,
            "subscriptionType": row.program.subscription_type,
            "status": str(row.status),
            "programId": row.program.identifier,
            "programCode": row.program.code,
            "startDateTime": _instant(row.starts_at),
            "endDateTime": _instant(row.ends_at),
        },
        "locationInfo": {
            "division": location.division,
            "servicePointId": location.service_point.identifier,
            "cisPremiseId": location.cis_premise_id,
            "cisServicePointId": location.cis_service_point_id,
            sync_comparison.DEVICES: devices,
        },
    }


def _devices(subscriptions: Sequence[ProgramSubscription]) -> dict[int, list[dict[str, Any]]]:
    places = {row.pk: row.location for row in subscriptions}
    memberships = list(
        SubscriptionDevice.objects.filter(subscription__in=places).select_related(
            "device__device", "device__specification", "device__head_end_system"
        )
    )
    installed = _installations(memberships, places)
    # The same device again counts as it is now: the membership that is open, or else the latest one.
    latest: dict[tuple[int, int], SubscriptionDevice] = {}
    for one in sorted(memberships, key=lambda one: (one.removed_at is None, one.added_at, one.pk)):
        latest[one.subscription_id, one.device_id] = one
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for one in sorted(latest.values(), key=lambda one: (one.added_at, one.pk)):
        place = places[one.subscription_id]
        found[one.subscription_id].append(_device(one, place, installed.get((one.device_id, place.pk))))
    return found


def _installations(
    memberships: Sequence[SubscriptionDevice], places: dict[int, DeviceLocation]
) -> dict[tuple[int, int], InstallEvent]:
    """Give the latest installation of each device at its subscription's place."""
    wanted = Q(device__in={one.device_id for one in memberships}) & Q(
        service_point__in={place.pk for place in places.values()}
    )
    return {
        (event.device_id, event.service_point_id): event
        for event in InstallEvent.objects.filter(wanted).order_by("installed_at")
    }


def _device(one: SubscriptionDevice, place: DeviceLocation, event: InstallEvent | None) -> dict[str, Any]:
    device = one.device
    removed_at = one.removed_at or (event.removed_at if event else None)
    return {
        sync_comparison.DEVICE_ID: device.device.identifier,
        "deviceType": device.specification.device_type,
        "specification": device.specification.code,
        "nicId": device.nic_id,
        "headEndSystem": device.head_end_system.name,
        "serialNumber": device.serial_number,
        "deviceLocationId": place.identifier,
        "deviceLocationStatus": RETIRED if removed_at else str(place.status),
        "installDateTime": _instant(event.installed_at if event else one.added_at),
        sync_comparison.REMOVAL: _instant(removed_at),
    }


def _instant(value: dt.datetime | None) -> str | None:
    return value.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z") if value else None
