"""A person's ways to the same enrollments and unenrollments that customers ask for: replace a device, unenroll."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

from assets.choices import OPEN_SUBSCRIPTIONS, EnrollmentKind
from assets.models import (
    ControllableDevice,
    DeviceSpecification,
    Enrollment,
    HeadEndSystem,
    ProgramSubscription,
    SubscriptionDevice,
)
from assets.operations import enrollments


class UnableToReplace(Exception):
    """The device cannot be replaced; the text tells a person why."""


def replace(
    *,
    device: ControllableDevice,
    nic_id: str,
    head_end: HeadEndSystem,
    specification: DeviceSpecification,
    serial_number: str,
    by: str,
    at: dt.datetime,
) -> list[Enrollment]:
    """
    Put another device in the place of one, in each subscription that it takes part in, each by an enrollment.

    The new one is set up as any other; only then the old one leaves.

    :raises UnableToReplace: when the device takes part in nothing, or the new one is the old one.
    """
    if (device.head_end_system_id, device.nic_id) == (head_end.pk, nic_id):
        raise UnableToReplace("This is the NIC id of the device itself; enter that of the new one.")
    members = SubscriptionDevice.objects.filter(
        device=device, removed_at__isnull=True, subscription__status__in=OPEN_SUBSCRIPTIONS
    ).select_related(
        "subscription__program",
        "subscription__contact",
        "subscription__location__service_point",
        "subscription__usage_subscription",
    )
    asset = {
        "sequence": 1,
        "assetId": device.device.identifier,
        "specification": specification.code,
        "assetType": specification.device_type,
        "serialNo": serial_number,
        "nicId": nic_id,
        "headEndSystem": head_end.name,
    }
    made = []
    for member in members.order_by("pk"):
        document = {
            **_parties(member.subscription, key=_key("REPLACE")),
            "assetInfo": {
                "installationMethod": device.installation_method,
                "assetOwnership": device.ownership,
                "assetList": [asset],
            },
        }
        document["programInfo"]["startDate"] = at.date().isoformat()
        made.append(enrollments.receive(kind=EnrollmentKind.ENROLL, document=document, by=by, at=at))
    if not made:
        raise UnableToReplace("The device takes part in no subscription: there is nothing to replace it in.")
    return made


def unenroll(*, subscription: ProgramSubscription, reason: str, removal: str, by: str, at: dt.datetime) -> Enrollment:
    """Unenroll a customer because a person says so; `removal` is a RemovalMethod or empty."""
    document: dict[str, Any] = {
        **_parties(subscription, key=_key("UNENROLL")),
        "subscriptionId": subscription.usage_subscription.identifier,
        "unenrollReason": reason[:254],
    }
    if removal:
        document["assetInfo"] = {"removalMethod": removal}
    return enrollments.receive(kind=EnrollmentKind.UNENROLL, document=document, by=by, at=at)


def refusals_of(made: Sequence[Enrollment]) -> list[str]:
    """Give why enrollments were refused, where they were."""
    return [one.message for one in made if one.message]


def _parties(subscription: ProgramSubscription, *, key: str) -> dict[str, Any]:
    location = subscription.location
    return {
        "transactionId": key,
        "customerInfo": {"cisPersonId": subscription.contact.cis_person_id},
        "programInfo": {"programCode": subscription.program.code},
        "locationInfo": {"division": location.division, "cisServicePointId": location.cis_service_point_id},
    }


def _key(verb: str) -> str:
    return f"{verb}-{uuid.uuid4()}"
