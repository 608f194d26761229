"""What others read of sync requests, and whom a change concerns."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from assets.choices import SYNC_UNDER_WAY, SubscriptionStatus, SyncStatus
from assets.models import ProgramSubscription, StatusChange, SubscriptionDevice, SyncChange, SyncRequest


PART = 500
"""Keys that one query names at most."""

_Item = TypeVar("_Item")


class UnknownSyncRequest(LookupError):
    """There is no sync request of this id."""


def parts(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """Cut into parts that one query can name."""
    listed = list(items)
    for begin in range(0, len(listed), PART):
        yield listed[begin : begin + PART]


def sync_request(*, sync_request_id: str) -> SyncRequest:
    """
    Give a sync request with its subscription.

    :raises UnknownSyncRequest: when there is none.
    """
    row = requests().filter(sync_request_id=sync_request_id).first() if "\x00" not in sync_request_id else None
    if row is None:
        raise UnknownSyncRequest(f"There is no sync request {sync_request_id[:60]!a}.")
    return row


def requests() -> QuerySet[SyncRequest]:
    """Give the sync requests with what a line of a list shows, the latest first."""
    # Counted for the lines of a page alone, which a join and a grouping would not do.
    changes = SyncChange.objects.filter(request=OuterRef("pk")).order_by().values("request")
    return (
        SyncRequest.objects.select_related("subscription__usage_subscription", "subscription__program")
        .annotate(change_count=Coalesce(Subquery(changes.annotate(number=Count("pk")).values("number")), 0))
        .order_by("-id")
    )


def changes_of(request: SyncRequest) -> Sequence[SyncChange]:
    """Give what a request was captured for, oldest first."""
    return list(SyncChange.objects.filter(request=request))


def status_changes_of(request: SyncRequest) -> Sequence[StatusChange]:
    """Give the life of a request, oldest first."""
    return list(StatusChange.objects.filter(subject="syncrequest", subject_id=str(request.pk)))


def told_or_active() -> QuerySet[ProgramSubscription]:
    """Give the subscriptions that the DERMS is to know of: active ones, and those that it was (perhaps) told of."""
    told = SyncRequest.objects.filter(subscription=OuterRef("pk")).filter(
        Q(is_last_told=True) | Q(may_be_known=True) | Q(status__in=SYNC_UNDER_WAY)
    )
    return ProgramSubscription.objects.filter(Q(status=SubscriptionStatus.ACTIVE) | Exists(told))


def eligible(subscription_ids: Sequence[int]) -> list[int]:
    """Give those of the subscriptions whose changes the DERMS is to know."""
    return list(told_or_active().filter(pk__in=subscription_ids).order_by("pk").values_list("pk", flat=True))


def of_contacts(contact_ids: Sequence[int]) -> list[int]:
    """Give the subscriptions of contacts."""
    return list(ProgramSubscription.objects.filter(contact__in=contact_ids).values_list("pk", flat=True))


def of_locations(service_point_ids: Sequence[int]) -> list[int]:
    """Give the subscriptions at device locations."""
    return list(ProgramSubscription.objects.filter(location__in=service_point_ids).values_list("pk", flat=True))


def of_devices(device_ids: Sequence[int]) -> list[int]:
    """Give the subscriptions that devices are in."""
    memberships = SubscriptionDevice.objects.filter(device__in=device_ids, removed_at__isnull=True)
    return list(memberships.values_list("subscription", flat=True))


def pending_ids(*, limit: int, after: int = 0) -> list[int]:
    """Give the requests whose turn it is, oldest first: those that no other of their subscription holds up."""
    under_way = SyncRequest.objects.filter(subscription=OuterRef("subscription"), status__in=SYNC_UNDER_WAY)
    rows = SyncRequest.objects.filter(~Exists(under_way), status=SyncStatus.PENDING, pk__gt=after)
    return list(rows.order_by("pk").values_list("pk", flat=True)[:limit])


def overdue_ids(*, accepted_before: dt.datetime, limit: int) -> list[int]:
    """Give the requests that the hub took before this instant and that nobody has acknowledged."""
    rows = SyncRequest.objects.filter(
        status=SyncStatus.AWAITING_ACKNOWLEDGEMENT, accepted_at__lt=accepted_before
    ).order_by("accepted_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def last_told(subscription_ids: Sequence[int]) -> dict[int, Any]:
    """Give the snapshot that the DERMS holds, by subscription; none for what it was never told of."""
    rows = SyncRequest.objects.filter(subscription__in=subscription_ids, is_last_told=True)
    return dict(rows.values_list("subscription", "final_snapshot"))


def perhaps_told(subscription_ids: Sequence[int]) -> dict[int, list[Any]]:
    """Give the snapshots that the DERMS may hold without having said so, by subscription."""
    found: dict[int, list[Any]] = {}
    rows = SyncRequest.objects.filter(subscription__in=subscription_ids, may_be_known=True).order_by("pk")
    for subscription_id, snapshot in rows.values_list("subscription", "final_snapshot"):
        found.setdefault(subscription_id, []).append(snapshot)
    return found
