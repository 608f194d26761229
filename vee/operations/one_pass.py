"""
Readings of a file through VEE while they are in memory: stored once, in the state that they end in.

The ordinary way stores IMDs in PENDING; a worker then claims them, reads them back and moves them on. Here the chunk
that was just read is run by the same engine before its rows are written, in the same transaction, and what it leaves is
what the ordinary way leaves when it claims the IMDs of these components by themselves: the same rows, evidence,
transitions, To Dos and events.

A component's IMDs go this way together or not at all: when nobody else works on the component, none of its IMDs waits
already, it counts intervals, and nothing of its plan looks for IMDs that are not final. All others take the ordinary
way, and so do all when anything fails: that way knows what to do about the guilty one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import structlog
from django.db import InterfaceError, OperationalError, transaction

from foundation.key_sets import Ids
from vee import models
from vee.choices import ImdState, is_due
from vee.codes import ComponentKind
from vee.engine.batch import Batch
from vee.operations import evidence, imd_store, lifecycle, processing, retries
from vee.operations.components import Component, lock_and_load_components
from vee.operations.groups import Plans
from vee.operations.history import MeasurementHistory
from vee.operations.imd_store import NewImd
from vee.operations.validation import validate
from vee.operations.waves import in_waves


logger = structlog.get_logger(__name__)


def store_and_process(*, records: Sequence[NewImd], by: str, at: dt.datetime, reading_file: models.ReadingFile) -> None:
    """
    Store records inside the caller's transaction, and put through VEE those that can be put through now.

    The others wait in PENDING or ERROR, as `imd_store.store` leaves them, and the processing is woken for them.
    """
    if not records:
        return
    new = dict(zip(imd_store.take_ids(len(records)), records, strict=True))
    components = _free_components(records)
    now = {imd_id: record for imd_id, record in new.items() if record.component_id in components and not record.error}
    later = {imd_id: record for imd_id, record in new.items() if imd_id not in now}
    imd_store.store(records=[*later.values()], ids=[*later], by=by, at=at, reading_file=reading_file)
    if not now:
        return
    try:
        with transaction.atomic():
            _process(Chunk(now, components, by=by, reading_file=reading_file), at=at)
    except (OperationalError, InterfaceError):
        raise  # the database is the trouble, not an IMD
    except _NeedsWaitingImds:
        pass
    except Exception:
        logger.exception("one_pass_failed", reading_file=str(reading_file.pk), imds=len(now))
    else:
        return
    imd_store.store(records=[*now.values()], ids=[*now], by=by, at=at, reading_file=reading_file)


def _free_components(records: Sequence[NewImd]) -> dict[int, Component]:
    """Lock and give the components whose IMDs can be put through now."""
    wanted = {record.component_id for record in records if record.component_id is not None and not record.error}
    free = lock_and_load_components(component_ids=wanted, free_only=True)
    # What waits was there before: nothing may overtake it.
    waiting = models.InitialMeasurement.objects.filter(is_due(), measuring_component__any_of=Ids(free))
    held = set(waiting.values_list("measuring_component", flat=True))
    return {pk: component for pk, component in free.items() if fits(component) and pk not in held}


def fits(component: Component) -> bool:
    """Tell whether nothing that prepares the component's IMDs looks for their rows."""
    return component.kind == ComponentKind.INTERVAL and component.high_quality_tolerance is None


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records that go through now, by the ids of their IMDs."""

    records: Mapping[int, NewImd]
    components: Mapping[int, Component]
    by: str
    reading_file: models.ReadingFile

    def enter(
        self,
        *,
        imd_ids: Sequence[int],
        path: Sequence[str],
        at: dt.datetime,
        details: Mapping[int, str] | None = None,
        details_of: str | None = None,
    ) -> None:
        """Store IMDs where a path of states from PENDING ends, with the transitions of the whole path."""
        if not imd_ids:
            return
        imd_store.insert_imds(
            ids=imd_ids,
            records=[self.records[imd_id] for imd_id in imd_ids],
            states=[str(path[-1])] * len(imd_ids),
            at=at,
            reading_file=self.reading_file,
            attempts=int(len(path) > 1),
        )
        lifecycle.record_entry(imd_ids=imd_ids, path=path, at=at, by=self.by, details=details, details_of=details_of)


def _process(chunk: Chunk, *, at: dt.datetime) -> None:
    due = [
        imd_store.as_due(imd_id, record, chunk.components[record.component_id or 0])
        for imd_id, record in chunk.records.items()
    ]
    due.sort(key=lambda imd: (imd.component.id if imd.component else 0, imd.start, imd.id))
    plans = Plans()
    first, *later = in_waves(due, plans)
    # Rules compare what was received with what the database has of it.
    imd_store.insert_payloads(ids=[*chunk.records], records=[*chunk.records.values()])
    groups, refused = validate(imds=first, plans=plans, history=_HistoryWithoutWaitingImds)
    judged = evidence.entering_ids(groups)
    # The rest is there as the ordinary way would find it: what follows may look for IMDs in progress.
    waiting = [imd_id for imd_id in chunk.records if imd_id not in judged]
    chunk.enter(imd_ids=waiting, path=[ImdState.PENDING], at=at)
    outcome = evidence.conclude(groups=groups, refused=refused, at=at, move=chunk.enter)
    retries.rerun_related(component_ids=outcome.completed_components, at=at)
    for wave in later:
        processing.carry_through(wave=wave, plans=plans, at=at)


class _NeedsWaitingImds(Exception):
    """A rule asks for IMDs that are not final."""


class _HistoryWithoutWaitingImds(MeasurementHistory):
    """The history for IMDs whose rows are not there yet; IMDs that are final are."""

    def siblings_without_imd(self, batch: Batch) -> NoReturn:
        """Refuse: IMDs in any state are looked for."""
        raise _NeedsWaitingImds
