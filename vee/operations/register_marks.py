"""Register reads that a person marks as unusable, or as usable again (`vee.md` 7.1): audited; the next one follows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.db import transaction

from vee import events
from vee.engine import registers
from vee.locks import lock_components
from vee.models import RegisterMark, RegisterMeasurement
from vee.operations.actions import UnableToAct, check_request
from vee.operations.components import load_components
from vee.operations.normalization import as_it_was, synced, write_registers
from vee.storage import UnableToStoreMeasurements


class ReadNotFound(UnableToAct):
    """There is no such register read."""


class AlreadyMarked(UnableToAct):
    """The read is what it is asked to become."""


class UnableToCount(UnableToAct):
    """The consumption of the read or of the next one cannot be kept exactly."""


def mark_read(*, measurement_id: int, do_not_use: bool, by: Any, reason: str, at: dt.datetime) -> RegisterMeasurement:
    """
    Mark a final register read as unusable, or as usable again.

    An unusable read stays, without consumption, and is no base any more: the next read is counted from the one before
    it. Both changes keep what they replaced, and are announced as changed measurements.

    :raises UnableToAct: NotPermitted, ReasonMissing, ReadNotFound, AlreadyMarked or UnableToCount.
    """
    reason = check_request(by=by, right="vee.mark_register_measurement", reason=reason)
    with transaction.atomic():
        found = RegisterMeasurement.objects.filter(pk=measurement_id)
        component_id = found.values_list("measuring_component", flat=True).first()
        if component_id is None:
            raise ReadNotFound(f"There is no register read {measurement_id}.")
        lock_components(component_ids=[component_id])
        read = found.get()
        if read.do_not_use == do_not_use:
            raise AlreadyMarked("The read is not usable already." if do_not_use else "The read is usable already.")
        component = load_components(component_ids=[component_id])[component_id]
        usable = RegisterMeasurement.objects.filter(measuring_component=component_id, do_not_use=False)
        before = usable.filter(read_at__lt=read.read_at).order_by("-read_at").first()
        after = usable.filter(read_at__gt=read.read_at).order_by("read_at").first()
        base = None if before is None else before.reading
        history = [as_it_was(read, replaced_by=None, at=at)]
        read.do_not_use = do_not_use
        read.consumption = (
            None if do_not_use else registers.consumption(component.register, base, read.reading, read.multiplier)
        )
        read.version += 1
        read.updated_at = at
        rows = [read]
        if after is not None and component.sync_consumption:
            start = base if do_not_use else read.reading
            try:
                if synced(after, start, component.register, component.scale, history=history, imd_id=None, at=at):
                    rows.append(after)
            except UnableToStoreMeasurements as error:
                raise UnableToCount(str(error)) from None
        changes = write_registers(rows=rows, history=history)
        RegisterMark.objects.create(register_measurement=read, do_not_use=do_not_use, by=by, reason=reason, at=at)
        events.announce_changes(changes=changes, at=at)
        return read


def mark_many(*, measurement_ids: Sequence[int], do_not_use: bool, by: Any, reason: str, at: dt.datetime) -> list[str]:
    """Mark several reads, each in its own transaction; per read, in order, why it was refused, or an empty text."""
    results = []
    for measurement_id in measurement_ids:
        try:
            mark_read(measurement_id=measurement_id, do_not_use=do_not_use, by=by, reason=reason, at=at)
        except UnableToAct as error:
            results.append(str(error))
        else:
            results.append("")
    return results
