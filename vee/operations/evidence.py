"""What a run of VEE leaves behind: measurements, exceptions, values after VEE, To Dos, states and events."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from django.db.models import F

from foundation.kept_texts import kept
from vee import events
from vee.choices import ImdState
from vee.codes import BLOCKING_SEVERITIES, Band, Severity
from vee.engine.batch import EDITED
from vee.engine.findings import RowFinding
from vee.models import ImdPostVee, VeeException
from vee.operations import estimation, lifecycle, progress, todos, usage_changes
from vee.operations.components import Component
from vee.operations.coverage import Gap
from vee.operations.normalization import RegisterRead, normalize_intervals, normalize_registers
from vee.operations.preparation import DueImd
from vee.operations.subtractive_values import Consumed, sync_following
from vee.operations.validation import Group, Refused
from vee.operations.values_after_vee import store_values_after_vee
from vee.storage import NO_VALUE, SECONDS_PER_DAY, Change, DayPieces, cut_into_days, insert_rows, note_changed_days


TECHNICAL = "TECHNICAL"
NOT_PREPARED = "NOT-PREPARED"
_EXCEPTION_COLUMNS = {
    "imd_id": "int8", "measuring_component_id": "int8", "severity": "varchar", "exception_type": "varchar",
    "rule": "varchar", "rule_id_used": "int8", "group": "varchar", "group_path": "varchar", "message": "varchar",
    "observed": "varchar", "limit": "varchar", "first_interval": "int4", "last_interval": "int4", "count": "int4",
    "open": "bool", "created_at": "timestamptz",
}  # fmt: skip


@dataclasses.dataclass(slots=True)
class Outcome:
    """Counts of what became of one wave of IMDs."""

    completed: int = 0
    exceptions: int = 0
    errors: int = 0
    intervals: int = 0
    completed_components: set[int] = dataclasses.field(default_factory=set)
    """The components of those that completed."""


def clear_previous_runs(*, imds: Sequence[DueImd], at: dt.datetime) -> None:
    """Close the exceptions of earlier runs and drop their values: a run starts from what was received plus edits."""
    again = [imd.id for imd in imds if imd.attempts or imd.user_edited]
    if again:
        close_exceptions(imd_ids=again, at=at)
        ImdPostVee.objects.filter(pk__any_of=again).delete()


def close_exceptions(*, imd_ids: Sequence[int], at: dt.datetime) -> None:
    """Close the open exceptions of these IMDs."""
    VeeException.objects.filter(imd__any_of=imd_ids, open=True).update(open=False, closed_at=at)


class Movement(Protocol):
    """How IMDs come to where a path of states ends; `details` by IMD belong to the step to `details_of`."""

    def __call__(
        self, *, imd_ids: Sequence[int], path: Sequence[str], at: dt.datetime, details: Mapping[int, str],
        details_of: str,
    ) -> None: ...  # fmt: skip


def _move(
    *, imd_ids: Sequence[int], path: Sequence[str], at: dt.datetime, details: Mapping[int, str], details_of: str
) -> None:
    also = {"attempts": F("attempts") + 1, "error": ""}
    lifecycle.bulk_move(imd_ids=imd_ids, path=path, at=at, details=details, details_of=details_of, also=also)


def conclude(
    *,
    groups: Sequence[Group],
    refused: Sequence[Refused],
    at: dt.datetime,
    move: Movement = _move,
    plain: Collection[int] = frozenset(),
    left: Collection[int] = frozenset(),
) -> Outcome:
    """
    Store what groups of IMDs went through, and move each of them to where it belongs.

    `move` is told of those that VEE completed or held; what cannot be prepared or stored goes to ERROR behind them. Of
    `plain` there is nothing to say: they become measurements and leave no IMD. Nothing is done about those of interval
    components that are `left`.
    """
    outcome = Outcome()
    findings: list[tuple[DueImd, RowFinding]] = []
    needs: list[todos.Need] = []
    moves: dict[tuple[str, str], list[int]] = defaultdict(list)
    logs: dict[int, str] = {}
    unstorable: list[tuple[DueImd, str]] = []
    for group in groups:
        rows = [row for row, imd in enumerate(group.imds) if imd.id not in plain and imd.id not in left]
        logs.update(zip((group.imds[row].id for row in rows), group.logs(rows), strict=True))
        findings += [
            (group.imds[row], finding) for row in rows if row in group.findings for finding in group.findings[row]
        ]
        blocked = group.blocked.tolist()
        for row in rows:
            imd, component = group.imds[row], group.components[row]
            if blocked[row]:
                moves[imd.state, ImdState.EXCEPTION].append(imd.id)
                needs.append(_need(imd, group.findings[row]))
            elif not _storable(group, imd, component):
                unstorable.append((imd, _other_size(imd, component.seconds_per_interval)))
            else:
                moves[imd.state, ImdState.COMPLETE].append(imd.id)
                outcome.completed_components.add(component.id)
                outcome.intervals += group.result.batch.length
        store_values_after_vee(group=group, at=at, left=left)
    kept_out = {*left, *(imd.id for imd, _ in unstorable)}
    changes = normalize(groups, kept_out, at=at)
    progress.advance(changes=changes, whole=whole_periods(groups, kept_out))
    _store_exceptions(findings, at=at)
    for (state, target), ids in moves.items():
        steps = _path(state, target)
        move(imd_ids=ids, path=steps, at=at, details=logs, details_of=steps[steps.index(ImdState.VEE_READY) + 1])
    outcome.completed = sum(len(ids) for (_, target), ids in moves.items() if target == ImdState.COMPLETE)
    outcome.exceptions = sum(len(ids) for (_, target), ids in moves.items() if target == ImdState.EXCEPTION)
    todos.open_todos(needs=needs, at=at)
    fail_normalization(failures=unstorable, at=at)
    outcome.errors = len(unstorable)
    for refusal in refused:
        in_error = _refuse(refusal, at=at)
        outcome.errors += in_error
        outcome.exceptions += not in_error
    usage_changes.take_up(changes=changes, imds=[imd for group in groups for imd in group.imds], at=at)
    estimation.create_for_requests(requests=_requests(groups, left), at=at)
    note_changed_days(changes=changes, at=at)
    events.announce_changes(changes=changes, at=at)
    events.announce_attention(imd_ids=[need.imd_id for need in needs], at=at)
    return outcome


def _storable(group: Group, imd: DueImd, component: Component) -> bool:
    return imd.seconds_per_interval == component.seconds_per_interval or group.scalars is not None


def entering_ids(groups: Sequence[Group]) -> set[int]:
    """Give the IMDs that VEE completes or holds; those that passed and cannot be stored are left out."""
    return {
        imd.id
        for group in groups
        for imd, component, blocked in zip(group.imds, group.components, group.blocked.tolist(), strict=True)
        if blocked or _storable(group, imd, component)
    }


def whole_periods(groups: Sequence[Group], kept_out: set[int]) -> dict[int, tuple[int, int]]:
    """Give, by component, the period that its IMDs were written for without a break, all of it actual; whole days."""
    spans: dict[int, list[tuple[int, int, bool]]] = {}
    offsets: dict[int, int] = {}
    for group in groups:
        if group.scalars is not None:
            continue
        batch = group.result.batch
        actual = (batch.valid & (batch.conditions >= Band.REGULAR.low)).all(axis=1) & ~group.blocked
        for imd, component, good in zip(group.imds, group.components, actual.tolist(), strict=True):
            offsets[component.id] = component.standard_offset
            spans.setdefault(component.id, []).append((imd.start, imd.end, good and imd.id not in kept_out))
    whole = {}
    for component_id, found in spans.items():
        if len(found) > 1:
            found.sort()
            good = all(good for *_, good in found)
            good = good and all(later[0] == earlier[1] for earlier, later in itertools.pairwise(found))
        else:
            good = found[0][2]
        if good and (found[-1][1] + offsets[component_id]) % SECONDS_PER_DAY == 0:
            whole[component_id] = (found[0][0], found[-1][1])
    return whole


def _requests(groups: Sequence[Group], left: Collection[int]) -> list[Gap]:
    return [
        Gap(group.components[asked.row].id, asked.start, asked.end)
        for group in groups
        for asked in group.result.requests
        if group.imds[asked.row].id not in left
    ]


def _path(state: str, target: str) -> list[str]:
    before = [] if state == ImdState.VEE_READY else [ImdState.PENDING]
    through = [ImdState.VEE] if target in (ImdState.COMPLETE, ImdState.ERROR) else []
    return [*before, ImdState.VEE_READY, *through, target]


def _other_size(imd: DueImd, expected: int | None) -> str:
    return f"Readings of {imd.seconds_per_interval} s cannot be stored for a component of {expected} s."


def _need(imd: DueImd, findings: Sequence[RowFinding]) -> todos.Need:
    blocking = [finding for finding in findings if finding.severity in BLOCKING_SEVERITIES]
    first = next((found for found in blocking if found.severity == Severity.TERMINATE), blocking[0])
    found = first.exception_type
    if len(blocking) > 1:
        found = kept(f"{found} (and {len(blocking) - 1} more)")
    return todos.Need(
        imd.id,
        [(finding.severity, finding.exception_type) for finding in blocking],
        kept(f"{imd.identifier}: {found} – {first.message}"),
        first.todo_type,
    )


def _store_exceptions(findings: Sequence[tuple[DueImd, RowFinding]], *, at: dt.datetime) -> None:
    insert_rows(
        table=VeeException._meta.db_table,
        columns=_EXCEPTION_COLUMNS,
        rows=[
            (
                imd.id,
                None if imd.component is None else imd.component.id,
                str(finding.severity),
                finding.exception_type,
                finding.rule,
                finding.rule_id or None,
                finding.group,
                finding.group_path,
                finding.message,
                str(finding.observed),
                str(finding.limit),
                None if finding.first_interval is None else int(finding.first_interval),
                None if finding.last_interval is None else int(finding.last_interval),
                int(finding.count),
                True,
                at,
            )
            for imd, finding in findings
        ],
    )


def normalize(groups: Sequence[Group], kept_out: set[int], *, at: dt.datetime) -> list[Change]:
    """Write what passed, but for the IMDs that are kept out, as final measurements; give what changed."""
    pieces: list[DayPieces] = []
    reads: list[RegisterRead] = []
    subtractive: list[tuple[DueImd, Component, Consumed]] = []
    for group in groups:
        rows = np.flatnonzero(~group.blocked)
        if kept_out:
            rows = rows[[group.imds[row].id not in kept_out for row in rows.tolist()]]
        if not len(rows):
            continue
        if group.scalars is None:
            skipping = np.array([group.components[row].skip_identical for row in rows.tolist()], dtype=bool)
            for skip_identical in (True, False):
                chosen = rows[skipping == skip_identical]
                if len(chosen):
                    pieces += _pieces(group, chosen, skip_identical=skip_identical)
        else:
            reads += [_read(group, row) for row in rows.tolist()]
        if group.consumed is not None:
            subtractive += [(group.imds[row], group.components[row], group.consumed[row]) for row in rows.tolist()]
    return [
        *normalize_intervals(pieces=pieces, at=at),
        *sync_following(done=subtractive, at=at),
        *normalize_registers(reads=reads, at=at),
    ]


def _pieces(group: Group, rows: np.ndarray, *, skip_identical: bool) -> list[DayPieces]:
    batch = group.result.batch
    components = [group.components[row] for row in rows.tolist()]
    edited = batch.set_by[rows] == EDITED
    counted = components if group.consumed is None else [group.consumed[row] for row in rows]
    return cut_into_days(
        component_ids=np.array([component.id for component in components], dtype=np.int64),
        imd_ids=np.array([group.imds[row].id for row in rows.tolist()], dtype=np.int64),
        multipliers=np.array([each.multiplier_in_millionths for each in counted], dtype=np.int64),
        starts=batch.starts[rows],
        standard_offsets=np.array([component.standard_offset for component in components], dtype=np.int64),
        values=np.where(batch.valid[rows], batch.values[rows], NO_VALUE),
        conditions=batch.conditions[rows],
        edited=edited if edited.any() else None,
        scale=batch.scale,
        seconds_per_interval=batch.seconds_per_interval or 0,
        skip_identical=skip_identical,
        readings=None if group.consumed is None else np.stack([group.consumed[row].readings for row in rows]),
    )


def _read(group: Group, row: int) -> RegisterRead:
    scalar = (group.scalars or [])[row]
    return RegisterRead.of(imd=group.imds[row], component=group.components[row], scalar=scalar)


def fail_normalization(*, failures: Sequence[tuple[DueImd, str]], at: dt.datetime) -> None:
    """Put IMDs whose measurements cannot be stored into ERROR, each with its reason and a To Do."""
    for imd, reason in failures:
        lifecycle.bulk_move(
            imd_ids=[imd.id],
            path=_path(imd.state, ImdState.ERROR),
            at=at,
            reason=reason,
            also={"attempts": F("attempts") + 1, "error": reason[:300]},
        )
    _ask_for_repair([(imd.id, kept(f"{imd.identifier}: {reason}")) for imd, reason in failures], at=at)


def raise_technical(*, imd: DueImd, error: Exception, at: dt.datetime) -> None:
    """Put an IMD on which VEE itself failed into EXCEPTION with a technical finding (`reliability.md` V11)."""
    _raise_terminate(imd, TECHNICAL, f"VEE failed unexpectedly: {type(error).__name__}.", at=at)


def _refuse(refusal: Refused, *, at: dt.datetime) -> bool:
    """Put an IMD that cannot be prepared aside; give whether it went to ERROR."""
    imd = refusal.imd
    if imd.state == ImdState.VEE_READY:
        # It was prepared once, so it was in EXCEPTION before: that is where it goes back to.
        _raise_terminate(imd, NOT_PREPARED, refusal.reason, at=at)
        return False
    lifecycle.bulk_move(
        imd_ids=[imd.id],
        path=[ImdState.PENDING, ImdState.ERROR],
        at=at,
        reason=refusal.reason,
        also={"error": refusal.reason[:300]},
    )
    _ask_for_repair([(imd.id, kept(f"{imd.identifier}: {refusal.reason}"))], at=at)
    return True


def _raise_terminate(imd: DueImd, exception_type: str, message: str, *, at: dt.datetime) -> None:
    finding = RowFinding(
        row=0, severity=Severity.TERMINATE, exception_type=exception_type, rule="", rule_id=0, group="",
        group_path="", message=message[:500],
    )  # fmt: skip
    _store_exceptions([(imd, finding)], at=at)
    lifecycle.bulk_move(
        imd_ids=[imd.id],
        path=_path(imd.state, ImdState.EXCEPTION),
        at=at,
        reason=message,
        also={"attempts": F("attempts") + 1, "error": ""},
    )
    todos.open_todos(needs=[_need(imd, [finding])], at=at)
    events.announce_attention(imd_ids=[imd.id], at=at)


def _ask_for_repair(failures: Sequence[tuple[int, str]], *, at: dt.datetime) -> None:
    todos.open_todos(needs=[todos.Need(imd_id, (), summary) for imd_id, summary in failures], at=at)
    events.announce_attention(imd_ids=[imd_id for imd_id, _ in failures], at=at)
