"""What rules find and change, and what a run leaves as evidence."""

from __future__ import annotations

import enum
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foundation.kept_texts import kept
from vee.codes import Severity
from vee.engine.batch import Batch


MAIN = "main"

# What the database columns for evidence hold.
MESSAGE_LENGTH = 500
NUMBER_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that a rule found on one IMD, with the numbers that prove it.

    `point` is the failure point's name; the severity and exception type that are configured for it are the runner's
    business. Intervals count from 0, as in the IMD's list of values.
    """

    row: int
    message: str
    observed: str = ""
    limit: str = ""
    first_interval: int | None = None
    last_interval: int | None = None
    count: int = 1
    point: str = MAIN
    todo_type: str | None = None
    """Set where this finding alone decides on the To Do: the To Do type, or "" for the exception type's own."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The intervals that a rule set: arrays of one length, in any order, each interval at most once."""

    rows: NDArray[np.intp]
    intervals: NDArray[np.intp]
    values: NDArray[np.int64]
    conditions: NDArray[np.int32]
    valid: NDArray[np.bool_] | None = None
    """Whether each interval then has a value; None: all of them. One without a value is missing or was not read."""

    def __len__(self) -> int:
        return len(self.rows)

    @classmethod
    def joined(cls, parts: Sequence[Changes]) -> Changes:
        """Give several changes as one."""
        empty = np.zeros(0, dtype=np.int64)
        return cls(
            rows=np.concatenate([empty, *(part.rows for part in parts)]),
            intervals=np.concatenate([empty, *(part.intervals for part in parts)]),
            values=np.concatenate([empty, *(part.values for part in parts)]),
            conditions=np.concatenate([empty, *(part.conditions for part in parts)]).astype(np.int32),
        )


@dataclass(frozen=True, slots=True)
class NotEvaluated:
    """A rule could not judge these IMDs, which is neither a pass nor a failure."""

    rows: NDArray[np.intp]
    reason: str


@dataclass(frozen=True, slots=True)
class EstimationRequest:
    """A rule asks for an estimation IMD of the component of one IMD, for (start, end]; seconds since 1970, UTC."""

    row: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one rule has to say about one batch; a row of which nothing is said has passed."""

    findings: list[Finding] = field(default_factory=list)
    changes: Changes | None = None
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    finished: Sequence[int] = ()
    """Rows whose run ends here, without a finding (`successful_termination`)."""
    requests: list[EstimationRequest] = field(default_factory=list)
    """Estimation IMDs to create once the run is kept."""

    @classmethod
    def nothing_to_judge(cls, batch: Batch, reason: str) -> Result:
        """Say of every IMD of the batch that it was not evaluated, and why."""
        return cls(not_evaluated=[NotEvaluated(np.arange(batch.size), reason)])

    def find_in(self, rows: NDArray[np.intp], message: str, *, observed: str, limit: str) -> None:
        """Say the same of some rows; findings stay in the order of their rows."""
        self.findings.extend(Finding(row, message, observed=observed, limit=limit) for row in rows.tolist())
        self.findings.sort(key=lambda finding: finding.row)

    def leave_out(self, rows: Sequence[int] | NDArray[np.intp], reason: str) -> None:
        """Say of some rows that they were not evaluated, and why; nothing is said when there are none."""
        if len(rows):
            self.not_evaluated.append(NotEvaluated(np.asarray(rows, dtype=np.intp), reason))


class Outcome(enum.StrEnum):
    """What became of one rule on one IMD."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    ESTIMATED = "ESTIMATED"
    NOT_EVALUATED = "NOT_EVALUATED"
    FINISHED = "FINISHED"
    SKIPPED = "SKIPPED"


NOT_ELIGIBLE = kept("not eligible")
RUN_ENDS = kept("the run ends here")


@dataclass(frozen=True, slots=True)
class RowFinding:
    """A finding with everything that its rule's configuration adds: what becomes a VEE exception (`vee.md` 3.6)."""

    row: int
    severity: Severity
    exception_type: str
    rule: str
    rule_id: int
    group: str
    group_path: str
    message: str
    observed: str = ""
    limit: str = ""
    first_interval: int | None = None
    last_interval: int | None = None
    count: int = 1
    point: str = MAIN
    todo_type: str | None = None


