"""
What the DACS side hears: saved rows, changed master data and measurements of meter data, and the ends of messages.

The first are OUAF's MO audit algorithms: they run in the transaction of the change, whoever makes it (admin, API,
operations), so that a change and its capture cannot part. Rows that are written in bulk send no signal; who writes
them so calls `change_capture.captured`. The clock is read here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone
from simple_history.models import HistoricalRecords
from simple_history.signals import post_create_historical_record

from assets import queries, sync_queries
from assets.choices import CapturedObject
from assets.models import Contact, ControllableDevice, DeviceLocation, ProgramSubscription, SubscriptionDevice
from assets.operations import change_capture, performance, status_checks, sync_answers, sync_requests
from outbound.choices import MessageStatus
from outbound.events import message_settled
from vee.events import MasterData, master_data_changed, measurements_changed
from vee.storage import Change


_Concerned = Callable[[Sequence[int]], list[int]]
_OWN: Mapping[type[Model], tuple[CapturedObject, _Concerned]] = {
    Contact: (CapturedObject.CONTACT, sync_queries.of_contacts),
    DeviceLocation: (CapturedObject.LOCATION, sync_queries.of_locations),
    ControllableDevice: (CapturedObject.DEVICE, sync_queries.of_devices),
    ProgramSubscription: (CapturedObject.SUBSCRIPTION, list),
}
_METER_DATA: Mapping[MasterData, tuple[CapturedObject, _Concerned]] = {
    MasterData.SERVICE_POINT: (CapturedObject.LOCATION, sync_queries.of_locations),
    MasterData.DEVICE: (CapturedObject.DEVICE, sync_queries.of_devices),
    MasterData.USAGE_SUBSCRIPTION: (CapturedObject.SUBSCRIPTION, list),
}
# Nothing that the DERMS is told, and changed often.
_NOT_TOLD = frozenset({"opted_out_until"})


@receiver(post_create_historical_record, dispatch_uid="assets.changed_row")
def row_changed(*, instance: Model, history_instance: Any, history_user: Any, **more: Any) -> None:
    """Capture the change of a contact, place, device or subscription, with the fields that its history tells."""
    if type(instance) not in _OWN or history_instance.history_type == "-" or not queries.is_on():
        return
    fields = _changed_fields(history_instance)
    if fields is not None and not set(fields) - _NOT_TOLD:
        return
    what, concerned = _OWN[type(instance)]
    change_capture.captured(
        subscription_ids=concerned([instance.pk]), what=what, by=history_user, at=timezone.now(), fields=fields or ()
    )


@receiver([post_save, post_delete], sender=SubscriptionDevice, dispatch_uid="assets.changed_membership")
def membership_changed(*, instance: SubscriptionDevice, **more: Any) -> None:
    """Capture that a device was added to a subscription, or removed from it."""
    fields = ["removed_at"] if instance.removed_at else ["added_at"]
    change_capture.captured(
        subscription_ids=[instance.subscription_id],
        what=CapturedObject.DEVICE,
        by=_who(),
        at=timezone.now(),
        fields=fields,
    )


@receiver(master_data_changed, dispatch_uid="assets.master_data_changed")
def meter_data_changed(*, kind: MasterData, keys: Sequence[int], fields: Sequence[str], by: str, **more: Any) -> None:
    """Capture changes of what `vee` owns: service points, devices with their installations, usage subscriptions."""
    if not queries.is_on():
        return
    what, concerned = _METER_DATA[kind]
    at = timezone.now()
    for part in sync_queries.parts(keys):
        change_capture.captured(subscription_ids=concerned(part), what=what, by=by, at=at, fields=fields)


def _of_sync_request(message: Any, status: str) -> bool:
    return bool(message.message_type.code == sync_requests.MESSAGE_TYPE)


def _of_status_check(message: Any, status: str) -> bool:
    return "communicationId" in message.context


@receiver(message_settled, dispatch_uid="assets.sync_message", about=_of_sync_request)
def sync_message_settled(*, message: Any, status: str, **more: Any) -> None:
    """Note the end of a sync request's message."""
    if _of_sync_request(message, status):
        sync_answers.message_settled(message=message, status_of_message=status, at=timezone.now())


@receiver(message_settled, dispatch_uid="assets.status_check", about=_of_status_check)
def status_check_settled(*, message: Any, status: str, **more: Any) -> None:
    """Note at a communication that its message arrived, or never will."""
    if not _of_status_check(message, status):
        return
    error = "A person canceled the message." if status == MessageStatus.CANCELED else message.last_error
    status_checks.message_settled(message_id=message.message_id, outcome=status, error=error, at=timezone.now())


@receiver(measurements_changed, dispatch_uid="assets.event_performance")
def measurements_of_events_changed(*, changes: Sequence[Change], at: dt.datetime, **more: Any) -> None:
    """Have load reductions calculated again that rest on them."""
    performance.mark_stale(changes=changes)


def _changed_fields(history: Any) -> list[str] | None:
    """Give what a history record changed; None for the first one, which is all new."""
    before = history.prev_record
    return None if before is None else list(history.diff_against(before).changed_fields)


def _who() -> Any:
    request = getattr(HistoricalRecords.context, "request", None)
    user = getattr(request, "user", None)
    return user if user is not None and user.is_authenticated else None
