"""
What meter data tells the floors above it. They subscribe; nothing here knows them.

Signals are sent after the transaction that they speak of is committed.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Sequence
from typing import Any

import structlog
from django.db import transaction
from django.dispatch import Signal

from vee.storage import Change


logger = structlog.get_logger(__name__)

SYSTEM = "system"


class MasterData(enum.Enum):
    """Of what `master_data_changed` tells; an installation counts as a change of its device."""

    SERVICE_POINT = "service_point"
    DEVICE = "device"
    USAGE_SUBSCRIPTION = "usage_subscription"


# Master data changed, by whatever way: `kind` (MasterData), `keys` (primary keys), `fields` (names), `by` (text), `at`.
master_data_changed = Signal()
# Final measurements changed: `changes` (sequence of vee.storage.Change, labels inclusive), `at`.
measurements_changed = Signal()
# IMDs entered EXCEPTION or ERROR: `imd_ids`, `at`.
imds_need_attention = Signal()
# Usage is to be sent: `transaction_ids`, `at`. The receiver takes it with `vee.operations.usage_sending.hand_over`;
# until one has, the sweep sends the signal again.
usage_to_send = Signal()
# Usage that was sent changed: `correction_ids`, `at`. The receiver tells the recipient and says so with
# `vee.operations.usage_sending.hand_over_correction`; until one has, the sweep sends the signal again.
usage_corrected = Signal()


def announce_changes(*, changes: Sequence[Change], at: dt.datetime) -> None:
    """Send `measurements_changed` once the open transaction commits; nothing when nothing changed."""
    if changes:
        transaction.on_commit(lambda: measurements_changed.send(sender=None, changes=tuple(changes), at=at))


def announce_attention(*, imd_ids: Sequence[int], at: dt.datetime) -> None:
    """Send `imds_need_attention` once the open transaction commits; nothing when there is none."""
    if imd_ids:
        transaction.on_commit(lambda: imds_need_attention.send(sender=None, imd_ids=tuple(imd_ids), at=at))


def announce_usage_to_send(*, transaction_ids: Sequence[int], at: dt.datetime) -> None:
    """Send `usage_to_send` once the open transaction commits; nothing when there is none."""
    if transaction_ids:
        ids = tuple(transaction_ids)
        transaction.on_commit(lambda: _tell(usage_to_send, "usage_to_send", transaction_ids=ids, at=at))


def announce_usage_corrected(*, correction_ids: Sequence[int], at: dt.datetime) -> None:
    """Send `usage_corrected` once the open transaction commits; nothing when there is none."""
    if correction_ids:
        ids = tuple(correction_ids)
        transaction.on_commit(lambda: _tell(usage_corrected, "usage_corrected", correction_ids=ids, at=at))


def announce_master_data(
    *, kind: MasterData, keys: Sequence[int], fields: Sequence[str], by: str, at: dt.datetime
) -> None:
    """Send `master_data_changed` once the open transaction commits; nothing when nothing changed."""
    if keys:
        said = {"kind": kind, "keys": tuple(keys), "fields": tuple(fields), "by": by, "at": at}
        transaction.on_commit(lambda: _tell(master_data_changed, "master_data_changed", **said))


def _tell(signal: Signal, name: str, **said: Any) -> None:
    """Send a signal; a receiver that fails is logged, and hears it again from the sweep."""
    for receiver, error in signal.send_robust(sender=None, **said):
        if isinstance(error, Exception):
            logger.error("event_not_taken", event_name=name, receiver=repr(receiver), exc_info=error)
