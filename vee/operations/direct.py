"""
Direct measurement processing: readings of a file that are clean become measurements without an IMD of their own.

They pass the same engine and are written by the same normalization as those of IMDs; the file is their evidence. Where
there is anything to say (a finding, an estimate, a reading that cannot be prepared, usage that is to be corrected) the
record becomes an IMD: at once where it was run, and by the ordinary way where it could not be.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
from collections.abc import Collection, Sequence
from typing import Any, NoReturn

import numpy as np
import structlog
from django.db import InterfaceError, OperationalError, transaction

from foundation.key_sets import Ids
from vee import models
from vee.choices import is_due
from vee.engine.batch import Batch
from vee.operations import evidence, imd_store, one_pass, retries, usage_changes
from vee.operations.components import Component, lock_and_load_components
from vee.operations.groups import Plans
from vee.operations.history import MeasurementHistory
from vee.operations.imd_store import NewImd, as_due, take_ids
from vee.operations.validation import Group, validate
from vee.operations.waves import in_waves
from vee.storage import Change


logger = structlog.get_logger(__name__)


def process(
    *, records: Sequence[NewImd], by: str, at: dt.datetime, reading_file: models.ReadingFile
) -> tuple[Sequence[NewImd], int]:
    """
    Write the clean ones of these records as measurements, inside the caller's transaction.

    What was run and found to be not clean becomes an IMD in the state that it ended in. Gives those that are left, in
    their order, and how many became IMDs. A failure on the way leaves nothing behind and all of them to the ordinary
    way, which knows what to do about it.
    """
    asked = [record for record in records if record.direct and record.component_id is not None and not record.error]
    if not asked:
        return records, 0
    try:
        with transaction.atomic():
            written, imds = _process(asked, by=by, at=at, reading_file=reading_file)
    except (OperationalError, InterfaceError):
        raise
    except _NeedsImds:
        return records, 0
    except Exception:
        logger.exception("direct_processing_failed", reading_file=str(reading_file.pk))
        return records, 0
    return [record for record in records if id(record) not in written and id(record) not in imds], len(imds)


def _process(
    asked: Sequence[NewImd], *, by: str, at: dt.datetime, reading_file: models.ReadingFile
) -> tuple[set[int], set[int]]:
    """Give the identities of the records that were written without an IMD, and of those that became one."""
    components = lock_and_load_components(
        component_ids=[record.component_id for record in asked if record.component_id]
    )
    # What waits was there before: nothing may overtake it. What usage speaks of is corrected by way of IMDs.
    held = _with_work(components) | _with_usage(asked)
    record_of: dict[int, NewImd] = {}
    due = []
    for imd_id, record in zip(take_ids(len(asked)), asked, strict=True):
        record_of[imd_id] = record
        due.append(as_due(imd_id, record, components[record.component_id or 0]))
    due.sort(key=lambda imd: (imd.component.id if imd.component else 0, imd.start, imd.id))
    plans = Plans()
    chunk = one_pass.Chunk(record_of, components, by=by, reading_file=reading_file)
    loaded = _Loaded()
    for wave in in_waves(due, plans):
        # With one that becomes an IMD its component's others do too, so that it sees no more than it would have.
        wanted = [imd for imd in wave if imd.component is not None and imd.component.id not in held]
        groups, refused = validate(imds=wanted, plans=plans, history=_HistoryWithoutImds)
        not_here = {refusal.imd.component.id for refusal in refused if refusal.imd.component is not None}
        held |= not_here
        for group in groups:
            there_is_to_say = np.flatnonzero(~_clean(group)).tolist()
            held.update(group.components[row].id for row in there_is_to_say)
            not_here.update(group.components[row].id for row in there_is_to_say if not _can_end_here(group, row))
        _conclude(groups, chunk, loaded, held=held, not_here=not_here, at=at)
    if loaded.plain:
        models.DirectLoad.objects.create(
            file=reading_file,
            first_imd_id=min(loaded.plain),
            last_imd_id=max(loaded.plain),
            imd_ids=np.array(loaded.plain, dtype=np.int64),
            lines=np.array([record_of[imd_id].source_line or 0 for imd_id in loaded.plain], dtype=np.int64),
            at=at,
            details=[json.loads(log) for log in loaded.logs],
        )
    return {id(record_of[imd_id]) for imd_id in loaded.plain}, {id(record_of[imd_id]) for imd_id in loaded.imds}


@dataclasses.dataclass(slots=True)
class _Loaded:
    """What became of records, by the ids that their IMDs have or would have had."""

    plain: list[int] = dataclasses.field(default_factory=list)
    logs: dict[str, None] = dataclasses.field(default_factory=dict)
    imds: list[int] = dataclasses.field(default_factory=list)


def _conclude(
    groups: Sequence[Group],
    chunk: one_pass.Chunk,
    loaded: _Loaded,
    *,
    held: Collection[int],
    not_here: Collection[int],
    at: dt.datetime,
) -> None:
    """Write measurements, and IMDs of the components that are held, but for those that cannot end here."""
    plain: set[int] = set()
    left: set[int] = set()
    imds: list[int] = []
    for group in groups:
        rows = []
        for row, (imd, component) in enumerate(zip(group.imds, group.components, strict=True)):
            if component.id not in held:
                rows.append(row)
                plain.add(imd.id)
                loaded.plain.append(imd.id)
            elif component.id in not_here:
                left.add(imd.id)
            else:
                imds.append(imd.id)
        loaded.logs.update(dict.fromkeys(group.logs(rows)))
    imd_store.insert_payloads(ids=imds, records=[chunk.records[imd_id] for imd_id in imds])
    outcome = evidence.conclude(groups=groups, refused=(), at=at, move=chunk.enter, plain=plain, left=left)
    done = {component.id for group in groups for component in group.components if component.id not in held}
    retries.rerun_related(component_ids=outcome.completed_components | done, at=at)
    loaded.imds += imds


def _with_usage(records: Sequence[NewImd]) -> set[int]:
    """Give the components with usage that records may concern; nearly always there is none, and none is looked at."""
    first, last = min({record.start for record in records}), max({record.end for record in records})
    if not usage_changes.is_any_between(first=first, last=last):
        return set()
    return usage_changes.concerned([Change(record.component_id or 0, record.start, record.end) for record in records])


def _with_work(components: dict[int, Component]) -> set[int]:
    waiting = models.InitialMeasurement.objects.filter(is_due(), measuring_component__any_of=Ids(components))
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


def _can_end_here(group: Group, row: int) -> bool:
    """Tell whether an IMD that was run can be stored as it ended; others go the ordinary way from its beginning."""
    imd, component = group.imds[row], group.components[row]
    return one_pass.fits(component) and imd.seconds_per_interval == component.seconds_per_interval


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
