"""What is due on the DACS side and was not woken up, or waits for a time to pass."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from assets import choices, queries
from assets.choices import EnrollmentKind
from assets.choices import EnrollmentStatus as Status
from assets.models import Communication, Enrollment
from assets.operations import enrollments, status_checks
from foundation.dispatch import after_commit
from lookups.queries import config_property


ACK_TIMEOUT = "deviceStatusCheck.ackTimeout"
# How long a wake-up of its own is given before the sweep repeats it.
_GRACE = dt.timedelta(seconds=10)
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """How many enrollments were woken, checks timed out, and subscriptions ended."""

    woken: int = 0
    timed_out: int = 0
    ended: int = 0


def sweep(*, at: dt.datetime) -> Swept:
    """Wake enrollments that wait, give up on checks without an answer, end subscriptions whose day has come."""
    if not queries.is_on():
        return Swept()
    pending = Enrollment.objects.filter(status=Status.PENDING)
    waiting = pending.filter(kind=EnrollmentKind.ENROLL, received_at__lte=at - _GRACE)
    woken = list(waiting.order_by("received_at").values_list("pk", flat=True)[:_AT_ONCE])
    for key in woken:
        after_commit(enrollments.SET_UP_TASK, enrollment_pk=key)
    overdue = list(overdue_checks(at=at)[:_AT_ONCE])
    for identifier in overdue:
        status_checks.time_out(identifier=identifier, at=at)
    due = pending.filter(kind=EnrollmentKind.UNENROLL, subscription__ends_at__lte=at).values_list("pk", flat=True)
    ended = sum(enrollments.finish_due(enrollment_id=key, at=at) for key in list(due[:_AT_ONCE]))
    return Swept(woken=len(woken), timed_out=len(overdue), ended=ended)


def overdue_checks(*, at: dt.datetime) -> list[str]:
    """Give the identifiers of the communications whose answer has not come in time, oldest first."""
    timeout = config_property(ACK_TIMEOUT)
    if not isinstance(timeout, dt.timedelta):
        raise TypeError(f"The property {ACK_TIMEOUT} is no time.")
    rows = Communication.objects.filter(status__in=choices.OPEN_COMMUNICATIONS, created_at__lte=at - timeout)
    return list(rows.order_by("created_at", "pk").values_list("identifier", flat=True))
