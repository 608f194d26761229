"""
Due IMDs through VEE into final measurements: claimed in chunks, one transaction per chunk (`vee.md` 3, 7.3).

What the database says is due is the truth; a task or a command only wakes this up.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Case, F, Min, QuerySet, When

from vee.choices import is_due
from vee.locks import lock_components
from vee.models import InitialMeasurement
from vee.operations import evidence, retries
from vee.operations.groups import Plans
from vee.operations.preparation import DueImd, load_due
from vee.operations.validation import validate
from vee.operations.waves import in_waves
from vee.storage import UnableToStoreMeasurements, fetch_rows


logger = structlog.get_logger(__name__)

# Enough that what a transaction costs by itself does not count; more does not help (`performance.md` B.1).
DEFAULT_CHUNK = 2_000


@dataclasses.dataclass(slots=True)
class ProcessingSummary:
    """What became of the IMDs that were due: counts of IMDs, and of the intervals of those that completed."""

    chunks: int = 0
    imds: int = 0
    completed: int = 0
    exceptions: int = 0
    errors: int = 0
    intervals: int = 0

    def add(self, other: ProcessingSummary) -> None:
        """Add the counts of another run."""
        for field in dataclasses.fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def process_due(*, at: dt.datetime, limit: int | None = None, chunk: int = DEFAULT_CHUNK) -> ProcessingSummary:
    """
    Process due IMDs until none is left that nobody else is working on, or `limit` of them are done.

    Each chunk is committed for itself: all effects on an IMD or none.
    """
    summary = ProcessingSummary()
    while limit is None or summary.imds < limit:
        size = chunk if limit is None else min(chunk, limit - summary.imds)
        with transaction.atomic():
            claim = _claim(size)
            done = process_claimed(imd_ids=claim.imd_ids, at=at, locked=claim.component_ids)
        if not done.imds:
            break
        done.chunks = 1
        summary.add(done)
    return summary


@dataclasses.dataclass(frozen=True, slots=True)
class _Claim:
    imd_ids: list[int]
    component_ids: frozenset[int]


def _claim(size: int) -> _Claim:
    """
    Lock due IMDs that nobody else holds, with their components; leave those that would overtake an earlier one.

    Intervals go by their start, register reads by the time at which they were read, whatever kind of IMD they are.
    """
    rows = fetch_rows(
        _due()
        .order_by("measuring_component", "start", "pk")
        .select_for_update(skip_locked=True, of=("self",))
        .values_list("pk", "measuring_component", "turn", "seconds_per_interval")[:size]
    )
    rows = sorted({*rows, *_earlier_reads(rows)}, key=lambda row: (row[1] or 0, row[2], row[0]))[:size]
    locked = frozenset(component for _, component, _, _ in rows if component is not None)
    lock_components(component_ids=locked)
    if connection.vendor != "postgresql" or not rows:
        return _Claim([row[0] for row in rows], locked)
    # Another worker may hold earlier IMDs of the same components and not have come to locking these yet.
    earlier = (
        _due()
        .filter(
            measuring_component__any_of={row[1] for row in rows if row[1] is not None},
            turn__lt=max(row[2] for row in rows),
        )
        .exclude(pk__any_of=[row[0] for row in rows])
    )
    waiting: dict[int, dt.datetime] = dict(
        earlier.order_by().values_list("measuring_component").annotate(first=Min("turn"))
    )
    ids = [pk for pk, component, turn, _ in rows if component not in waiting or turn < waiting[component]]
    return _Claim(ids, locked)


def _due() -> QuerySet[Any]:
    turn = Case(When(seconds_per_interval__isnull=True, then=F("end")), default=F("start"))
    return InitialMeasurement.objects.filter(is_due()).annotate(turn=turn)


def something_waits() -> bool:
    """
    Tell whether IMDs are due that nobody has in hand: the workers there are have enough to do.

    What it locks to see that is free again at once, outside a transaction. True where one worker writes at a time.
    """
    if not connection.features.has_select_for_update_skip_locked:
        return True
    with transaction.atomic():
        return bool(_due().order_by().select_for_update(skip_locked=True, of=("self",)).values_list("pk")[:1])


def _earlier_reads(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Lock the due reads of the same registers that were read before these, though their periods begin later."""
    reads = [row for row in rows if row[3] is None and row[1] is not None]
    if not reads:
        return []
    return fetch_rows(
        _due()
        .filter(measuring_component__any_of={row[1] for row in reads}, turn__lt=max(row[2] for row in reads))
        .order_by("measuring_component", "end", "pk")
        .select_for_update(skip_locked=True, of=("self",))
        .values_list("pk", "measuring_component", "turn", "seconds_per_interval")
    )


def process_claimed(*, imd_ids: Sequence[int], at: dt.datetime, locked: Collection[int] = ()) -> ProcessingSummary:
    """
    Carry IMDs that the open transaction has locked through VEE; `locked` are components that it has locked as well.

    When a chunk fails as a whole its halves are run apart, so that in the end only the guilty IMD stays behind: one
    whose measurements cannot be stored goes to ERROR, one on which VEE itself fails gets a technical exception.
    """
    if not imd_ids:
        return ProcessingSummary()
    try:
        with transaction.atomic():
            return _process(imd_ids, at=at, locked=locked)
    except (OperationalError, InterfaceError):
        raise  # the database is the trouble, not an IMD
    except Exception as error:  # noqa: BLE001  whatever it is, it must not stop the other IMDs
        if len(imd_ids) == 1:
            return _put_aside(imd_ids[0], error, at=at)
        logger.warning("chunk_failed", imds=len(imd_ids), error=type(error).__name__)
    summary = ProcessingSummary()
    middle = len(imd_ids) // 2
    for half in (imd_ids[:middle], imd_ids[middle:]):
        summary.add(process_claimed(imd_ids=half, at=at, locked=locked))
    return summary


def _process(imd_ids: Sequence[int], *, at: dt.datetime, locked: Collection[int]) -> ProcessingSummary:
    due = load_due(imd_ids=imd_ids)
    lock_components(component_ids={imd.component.id for imd in due if imd.component is not None}.difference(locked))
    evidence.clear_previous_runs(imds=due, at=at)
    plans = Plans()
    summary = ProcessingSummary(imds=len(due))
    for wave in in_waves(due, plans):
        outcome = carry_through(wave=wave, plans=plans, at=at)
        summary.completed += outcome.completed
        summary.exceptions += outcome.exceptions
        summary.errors += outcome.errors
        summary.intervals += outcome.intervals
    return summary


def carry_through(*, wave: Sequence[DueImd], plans: Plans, at: dt.datetime) -> evidence.Outcome:
    """Put IMDs that do not wait for each other through VEE, store what follows, and wake those that waited for them."""
    groups, refused = validate(imds=wave, plans=plans)
    outcome = evidence.conclude(groups=groups, refused=refused, at=at)
    retries.rerun_related(component_ids=outcome.completed_components, at=at)
    return outcome


def _put_aside(imd_id: int, error: Exception, *, at: dt.datetime) -> ProcessingSummary:
    (imd,) = load_due(imd_ids=[imd_id])
    evidence.clear_previous_runs(imds=[imd], at=at)
    if isinstance(error, UnableToStoreMeasurements):
        evidence.fail_normalization(failures=[(imd, str(error))], at=at)
        return ProcessingSummary(imds=1, errors=1)
    logger.error("imd_failed", imd=imd_id, exc_info=error)
    evidence.raise_technical(imd=imd, error=error, at=at)
    return ProcessingSummary(imds=1, exceptions=1)
