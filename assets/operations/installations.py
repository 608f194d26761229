"""Where devices are: `vee` owns service points, devices and their installations, and is told what to keep."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Mapping, Sequence
from typing import Any

from assets.choices import OPEN_SUBSCRIPTIONS
from assets.identifiers import new_identifier
from assets.models import ControllableDevice, SubscriptionDevice
from assets.refusals import MASTER_DATA_REFUSED, refuse
from vee.models import Device, InstallEvent, ServicePoint, UsageSubscription
from vee.operations import master_data


# An installation has a length: one that ends when it begins is given this much.
_SHORTEST = dt.timedelta(seconds=1)


def keep(lines: Sequence[Mapping[str, Any]], *, at: dt.datetime) -> None:
    """
    Have `vee` keep master data.

    :raises BusinessRefusal: with what it says against it.
    """
    for result in master_data.upsert(lines, at=at):
        if result.refused:
            reason = result.errors[0]["message"]
            raise refuse(MASTER_DATA_REFUSED, f"The {result.kind.replace('_', ' ')} cannot be kept: {reason}.")


def new_service_point(*, time_zone: str, at: dt.datetime) -> ServicePoint:
    """Make a service point with an identifier of its own."""
    identifier = new_identifier()
    keep([{"kind": "service_point", "id": identifier, "time_zone": time_zone}], at=at)
    return ServicePoint.objects.get(identifier=identifier)


def new_usage_subscription(*, point: ServicePoint, recipient: str, at: dt.datetime) -> UsageSubscription:
    """Make the claim to a service point's usage that a program subscription is."""
    identifier = new_identifier()
    line = {"kind": "usage_subscription", "id": identifier, "service_point": point.identifier, "recipient": recipient}
    keep([line], at=at)
    return UsageSubscription.objects.get(identifier=identifier)


def new_device(*, at: dt.datetime) -> Device:
    """Make a device that is nowhere yet."""
    identifier = new_identifier()
    keep([{"kind": "device", "id": identifier}], at=at)
    return Device.objects.get(identifier=identifier)


def install(*, device: ControllableDevice, point: ServicePoint, since: dt.datetime, at: dt.datetime) -> None:
    """
    Have a device at a service point: since its program begins there, or since it was told of when that is earlier.

    Where it was until now it is removed. A time at which it was elsewhere is not taken from there.
    """
    events = list(InstallEvent.objects.filter(device=device.device_id).order_by("installed_at"))
    last = events[-1] if events else None
    if last is not None and last.removed_at is None and last.service_point_id == point.pk:
        return
    lines: list[dict[str, Any]] = []
    identifier = device.device.identifier
    begin = min(since, at)
    if last is not None:
        end = last.removed_at
        if end is None:
            end = max(at, last.installed_at + _SHORTEST)
            lines.append(_event(identifier, last.installed_at, removed_at=end.isoformat()))
        begin = max(begin, end)
    lines.append({"kind": "device", "id": identifier, "service_point": point.identifier})
    lines.append(_event(identifier, begin, service_point=point.identifier))
    keep(lines, at=at)
    device.device.refresh_from_db()


def remove(*, device: ControllableDevice, at: dt.datetime) -> None:
    """Have a device nowhere from now on; nothing when it is nowhere already."""
    identifier = device.device.identifier
    lines: list[dict[str, Any]] = [
        _event(identifier, event.installed_at, removed_at=max(at, event.installed_at + _SHORTEST).isoformat())
        for event in InstallEvent.objects.filter(device=device.device_id, removed_at__isnull=True)
    ]
    if device.device.service_point_id is not None:
        lines.append({"kind": "device", "id": identifier, "service_point": None})
    if lines:
        keep(lines, at=at)
        device.device.refresh_from_db()


def is_needed(device: ControllableDevice) -> bool:
    """Whether a device takes part in an open subscription."""
    return SubscriptionDevice.objects.filter(
        device=device, removed_at__isnull=True, subscription__status__in=OPEN_SUBSCRIPTIONS
    ).exists()


def local_midnight(*, day: dt.date, point: ServicePoint) -> dt.datetime:
    """Give the instant at which a local day of a service point begins, in UTC."""
    zone = zoneinfo.ZoneInfo(point.time_zone)
    return dt.datetime.combine(day, dt.time(), tzinfo=zone).astimezone(dt.UTC)


def _event(identifier: str, installed_at: dt.datetime, **more: Any) -> dict[str, Any]:
    return {"kind": "install_event", "device": identifier, "installed_at": installed_at.isoformat(), **more}
