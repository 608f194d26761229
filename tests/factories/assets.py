"""The DACS side for tests: a program with its set-up, and customers in it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from assets import models
from assets.choices import SubscriptionStatus
from lookups.operations import apply_configuration, install_defaults
from vee.engine.calendar import standard_offset_seconds
from vee.models import Device, InstallEvent, ServicePoint, UsageSubscription


ZONE = "America/Los_Angeles"
NOW = dt.datetime(2023, 6, 16, 0, 0, tzinfo=dt.UTC)


def switch_on(*, at: dt.datetime = NOW) -> None:
    """Switch the DACS side on, as a person does in the lookup."""
    install_defaults(at=at)
    section = {"OUTL-BRT-DACS_DRMS_ConfigProps": {"dacsSide.enabled": "true"}}
    apply_configuration(section=section, by=None, at=at)


def make_program(code: str = "SMART-COOL", **values: Any) -> models.Program:
    """Store a program."""
    return models.Program.objects.create(**{"code": code, "time_zone": "America/Los_Angeles", **values})


def make_head_end(name: str = "ECOBEE", **values: Any) -> models.HeadEndSystem:
    """Give a head-end system, made when it is not there."""
    return models.HeadEndSystem.objects.get_or_create(name=name, defaults=values)[0]


def make_specification(code: str = "ECOBEE-SMART5", rated_kw: str = "3.5") -> models.DeviceSpecification:
    """Give a specification, made when it is not there."""
    defaults = {"device_type": "SMART-THERMOSTAT", "rated_kw": Decimal(rated_kw)}
    return models.DeviceSpecification.objects.get_or_create(code=code, defaults=defaults)[0]


def make_location(number: int = 1, **values: Any) -> models.DeviceLocation:
    """Store a service point as a device location."""
    point = ServicePoint.objects.create(
        identifier=f"SP-{number}", time_zone=ZONE, standard_offset_seconds=standard_offset_seconds(ZONE)
    )
    defaults = {
        "division": "CA",
        "cis_premise_id": f"PREM-{number}",
        "cis_service_point_id": f"CIS-SP-{number}",
        "address1": f"{number} Alder Way",
        "city": "Redwood City",
    }
    return models.DeviceLocation.objects.create(service_point=point, **{**defaults, **values})


def make_device(
    number: int = 1,
    *,
    location: models.DeviceLocation | None = None,
    at: dt.datetime = NOW,
    nic_id: str = "",
    **values: Any,
) -> models.ControllableDevice:
    """Store a controllable device, installed at a location when one is given."""
    point = location.service_point if location else None
    device = Device.objects.create(identifier=f"DEV-{number}", service_point=point)
    if point is not None:
        InstallEvent.objects.create(device=device, service_point=point, installed_at=at)
    defaults: dict[str, Any] = {"head_end_system": make_head_end(), "specification": make_specification()}
    return models.ControllableDevice.objects.create(
        device=device, nic_id=nic_id or f"41191234{number:04d}", **{**defaults, **values}
    )


def make_contact(number: int = 1, **values: Any) -> models.Contact:
    """Store a contact."""
    defaults = {"cis_person_id": f"PER-{number}", "name": f"Customer {number}", "email": f"c{number}@example.org"}
    return models.Contact.objects.create(**{**defaults, **values})


def make_subscription(
    number: int = 1,
    *,
    program: models.Program,
    location: models.DeviceLocation | None = None,
    contact: models.Contact | None = None,
    devices: int = 1,
    status: SubscriptionStatus = SubscriptionStatus.ACTIVE,
    at: dt.datetime = NOW,
    **values: Any,
) -> models.ProgramSubscription:
    """Store a subscription with its own customer, place and devices where none are given."""
    location = location or make_location(number)
    usage = UsageSubscription.objects.create(
        identifier=f"US-{number}", service_point=location.service_point, recipient=program.usage_recipient
    )
    subscription = models.ProgramSubscription.objects.create(
        usage_subscription=usage,
        program=program,
        contact=contact or make_contact(number),
        location=location,
        status=status,
        starts_at=at,
        created_at=at,
        **values,
    )
    for offset in range(devices):
        device = make_device(100 * number + offset, location=location, at=at)
        models.SubscriptionDevice.objects.create(subscription=subscription, device=device, added_at=at)
    return subscription
