"""
What changed final measurements mean for usage (`vee.md` 8, rules 1 to 7; seed steps 3.4 to 3.6).

Called inside the transaction of normalization, so that a measurement and what it does to usage are committed together
or not at all (`reliability.md` V6, V7). One query when no usage is concerned.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from django.db.models import Exists, OuterRef, Q, QuerySet

from foundation.dispatch import after_commit
from foundation.kept_texts import kept
from vee import events
from vee.choices import USAGE_NOT_SENT, USAGE_SENSITIVE, ImdState
from vee.choices import UsageTransactionStatus as Status
from vee.codes import ComponentKind
from vee.models import InitialMeasurement, MeasuringComponent, UsageCorrection, UsageTransaction
from vee.operations import usage_figures, usage_lifecycle
from vee.operations.changed_labels import changed_labels
from vee.operations.preparation import DueImd
from vee.storage import Change
from vee.usage_queries import POINT


_AT_ONCE = 5_000


@dataclasses.dataclass(frozen=True, slots=True)
class _Concerned:
    """A change of a component whose service point has usage."""

    change: Change
    service_point_id: int
    kind: str

    def overlaps(self, row: UsageTransaction) -> bool:
        """Whether the change may lie in a transaction's period; a register's read also where the period begins."""
        after_start = self.change.last > row.start
        if self.kind == ComponentKind.SCALAR:
            after_start = self.change.last >= row.start
        return after_start and self.change.first <= row.end


def take_up(*, changes: Sequence[Change], imds: Iterable[DueImd], at: dt.datetime) -> None:
    """
    Make usage follow the changes that these IMDs have just made to final measurements.

    What was not sent is marked stale and recalculated; what was sent becomes SUBSEQUENT_CORRECTION, once, with the
    IMDs, the figures before and after, and word to the recipient. PENDING usage is left alone.
    """
    concerned = _concerned(changes)
    if not concerned:
        return
    by_point: dict[int, list[_Concerned]] = defaultdict(list)
    for one in concerned:
        by_point[one.service_point_id].append(one)
    stale: list[int] = []
    corrections: list[int] = []
    for row in _locked(concerned):
        overlapping = [one for one in by_point[row.usage_subscription.service_point_id] if one.overlaps(row)]
        if not overlapping:
            continue
        if row.status == Status.SENT:
            corrections += _correct(row, overlapping, imds, at=at)
        else:
            stale.append(row.pk)
    events.announce_usage_corrected(correction_ids=corrections, at=at)
    if stale:
        UsageTransaction.objects.filter(pk__any_of=stale).update(stale_since=at)
        after_commit(usage_figures.CALCULATE_TASK)


def concerned(changes: Sequence[Change]) -> set[int]:
    """Give the components of these changes whose service point has usage that they may concern; one query, or two."""
    return {one.change.component_id for one in _concerned(changes)}


def _concerned(changes: Sequence[Change]) -> list[_Concerned]:
    if not changes:
        return []
    found: list[_Concerned] = []
    first, last = _span(changes)
    # Nearly always there is none, and then no component is looked at.
    if not is_any_between(first=first, last=last):
        return found
    sensitive = _sensitive(first, last).filter(usage_subscription__service_point=OuterRef("point"))
    by_component = {change.component_id: change for change in changes}
    ids = list(by_component)
    for begin in range(0, len(ids), _AT_ONCE):
        rows = (
            MeasuringComponent.objects.filter(pk__any_of=ids[begin : begin + _AT_ONCE])
            .annotate(point=POINT)
            .filter(Exists(sensitive))
            .values_list("pk", "point", "type__component_kind")
        )
        found += [_Concerned(by_component[component], point, kind) for component, point, kind in rows]
    return found


def is_any_between(*, first: dt.datetime, last: dt.datetime) -> bool:
    """Tell whether there is usage, of any service point, that changes between two instants may concern."""
    return _sensitive(first, last).exists()


def _span(changes: Sequence[Change]) -> tuple[dt.datetime, dt.datetime]:
    return min(change.first for change in changes), max(change.last for change in changes)


def _sensitive(first: dt.datetime, last: dt.datetime) -> QuerySet[UsageTransaction]:
    """Give the transactions, of any service point, that changes from the first to the last instant may concern."""
    return UsageTransaction.objects.filter(status__in=USAGE_SENSITIVE, start__lte=last, end__gte=first)


def _locked(concerned: Sequence[_Concerned]) -> list[UsageTransaction]:
    """
    Lock the transactions that may be concerned, in the order of their ids.

    A calculation locks the components first, as normalization has done, so none is under way now: what is PENDING stays
    so, and what is stale already needs nothing more.
    """
    needs_nothing = Q(status__in=USAGE_NOT_SENT, stale_since__isnull=False)
    return list(
        _sensitive(*_span([one.change for one in concerned]))
        .filter(usage_subscription__service_point__in={one.service_point_id for one in concerned})
        .exclude(needs_nothing)
        .select_for_update(of=("self",))
        .select_related("usage_subscription")
        .order_by("pk")
    )


def _correct(
    row: UsageTransaction, concerned: Sequence[_Concerned], imds: Iterable[DueImd], *, at: dt.datetime
) -> list[int]:
    """Move a sent transaction to SUBSEQUENT_CORRECTION if a measurement in its period really changed."""
    labels = changed_labels(
        intervals=[one.change for one in concerned if one.kind != ComponentKind.SCALAR],
        registers=[one.change for one in concerned if one.kind == ComponentKind.SCALAR],
        start=row.start,
        end=row.end,
        imd_ids=[imd.id for imd in imds],
    )
    if not labels:
        return []
    old_version, new_version = row.version, row.version + 1
    totals, _issues = usage_figures.figures(transaction=row)
    usage_figures.store(transaction=row, totals=totals, version=new_version)
    ids = _imds_behind(labels, imds)
    correction = UsageCorrection.objects.create(
        transaction=row,
        at=at,
        imd_ids=ids,
        first_changed=min(min(found) for found in labels.values()),
        last_changed=max(max(found) for found in labels.values()),
        old_version=old_version,
        new_version=new_version,
    )
    shown = ", ".join(map(str, ids[:20])) + (kept(" and more") if len(ids) > 20 else "")
    usage_lifecycle.move(
        transaction=row,
        to=Status.SUBSEQUENT_CORRECTION,
        at=at,
        reason=f"Measurements changed after it was sent, by IMD {shown}.",
    )
    return [correction.pk]


def _imds_behind(labels: Mapping[int, Sequence[dt.datetime]], imds: Iterable[DueImd]) -> list[int]:
    """Give the IMDs whose period holds a changed label of their component; of a register, the one of the wave."""
    found = []
    for imd in imds:
        mine = labels.get(imd.component.id, ()) if imd.component is not None else ()
        if not mine:
            continue
        start = dt.datetime.fromtimestamp(imd.start, tz=dt.UTC)
        if imd.values is None or any(start < label <= imd.end_at for label in mine):
            found.append(imd.id)
    # What VEE held back changed nothing, though it went through with the others.
    completed = InitialMeasurement.objects.filter(pk__any_of=found, state=ImdState.COMPLETE)
    return list(completed.order_by("pk").values_list("pk", flat=True))
