"""
Contacts, device locations and controllable devices: found by what their sender knows of them, made or changed.

Whoever changes one, here or in the admin, tells the change capture of the subscriptions that it concerns.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from assets import service_forms as forms
from assets.choices import LocationStatus, SubscriptionStatus
from assets.models import Contact, ControllableDevice, DeviceLocation, Program, ProgramSubscription
from assets.operations import installations
from assets.operations.change_capture import captured
from assets.refusals import LOCATION_NOT_KNOWN, refuse
from vee.models import ServicePoint


_LOCATION_FIELDS = (
    *("division", "cis_premise_id", "address1", "address2", "address3", "address4"),
    *("city", "county", "state", "country", "postal"),
)


def contact_of(*, customer: forms.Customer, by: str, at: dt.datetime) -> Contact:
    """Give the contact with a person id, made or with what the sender says of it; what is left out stays."""
    person_id = (customer.cis_person_id or "").strip()
    contact = Contact.objects.filter(cis_person_id=person_id).first()
    given = _given(customer, ("name", "home_phone", "business_phone", "email"))
    if contact is None:
        contact = Contact(cis_person_id=person_id, **given)
        _save(contact, at=at, why=by)
        return contact
    change_contact(contact=contact, values=given, by=by, at=at)
    return contact


def change_contact(
    *, contact: Contact, values: Mapping[str, Any], by: str, at: dt.datetime, person: Any = None
) -> None:
    """Change a contact, and tell of it when it takes part in something; nothing when it is so already."""
    if _change(contact, values, by=by, at=at, person=person):
        _tell(what=f"Contact {contact.identifier}", by=by, at=at, contact=contact)


def location_of(*, location: forms.Location, program: Program, by: str, at: dt.datetime) -> DeviceLocation:
    """
    Give the device location of a CIS service point: known, or made of the service point that meter data has by that
    identifier, or new. What the sender says of it is taken over; the zone of a point that exists is `vee`'s.

    :raises BusinessRefusal: when `vee` does not keep it, or no devices can be there.
    """
    cis_id = (location.cis_service_point_id or "").strip()
    given = _given(location, _LOCATION_FIELDS)
    found = DeviceLocation.objects.select_related("service_point").filter(cis_service_point_id=cis_id).first()
    if found is not None:
        if found.status != LocationStatus.ACTIVE:
            raise refuse(LOCATION_NOT_KNOWN, f"The device location {found.identifier} is inactive.")
        change_location(location=found, values=given, by=by, at=at)
        return found
    point = ServicePoint.objects.filter(identifier=cis_id, device_location__isnull=True).first()
    if point is None:
        zone = (location.time_zone or "").strip() or program.time_zone
        point = installations.new_service_point(time_zone=zone, at=at)
    made = DeviceLocation(service_point=point, cis_service_point_id=cis_id, **given)
    _save(made, at=at, why=by)
    return made


def change_location(
    *, location: DeviceLocation, values: Mapping[str, Any], by: str, at: dt.datetime, person: Any = None
) -> None:
    """Change a device location, and tell of it when somebody takes part there; nothing when it is so already."""
    if _change(location, values, by=by, at=at, person=person):
        _tell(what=f"Device location {location.identifier}", by=by, at=at, location=location)


def change_device(
    *, device: ControllableDevice, values: Mapping[str, Any], by: str, at: dt.datetime, person: Any = None
) -> None:
    """Change a controllable device, and tell of it when it takes part; nothing when it is so already."""
    if _change(device, values, by=by, at=at, person=person):
        what = f"Device {device.device.identifier}"
        _tell(what=what, by=by, at=at, devices__device=device, devices__removed_at__isnull=True)


def make_device(*, values: Mapping[str, Any], by: str, at: dt.datetime) -> ControllableDevice:
    """Make a controllable device that is nowhere yet, and the device of `vee` that it is."""
    device = ControllableDevice(device=installations.new_device(at=at), **values)
    _save(device, at=at, why=by)
    return device


def _given(part: Any, names: tuple[str, ...]) -> dict[str, str]:
    return {name: value.strip() for name in names if (value := getattr(part, name)) and value.strip()}


def _change(row: Any, values: Mapping[str, Any], *, by: str, at: dt.datetime, person: Any) -> bool:
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    for name, value in changed.items():
        setattr(row, name, value)
    if changed:
        _save(row, at=at, why=by, person=person)
    return bool(changed)


def _save(row: Any, *, at: dt.datetime, why: str, person: Any = None) -> None:
    row._history_date = at
    row._history_user = person
    row._change_reason = why[:100]
    row.save()


def _tell(*, what: str, by: str, at: dt.datetime, **concerned: Any) -> None:
    ids = ProgramSubscription.objects.filter(status=SubscriptionStatus.ACTIVE, **concerned).values_list("pk", flat=True)
    found = sorted(set(ids))
    if found:
        captured(subscription_ids=found, what=what, by=by, at=at)
