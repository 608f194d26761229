"""What tests of enrollments do again and again, through the operations that interfaces call."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from assets.choices import EnrollmentKind
from assets.models import Communication, Enrollment, ProgramSubscription, StatusChange
from assets.operations import enrollments, status_checks
from outbound.models import OutboundMessage
from tests.factories.assets import NOW


LATER = NOW + dt.timedelta(hours=1)


def receive(document: dict[str, Any], *, kind: EnrollmentKind = EnrollmentKind.ENROLL, at: dt.datetime = NOW) -> Any:
    """Store a request, as the service does."""
    return enrollments.receive(kind=kind, document=document, by="hub", at=at)


def unenroll(document: dict[str, Any], *, at: dt.datetime = LATER) -> Any:
    """Store a request to unenroll."""
    return receive(document, kind=EnrollmentKind.UNENROLL, at=at)


def enroll(document: dict[str, Any], *, at: dt.datetime = NOW) -> Enrollment:
    """Store a request and let a worker begin with its devices."""
    made = receive(document, at=at)
    enrollments.set_up(enrollment_id=made.pk, at=at)
    return again(made)


def answer_all(result: str = "SUCCESS", *, at: dt.datetime = NOW) -> int:
    """Answer every open check; give how many there were."""
    found = list(Communication.objects.filter(status__in=["PENDING", "AWAITING"]).order_by("pk"))
    for communication in found:
        status_checks.answer(identifier=communication.identifier, result=result, by="hub", at=at)
    return len(found)


def enrolled(document: dict[str, Any], *, at: dt.datetime = NOW) -> ProgramSubscription:
    """Enroll and have every device answer; give the subscription."""
    made = enroll(document, at=at)
    answer_all(at=at)
    return subscription_of(made)


def again(row: Any) -> Any:
    """Read a row anew: its status cannot be refreshed in place."""
    return type(row).objects.get(pk=row.pk)


def subscription_of(enrollment: Enrollment) -> ProgramSubscription:
    """Give the subscription of an enrollment as it is now."""
    return ProgramSubscription.objects.get(pk=again(enrollment).subscription_id)


def history(row: Any) -> list[str]:
    """Give the statuses that a thing went through."""
    rows = StatusChange.objects.filter(subject=row._meta.model_name, subject_id=str(row.pk)).order_by("pk")
    return [change.to_status for change in rows]


def nics(subscription: ProgramSubscription) -> list[str]:
    """Give the NIC ids of the devices that take part."""
    members = subscription.devices.filter(removed_at__isnull=True).order_by("pk")
    return list(members.values_list("device__nic_id", flat=True))


def bodies(code: str = "X1-CTRLDVCS") -> list[dict[str, Any]]:
    """Give what was queued, by message type."""
    rows = OutboundMessage.objects.filter(message_type__code=code).order_by("pk")
    return [json.loads(bytes(row.payload)) for row in rows]
