"""
Direct measurement processing: readings of a file that are clean become measurements without an IMD of their own.

They pass the same engine and are written by the same normalization as those of IMDs; the file is their evidence. Where
there is anything to say (a finding, an estimate, a reading that cannot be prepared, usage that is to be corrected) the
record goes the ordinary way and becomes an IMD.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
import structlog
from django.db import InterfaceError, OperationalError, transaction

from vee import events, models
from vee.choices import is_due
from vee.engine.batch import Batch
from vee.locks import lock_components
from vee.operations import evidence, progress, retries, usage_changes
from vee.operations.groups import Plans
from vee.operations.history import MeasurementHistory
from vee.operations.imd_store import NewImd, as_due, take_ids
from vee.operations.preparation import Component, load_components
from vee.operations.validation import Group, validate
from vee.operations.waves import in_waves
from vee.storage import Change, note_changed_days


logger = structlog.get_logger(__name__)


def process(
    *, records: Sequence[NewImd], at: dt.datetime, reading_file: models.ReadingFile
) -> tuple[Sequence[NewImd], int]:
    """
    Write the clean ones of these records as measurements, inside the caller's transaction.

    Gives the others, in their order, and how many were written. A failure on the way leaves nothing behind and all of
    them to the ordinary way, which knows what to do about it.
    """
    asked = [record for record in records if record.direct and record.component_id is not None and not record.error]
    if not asked:
        return records, 0
    try:
        with transaction.atomic():
            written = _process(asked, at=at, reading_file=reading_file)
    except (OperationalError, InterfaceError):
        raise
    except _NeedsImds:
        return records, 0
    except Exception:
        logger.exception("direct_processing_failed", reading_file=str(reading_file.pk))
        return records, 0
    return [record for record in records if id(record) not in written], len(written)


def _process(asked: Sequence[NewImd], *, at: dt.datetime, reading_file: models.ReadingFile) -> set[int]:
    """Give the identities of the records that were written."""
    components = load_components(component_ids=[record.component_id for record in asked if record.component_id])
    lock_components(component_ids=components)
    # What waits was there before: nothing may overtake it. What usage speaks of is corrected by way of IMDs.
    held = _with_work(components) | usage_changes.concerned(
        [Change(record.component_id or 0, record.start, record.end) for record in asked]
    )
    record_of: dict[int, NewImd] = {}
    due = []
    for imd_id, record in zip(take_ids(len(asked)), asked, strict=True):
        record_of[imd_id] = record
        due.append(as_due(imd_id, record, components[record.component_id or 0]))
    due.sort(key=lambda imd: (imd.component.id if imd.component else 0, imd.start, imd.id))
    plans = Plans()
    written: list[int] = []
    logs: dict[str, None] = {}
    for wave in in_waves(due, plans):
        # With one that goes the ordinary way its component's others go too, so that it sees no more than it would have.
        wanted = [imd for imd in wave if imd.component is not None and imd.component.id not in held]
        groups, refused = validate(imds=wanted, plans=plans, history=_HistoryWithoutImds)
        held.update(refusal.imd.component.id for refusal in refused if refusal.imd.component is not None)
        for group in groups:
            held.update(group.components[row].id for row in np.flatnonzero(~_clean(group)).tolist())
        kept_out: set[int] = set()
        for group in groups:
            for imd, component, log in zip(group.imds, group.components, group.logs(), strict=True):
                if component.id in held:
                    kept_out.add(imd.id)
                else:
                    written.append(imd.id)
                    logs[log] = None
        _write(groups, kept_out, at=at)
    if written:
        models.DirectLoad.objects.create(
            file=reading_file,
            first_imd_id=min(written),
            last_imd_id=max(written),
            imd_ids=np.array(written, dtype=np.int64),
            lines=np.array([record_of[imd_id].source_line or 0 for imd_id in written], dtype=np.int64),
            at=at,
            details=[json.loads(log) for log in logs],
        )
    return {id(record_of[imd_id]) for imd_id in written}


def _with_work(components: dict[int, Component]) -> set[int]:
    waiting = models.InitialMeasurement.objects.filter(is_due(), measuring_component__any_of=components)
    return set(waiting.values_list("measuring_component", flat=True))


def _clean(group: Group) -> np.ndarray:
    """Tell of which IMDs there is nothing to say: no finding, no estimate, no request, and intervals that fit."""
    clean = ~group.blocked & ~group.result.changed
    clean[[row for row, found in group.findings.items() if found]] = False
    clean[[asked.row for asked in group.result.requests]] = False
    fits = [
        imd.seconds_per_interval == component.seconds_per_interval
        for imd, component in zip(group.imds, group.components, strict=True)
    ]
    if group.scalars is not None or group.consumed is not None:
        clean[:] = False
    return np.asarray(clean & np.array(fits, dtype=bool))


def _write(groups: Sequence[Group], kept_out: set[int], *, at: dt.datetime) -> None:
    changes = evidence.normalize(groups, kept_out, at=at)
    progress.advance(changes=changes, whole=evidence.whole_periods(groups, kept_out))
    done = {
        component.id
        for group in groups
        for imd, component in zip(group.imds, group.components, strict=True)
        if imd.id not in kept_out
    }
    retries.rerun_related(component_ids=done, at=at)
    note_changed_days(changes=changes, at=at)
    events.announce_changes(changes=changes, at=at)


class _NeedsImds(Exception):
    """A rule asks for what only IMDs can answer."""


class _HistoryWithoutImds(MeasurementHistory):
    """The history for readings that have no IMD: rules that compare IMDs with each other need the ordinary way."""

    def duplicates(self, batch: Batch) -> NoReturn:
        """Refuse: what was received is compared."""
        raise _NeedsImds

    def siblings_without_imd(self, batch: Batch) -> Any:
        """Refuse: IMDs are looked for."""
        raise _NeedsImds
