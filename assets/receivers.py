"""What the DACS side hears from below."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from assets.operations import performance
from vee.events import measurements_changed
from vee.storage import Change


@receiver(measurements_changed, dispatch_uid="assets.event_performance")
def measurements_of_events_changed(*, changes: Sequence[Change], at: dt.datetime, **more: Any) -> None:
    """Have load reductions calculated again that rest on them."""
    performance.mark_stale(changes=changes)
