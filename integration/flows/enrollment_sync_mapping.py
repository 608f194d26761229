"""The map from an enrollment sync of DACS to DERMS's `/enroll` (`integration.md` 3.2). Plain Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


DEVICE_LOCATION_STATUS = "OUTL-BRT-DACS_DRMS_DeviceLocationStatus"
# DERMS's names end in ISO (`integration.md` 2.2).
_RENAMED = {"startDateTime": "startDateTimeISO", "endDateTime": "endDateTimeISO"}
_DEVICE = ("deviceId", "deviceType", "specification", "nicId", "headEndSystem", "deviceLocationStatus")


def map_sync(
    details: Mapping[str, Any], *, connection_id: str, location_status: Callable[[str], str | None]
) -> tuple[dict[str, Any], list[str]]:
    """
    Give the request to DERMS, and the device location statuses that the lookup does not know.

    Those are passed on as they are (`integration.md` 4.9). A device that was removed keeps its `removalDateTime`, by
    which a replacement is told.
    """
    unknown: list[str] = []
    mapped: dict[str, Any] = {"dacsMessageId": details["syncRequestId"]}
    if isinstance(details.get("contactInfo"), Mapping):
        mapped["contactInfo"] = dict(details["contactInfo"])
    mapped["subscriptionInfo"] = {
        _RENAMED.get(name, name): value for name, value in details["subscriptionInfo"].items()
    }
    location = dict(details["locationInfo"])
    if isinstance(location.get("controllableDevices"), list):
        location["controllableDevices"] = [
            _device(device, location_status, unknown) for device in location["controllableDevices"]
        ]
    mapped["locationInfo"] = location
    mapped["connectivityProperties"] = connectivity(connection_id)
    return mapped, list(dict.fromkeys(unknown))


def connectivity(connection_id: str) -> dict[str, Any]:
    """Give the member that says which site of DERMS is meant."""
    return {"plugin": {"connectionId": connection_id}}


def _device(
    device: Mapping[str, Any], location_status: Callable[[str], str | None], unknown: list[str]
) -> dict[str, Any]:
    mapped = {name: device[name] for name in _DEVICE if name in device}
    status = mapped.get("deviceLocationStatus")
    if status:
        translated = location_status(status)
        if translated is None:
            unknown.append(status)
        elif translated:
            mapped["deviceLocationStatus"] = translated
        else:
            # Found, and empty on purpose: the site sends none.
            del mapped["deviceLocationStatus"]
    if device.get("removalDateTime"):
        mapped["removalDateTime"] = device["removalDateTime"]
    return mapped