@dataclass(frozen=True, slots=True)
class StepLog:
    """What one step of the plan did to the batch; all rows are rows of the batch that the run was given."""

    rule: str
    rule_id: int
    group: str
    group_path: str
    rows: int
    """How many IMDs reached the step; 0 when it was skipped for all of them."""
    failed: int
    not_evaluated: int
    reason: str
    """Why the step was skipped, or why IMDs were not evaluated; else empty."""
    changed: int = 0
    """How many intervals it set."""
    reached: NDArray[np.intp] | None = field(default=None, repr=False, compare=False)
    """The rows that reached the step; None when it was skipped."""
    failures: Sequence[RowFinding] = field(default=(), repr=False, compare=False)
    notes: Sequence[NotEvaluated] = field(default=(), repr=False, compare=False)
    estimated: Sequence[NDArray[np.intp]] = field(default=(), repr=False, compare=False)
    finished: Sequence[int] = field(default=(), repr=False, compare=False)
    not_eligible: Sequence[int] = field(default=(), repr=False, compare=False)
    """The rows under way that criteria keep from the step."""

    def outcomes(self) -> dict[int, tuple[Outcome, str]]:
        """Give outcome and reason per row that did anything but pass; the gravest of several stands."""
        told: dict[int, tuple[Outcome, str]] = {}
        for note in self.notes:
            told.update((row, (Outcome.NOT_EVALUATED, note.reason)) for row in note.rows.tolist())
        for rows in self.estimated:
            told.update({row: (Outcome.ESTIMATED, told.get(row, (None, ""))[1]) for row in set(rows.tolist())})
        told.update((row, (Outcome.FINISHED, RUN_ENDS)) for row in self.finished)
        for finding in self.failures:
            told[finding.row] = (Outcome.FAILED, finding.message)
        return told


@dataclass(frozen=True, slots=True)
class RowStep:
    """What one rule did to one IMD, for the IMD's own log."""

    rule: str
    rule_id: int
    group: str
    outcome: Outcome
    reason: str = ""


@dataclass(frozen=True)
class RunResult:
    """The batch after VEE, and everything that was found on the way."""

    batch: Batch
    """Post-VEE. Where nothing was changed it is the batch that came in."""
    findings: list[RowFinding]
    blocked: NDArray[np.bool_]
    """[N] whether the IMD has an Issue or a Terminate, and so may not be finalized."""
    log: list[StepLog]
    changed: NDArray[np.bool_]
    """[N] whether any interval was set by a rule."""
    requests: Sequence[EstimationRequest] = ()
    """Estimation IMDs that rules ask for; rows of the whole batch."""

    def row_log(self, row: int) -> list[RowStep]:
        """Give what each step did to one IMD, in order; a step that the IMD did not reach is left out."""
        return self._row_logs[row]

    @functools.cached_property
    def _row_logs(self) -> list[list[RowStep]]:
        """Give each row's log; rows that went the same way share one list."""
        steps: list[RowStep | None] = [None]
        codes = np.zeros((self.batch.size, len(self.log)), dtype=np.int32)
        for column, entry in enumerate(self.log):
            self._encode(entry, codes[:, column], steps)
        ways = codes.view(f"V{codes.itemsize * codes.shape[1]}").reshape(-1).tolist() if len(self.log) else []
        first_of = {way: row for row, way in reversed(list(enumerate(ways)))}
        logs = {
            way: [step for code in codes[row].tolist() if (step := steps[code]) is not None]
            for way, row in first_of.items()
        }
        return [logs[way] for way in ways] if ways else [[] for _ in range(self.batch.size)]

    def _encode(self, entry: StepLog, codes: NDArray[np.int32], steps: list[RowStep | None]) -> None:
        """Write, per row, which of `steps` an entry is for it; 0 where the row did not reach the step."""

        def code_of(outcome: Outcome, reason: str) -> int:
            steps.append(RowStep(entry.rule, entry.rule_id, entry.group, outcome, reason))
            return len(steps) - 1

        if entry.reached is None:
            codes[:] = code_of(Outcome.SKIPPED, entry.reason)
            return
        if len(entry.not_eligible):
            codes[list(entry.not_eligible)] = code_of(Outcome.SKIPPED, NOT_ELIGIBLE)
        codes[entry.reached] = code_of(Outcome.PASSED, "")
        reached = set(entry.reached.tolist()) if len(entry.reached) < len(codes) else None
        made: dict[tuple[Outcome, str], int] = {}
        for row, outcome in entry.outcomes().items():
            if reached is None or row in reached:
                if outcome not in made:
                    made[outcome] = code_of(*outcome)
                codes[row] = made[outcome]
