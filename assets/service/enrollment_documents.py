"""Enrollments as DACS words them: the request echoed, and what became of it."""

from __future__ import annotations

from typing import Any

from assets.choices import EnrollmentKind
from assets.models import DeviceSetup, Enrollment
from assets.service.views import CATEGORY


_ROOTS = {EnrollmentKind.ENROLL: "X1-DAEnroll", EnrollmentKind.UNENROLL: "X1-DAUnenrol"}
_IDS = {EnrollmentKind.ENROLL: "enrollmentId", EnrollmentKind.UNENROLL: "unenrollmentId"}


def document_of(enrollment: Enrollment) -> dict[str, Any]:
    """Give the document of an enrollment or unenrollment; `queries.enrollment` reads what it needs."""
    kind = EnrollmentKind(enrollment.kind)
    document: dict[str, Any] = {**enrollment.request, _IDS[kind]: enrollment.identifier, "status": enrollment.status}
    if enrollment.message:
        exception: dict[str, Any] = {"messageCategory": CATEGORY, "messageText": enrollment.message}
        if enrollment.message_number is not None:
            exception["messageNumber"] = enrollment.message_number
        document["exception"] = exception
    setups = list(enrollment.device_setups.all())
    if setups:
        document["deviceSetup"] = [_setup(setup) for setup in setups]
    subscription = enrollment.subscription
    if subscription is not None:
        location = subscription.location
        document["relatedObjects"] = {
            "contactId": subscription.contact.identifier,
            "subscriptionId": subscription.usage_subscription.identifier,
            "subscriptionStatus": subscription.status,
            "programId": subscription.program.identifier,
            "servicePointId": location.service_point.identifier,
            "deviceLocationId": location.identifier,
        }
    return {_ROOTS[kind]: document}


def _setup(setup: DeviceSetup) -> dict[str, Any]:
    device = setup.device
    document: dict[str, Any] = {
        "sequence": setup.sequence,
        "deviceId": device.device.identifier,
        "nicId": device.nic_id,
        "headEndSystem": device.head_end_system.name,
        "status": setup.status,
    }
    if setup.communication is not None:
        document["communicationId"] = setup.communication.identifier
    if setup.replaces is not None:
        document["replacesDeviceId"] = setup.replaces.device.identifier
    if setup.message:
        document["message"] = setup.message
    return document
