"""
Snapshots of a subscription: what is told to the DERMS, and whether it differs from what it holds (F1-COMPSNAPS).

A snapshot has the shape of `sendDetails` (`integration.md` 3.2) without the request's id. Plain Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any


Snapshot = Mapping[str, Any]

DEVICES = "controllableDevices"
LOCATION = "locationInfo"
DEVICE_ID = "deviceId"
REMOVAL = "removalDateTime"
_NEEDED = (
    ("contactInfo", "cisPersonId", "the contact has no CIS person id"),
    (LOCATION, "servicePointId", "the subscription has no device location"),
    (LOCATION, "division", "the device location has no division, by which the DERMS is found"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One value that differs, by its path; None where there is none."""

    path: str
    before: Any
    after: Any


def devices_of(snapshot: Snapshot | None) -> list[Mapping[str, Any]]:
    """Give the devices of a snapshot."""
    return list(snapshot[LOCATION][DEVICES]) if snapshot else []


def held(told: Snapshot | None) -> dict[str, Any] | None:
    """Give what the DERMS holds after it was told a snapshot: devices that were removed are gone."""
    if told is None:
        return None
    return _with_devices(told, [device for device in devices_of(told) if not device.get(REMOVAL)])


def to_tell(current: Snapshot, *, known_device_ids: Iterable[str]) -> dict[str, Any]:
    """
    Give what the DERMS is to be told: every device that is there, and the removal of those that it knows of.

    :param current: with every device that ever was in the subscription.
    """
    known = set(known_device_ids)
    return _with_devices(
        current, [device for device in devices_of(current) if not device.get(REMOVAL) or device[DEVICE_ID] in known]
    )


def is_same(initial: Snapshot | None, final: Snapshot) -> bool:
    """Whether the DERMS holds this already."""
    return initial is not None and not differences(initial, final)


def differences(initial: Snapshot | None, final: Snapshot | None) -> list[Difference]:
    """Give what differs, in the order of the snapshots; devices are matched by their id, not by their place."""
    before, after = dict(_values(initial)), dict(_values(final))
    return [
        Difference(path=path, before=before.get(path), after=after.get(path))
        for path in paths(initial, final)
        if path not in before or path not in after or before[path] != after[path]
    ]


def paths(initial: Snapshot | None, final: Snapshot | None) -> list[str]:
    """Give the paths of both snapshots, each once: those of the first, with what only the second has after them."""
    return list(dict.fromkeys([*(path for path, _ in _values(initial)), *(path for path, _ in _values(final))]))


def values(snapshot: Snapshot | None) -> dict[str, Any]:
    """Give the values of a snapshot by path, e.g. `contactInfo.cisPersonId` or `device 7712.nicId`."""
    return dict(_values(snapshot))


def missing(final: Snapshot) -> list[str]:
    """Say what the DERMS needs and the snapshot does not have ("null CIS_PERSON_ID")."""
    return [text for part, name, text in _NEEDED if not final[part].get(name)]


def _values(snapshot: Snapshot | None) -> Iterator[tuple[str, Any]]:
    for part, members in (snapshot or {}).items():
        for name, value in members.items():
            if name != DEVICES:
                yield f"{part}.{name}", value
    for device in devices_of(snapshot):
        for name, value in device.items():
            yield f"device {device[DEVICE_ID]}.{name}", value


def _with_devices(snapshot: Snapshot, devices: list[Mapping[str, Any]]) -> dict[str, Any]:
    return {**snapshot, LOCATION: {**snapshot[LOCATION], DEVICES: devices}}
