"""What the DACS side hears from below: the ends of its messages, and changed measurements. The clock is read here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from assets.operations import performance, status_checks
from outbound.choices import MessageStatus
from outbound.events import message_settled
from vee.events import measurements_changed
from vee.storage import Change


@receiver(message_settled, dispatch_uid="assets.status_check")
def status_check_settled(*, message: Any, status: str, **more: Any) -> None:
    """Note at a communication that its message arrived, or never will."""
    if "communicationId" not in message.context:
        return
    error = "A person canceled the message." if status == MessageStatus.CANCELED else message.last_error
    status_checks.message_settled(message_id=message.message_id, outcome=status, error=error, at=timezone.now())


@receiver(measurements_changed, dispatch_uid="assets.event_performance")
def measurements_of_events_changed(*, changes: Sequence[Change], at: dt.datetime, **more: Any) -> None:
    """Have load reductions calculated again that rest on them."""
    performance.mark_stale(changes=changes)
