"""
Master data that is saved row by row, in the admin or by an operation: `master_data_changed` tells of it.

Rows that are written in bulk send no signal of Django's; `vee.operations.master_data_keeper` tells of those. The clock
is read here.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.utils import timezone
from simple_history.models import HistoricalRecords
from simple_history.signals import post_create_historical_record

from vee.events import SYSTEM, MasterData, announce_master_data
from vee.models import Device, InstallEvent, ServicePoint, UsageSubscription


_WITH_HISTORY = {ServicePoint: MasterData.SERVICE_POINT, Device: MasterData.DEVICE}


@receiver(post_create_historical_record, dispatch_uid="vee.changed_row")
def row_changed(*, instance: Model, history_instance: Any, history_user: Any, **more: Any) -> None:
    """Tell of a service point or device that changed, with the fields that its history tells."""
    kind = _WITH_HISTORY.get(type(instance))  # type: ignore[call-overload]
    before = history_instance.prev_record if kind is not None else None
    # Nothing hangs on a new one yet, and one that is deleted is in use nowhere.
    if kind is None or before is None or history_instance.history_type == "-":
        return
    fields = history_instance.diff_against(before).changed_fields
    if fields:
        announce_master_data(
            kind=kind, keys=[instance.pk], fields=fields, by=str(history_user or SYSTEM), at=timezone.now()
        )


@receiver([post_save, post_delete], sender=InstallEvent, dispatch_uid="vee.changed_installation")
def installation_changed(*, instance: InstallEvent, update_fields: Any = None, **more: Any) -> None:
    """Tell of a device that was installed or removed."""
    announce_master_data(
        kind=MasterData.DEVICE,
        keys=[instance.device_id],
        fields=sorted(update_fields or ("installed_at", "removed_at", "service_point")),
        by=_who(),
        at=timezone.now(),
    )


@receiver(post_save, sender=UsageSubscription, dispatch_uid="vee.changed_usage_subscription")
def usage_subscription_changed(
    *, instance: UsageSubscription, created: bool, update_fields: Any = None, **more: Any
) -> None:
    """Tell of a usage subscription that was saved again."""
    if not created:
        announce_master_data(
            kind=MasterData.USAGE_SUBSCRIPTION,
            keys=[instance.pk],
            fields=sorted(update_fields or ()),
            by=_who(),
            at=timezone.now(),
        )


def _who() -> str:
    request = getattr(HistoricalRecords.context, "request", None)
    user = getattr(request, "user", None)
    return str(user) if user is not None and user.is_authenticated else SYSTEM
