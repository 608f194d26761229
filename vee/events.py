"""
What meter data tells the floors above it. They subscribe; nothing here knows them.

Signals are sent after the transaction that they speak of is committed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import transaction
from django.dispatch import Signal

from vee.storage import Change


# Final measurements changed: `changes` (sequence of vee.storage.Change, labels inclusive), `at`.
measurements_changed = Signal()
# IMDs entered EXCEPTION or ERROR: `imd_ids`, `at`.
imds_need_attention = Signal()


def announce_changes(*, changes: Sequence[Change], at: dt.datetime) -> None:
    """Send `measurements_changed` once the open transaction commits; nothing when nothing changed."""
    if changes:
        transaction.on_commit(lambda: measurements_changed.send(sender=None, changes=tuple(changes), at=at))


def announce_attention(*, imd_ids: Sequence[int], at: dt.datetime) -> None:
    """Send `imds_need_attention` once the open transaction commits; nothing when there is none."""
    if imd_ids:
        transaction.on_commit(lambda: imds_need_attention.send(sender=None, imd_ids=tuple(imd_ids), at=at))
