"""
What happened to a subscription, or to an enrollment, in one line of time.

A source gives the entries of one kind of thing. Another part of the DACS side adds its own with `@source`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from assets import choices
from assets.models import (
    Communication,
    DeviceSetup,
    Enrollment,
    ProgramSubscription,
    StatusChange,
    SubscriptionDevice,
    SyncRequest,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """
    One thing that happened.

    `what` is the kind of thing, `name` which one; `status` what it became, `badge` the colour of that; `page` the
    model and key of its page in the admin, empty when it has none; `order` breaks ties of time.
    """

    at: dt.datetime
    what: str
    name: str
    status: str = ""
    badge: str = "neutral"
    detail: str = ""
    by: str = ""
    page: tuple[str, str] | None = None
    order: int = 0

    @property
    def address(self) -> str:
        """The address of its page in the admin; empty when it has none."""
        if self.page is None:
            return ""
        try:
            return reverse(f"admin:assets_{self.page[0]}_change", args=[self.page[1]])
        except NoReverseMatch:
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a line of time is about: a subscription with its enrollments, or (None) one enrollment by itself."""

    subscription: ProgramSubscription | None
    enrollments: Sequence[Enrollment] = field(default_factory=tuple)


Source = Callable[[Scope], Iterable[Entry]]
_SOURCES: list[Source] = []
# What follows from changes of status stands after them.
_LAST = 2**62
_BADGES = {
    "ACTIVE": "good", "COMPLETE": "good", "ONLINE": "good", "SYNCHRONIZED": "good",
    "ERROR": "bad", "VALERROR": "bad", "TIMEDOUT": "bad", "OFFLINE": "bad",
    "INACTIVE": "warn", "CANCELED": "warn",
    "PENDING": "info", "DEVICESETUP": "info", "CHECKING": "info", "AWAITING": "info",
    "DETERMINE": "info", "SENDREQUEST": "info", "AWAITINGACK": "info",
}  # fmt: skip


def source(function: Source) -> Source:
    """Add a source to every line of time."""
    if function not in _SOURCES:
        _SOURCES.append(function)
    return function


def of_subscription(subscription: ProgramSubscription) -> list[Entry]:
    """Give what happened to a subscription and all that belongs to it, latest first."""
    return _entries(Scope(subscription=subscription, enrollments=list(subscription.enrollments.order_by("pk"))))


def of_enrollment(enrollment: Enrollment) -> list[Entry]:
    """Give what happened to an enrollment, its devices and the questions about them, latest first."""
    return _entries(Scope(subscription=None, enrollments=[enrollment]))


def badge_of(status: str) -> str:
    """Give the colour of a status."""
    return _BADGES.get(status, "neutral")


def changes(
    things: Iterable[Any], *, what: str, statuses: type[Any], name: Callable[[Any], str] = str, page: str = ""
) -> list[Entry]:
    """Give an entry for each change of status of things of one kind, read at once."""
    by_key = {str(thing.pk): thing for thing in things}
    if not by_key:
        return []
    subject = next(iter(by_key.values()))._meta.model_name
    rows = StatusChange.objects.filter(subject=subject, subject_id__in=list(by_key))
    labels = dict(statuses.choices)
    return [
        Entry(
            at=row.at,
            what=what,
            name=name(by_key[row.subject_id]),
            status=str(labels.get(row.to_status, row.to_status)),
            badge=badge_of(row.to_status),
            detail=row.reason,
            by=row.by,
            page=(page, row.subject_id) if page else None,
            order=row.pk,
        )
        for row in rows
    ]


def _entries(scope: Scope) -> list[Entry]:
    found = [entry for each in _SOURCES for entry in each(scope)]
    return sorted(found, key=lambda entry: (entry.at, entry.order), reverse=True)


@source
def _subscription(scope: Scope) -> Iterable[Entry]:
    things = [scope.subscription] if scope.subscription is not None else []
    return changes(things, what=_("Subscription"), statuses=choices.SubscriptionStatus, name=lambda one: "")


@source
def _enrollments(scope: Scope) -> Iterable[Entry]:
    return [
        entry
        for kind in choices.EnrollmentKind
        for entry in changes(
            [one for one in scope.enrollments if one.kind == kind],
            what=str(kind.label),
            statuses=choices.EnrollmentStatus,
            name=lambda one: one.transaction_id,
            page="enrollment",
        )
    ]


@source
def _setups(scope: Scope) -> Iterable[Entry]:
    rows = DeviceSetup.objects.filter(enrollment__in=scope.enrollments).select_related("device__head_end_system")
    return changes(
        rows,
        what=_("Device set-up"),
        statuses=choices.DeviceSetupStatus,
        name=lambda one: f"{one.device.head_end_system.name}/{one.device.nic_id}",
    )


@source
def _communications(scope: Scope) -> Iterable[Entry]:
    """The questions of the set-ups, and those that people asked about the devices while they took part."""
    wanted = Q(setups__enrollment__in=scope.enrollments)
    if scope.subscription is not None:
        for member in scope.subscription.devices.all():
            while_in = Q(device=member.device_id, created_at__gte=member.added_at)
            wanted |= while_in & Q(created_at__lte=member.removed_at) if member.removed_at else while_in
    rows = Communication.objects.filter(wanted).select_related("device__head_end_system").distinct()
    return changes(
        rows,
        what=_("Status check"),
        statuses=choices.CommunicationStatus,
        name=lambda one: f"{one.identifier} {one.device.head_end_system.name}/{one.device.nic_id}",
        page="communication",
    )


@source
def _sync_requests(scope: Scope) -> Iterable[Entry]:
    """What the DERMS was told of the subscription, or was to be told."""
    rows = SyncRequest.objects.filter(subscription=scope.subscription) if scope.subscription is not None else []
    return changes(
        rows,
        what=_("Sync request"),
        statuses=choices.SyncStatus,
        name=lambda one: one.sync_request_id,
        page="syncrequest",
    )


@source
def _devices(scope: Scope) -> Iterable[Entry]:
    if scope.subscription is None:
        return
    rows = SubscriptionDevice.objects.filter(subscription=scope.subscription).select_related(
        "device__head_end_system", "replaced_by__head_end_system"
    )
    for member in rows:
        name = f"{member.device.head_end_system.name}/{member.device.nic_id}"
        page = ("controllabledevice", str(member.device_id))
        yield Entry(
            at=member.added_at, what=_("Device"), name=name, status=_("Added"), badge="good", page=page, order=_LAST
        )
        if member.removed_at is not None:
            other = member.replaced_by
            detail = (
                _("Replaced by %(name)s") % {"name": f"{other.head_end_system.name}/{other.nic_id}"} if other else ""
            )
            yield Entry(
                at=member.removed_at,
                what=_("Device"),
                name=name,
                status=_("Removed"),
                badge="warn",
                detail=detail,
                page=page,
                order=_LAST,
            )
