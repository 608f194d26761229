"""The DACS side for tests: a program with its set-up, and customers in it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission

from assets import models
from assets.choices import ProcessingRole, SubscriptionStatus
from assets.operations.defaults import HUB, STATUS_CHECK_COMMUNICATION
from assets.operations.defaults import install_defaults as install_asset_defaults
from lookups.operations import apply_configuration, install_defaults
from outbound.models import ExternalSystem, OutboundMessageType
from outbound.operations.configuration import install_defaults as install_shipped_messages
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


def own_account() -> Any:
    """Give the account under which Tieline calls itself, with what the role Peer system gives it."""
    account, _ = get_user_model().objects.get_or_create(username="tieline")
    account.user_permissions.add(*Permission.objects.filter(codename__in=["use_service", "call_flow"]))
    return account


def set_up_programs(*, at: dt.datetime = NOW, **program: Any) -> models.Program:
    """Switch the side on with what is shipped, a program, a specification, and two head ends behind the hub."""
    switch_on(at=at)
    own_account()
    install_shipped_messages(at=at)
    install_asset_defaults(at=at)
    make_specification()
    make_specification("NEST-LEARN3", rated_kw="3.0")
    for name in ("ECOBEE", "NEST"):
        head_end = make_head_end(name, external_system=ExternalSystem.objects.get(name=HUB))
        models.ProcessingMethod.objects.create(
            head_end_system=head_end,
            role=ProcessingRole.DEVICE_STATUS_CHECK,
            communication_type=models.CommunicationType.objects.get(code=STATUS_CHECK_COMMUNICATION),
            message_type=OutboundMessageType.objects.get(code="X1-CTRLDVCS"),
        )
    return make_program(**program)


def enrollment_request(number: int = 1, *, assets: list[dict[str, Any]] | None = None, **parts: Any) -> dict[str, Any]:
    """Give the request of `integration.md` 3.1, of another customer and place for each number."""
    document: dict[str, Any] = {
        "transactionId": f"DRMS-ENR-{number:06d}",
        "customerInfo": {
            "cisPersonId": f"551203{number:04d}",
            "cisAccountId": "9930118842",
            "name": "Rivera, Dana",
            "homePhone": "+1-650-555-0101",
            "email": "dana.rivera@example.org",
        },
        "programInfo": {
            "cisServiceAgreementId": "7710035521",
            "programCode": "SMART-COOL",
            "startDate": "2023-06-05",
        },
        "locationInfo": {
            "division": "CA",
            "cisPremiseId": f"334009{number:04d}",
            "cisServicePointId": f"887410{number:04d}",
            "timeZone": "US/Pacific",
            "address1": "12 Alder Way",
            "city": "Redwood City",
            "county": "San Mateo",
            "state": "CA",
            "country": "USA",
            "postal": "94061",
        },
        "assetInfo": {
            "installationMethod": "X1SI",
            "assetOwnership": "W1CO",
            "assetList": assets or [asset(number)],
        },
    }
    for name, value in parts.items():
        if isinstance(value, dict):
            document[name] = {**document[name], **value}
        else:
            document[name] = value
    return document


def asset(number: int = 1, **values: Any) -> dict[str, Any]:
    """Give a device of an enrollment request."""
    return {
        "sequence": 1,
        "specification": "ECOBEE-SMART5",
        "assetType": "SMART-THERMOSTAT",
        "serialNo": f"511234{number:04d}",
        "nicId": f"41191234{number:04d}",
        "headEndSystem": "ECOBEE",
        **values,
    }


def unenrollment_request(number: int = 1, **parts: Any) -> dict[str, Any]:
    """Give the request to unenroll the customer of an enrollment request."""
    return {
        "transactionId": f"DRMS-UNE-{number:06d}",
        "customerInfo": {"cisPersonId": f"551203{number:04d}"},
        "programInfo": {"programCode": "SMART-COOL"},
        "locationInfo": {"cisServicePointId": f"887410{number:04d}"},
        **parts,
    }
