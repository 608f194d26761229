"""Carries a batch through a plan: the only place that knows severities, and that puts a rule's changes in place."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from vee.codes import BLOCKING_SEVERITIES, Severity
from vee.engine import eligibility, registry
from vee.engine import parameters as words
from vee.engine.batch import Batch
from vee.engine.context import Context
from vee.engine.findings import (
    MESSAGE_LENGTH,
    NUMBER_LENGTH,
    Changes,
    EstimationRequest,
    Finding,
    NotEvaluated,
    Result,
    RowFinding,
    RunResult,
    StepLog,
)
from vee.engine.plan import Gate, Plan, Step
from vee.engine.rule import Evaluate, Rule


logger = logging.getLogger(__name__)

RULE_FAILED = "RULE-FAILED"

Rows = NDArray[np.intp]


def run(*, batch: Batch, plan: Plan, context: Context) -> RunResult:
    """
    Run a plan's steps over a batch.

    A Terminate takes an IMD out of the remaining steps, an Issue lets it go on and blocks it, an Info never blocks
    (`vee.md` 3.5). A rule that fails by itself fails only the IMDs that it fails on: they get a Terminate of type
    `RULE-FAILED`. What the context raises is nobody's finding and passes through. The batch that came in is not
    written to.
    """
    state = _Run(batch=batch, context=cast("Context", _Guarded(context)))
    if plan.note:
        state.log.append(StepLog("", 0, "", "", rows=0, failed=0, not_evaluated=0, reason=plan.note))
    for step in plan.steps:
        if not len(state.rows):
            break
        try:
            state.take(step)
        except _ContextFailed as failure:
            raise failure.error from None
    return RunResult(
        batch=state.batch,
        findings=state.findings,
        blocked=state.blocked,
        log=state.log,
        changed=state.changed,
        requests=state.requests,
    )


class _ContextFailed(Exception):
    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class _Guarded:
    """A context whose own failures can be told from those of the rule that asked."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        question = getattr(self._context, name)

        def ask(*args: Any, **kwargs: Any) -> Any:
            try:
                return question(*args, **kwargs)
            except Exception as error:
                raise _ContextFailed(error) from error

        return ask


@dataclass(slots=True)
class _Outcome:
    """What came of one step, in rows of the whole batch."""

    findings: list[RowFinding] = field(default_factory=list)
    not_evaluated: list[NotEvaluated] = field(default_factory=list)
    estimated: list[Rows] = field(default_factory=list)
    finished: list[int] = field(default_factory=list)
    changed: int = 0


class _Run:
    def __init__(self, *, batch: Batch, context: Context) -> None:
        self.batch = batch
        self.context = context
        self.rows: Rows = np.arange(batch.size, dtype=np.intp)
        self.findings: list[RowFinding] = []
        self.blocked = np.zeros(batch.size, dtype=np.bool_)
        self.changed = np.zeros(batch.size, dtype=np.bool_)
        self.log: list[StepLog] = []
        self.requests: list[EstimationRequest] = []
        self._gates: dict[Gate, NDArray[np.bool_]] = {}
        self._owned = False
        self._view = batch.read_only()

    def take(self, step: Step) -> None:
        """Let the rows that are still under way pass one step."""
        if step.skip:
            self._write_log(step, _Outcome(), reached=None, reason=step.skip)
            return
        outcome = _Outcome()
        rows = self._eligible(step)
        if step.problem:
            outcome.findings = [
                _row_finding(
                    step, Finding(row, step.problem.message), step.problem.severity, step.problem.exception_type
                )
                for row in rows.tolist()
            ]
        elif len(rows):
            self._evaluate(step, registry.get(step.rule), rows, outcome)
        left_out = self.rows[~np.isin(self.rows, rows)].tolist() if len(rows) < len(self.rows) else ()
        self._write_log(step, outcome, reached=rows, not_eligible=left_out)
        self._conclude(outcome)

    def _eligible(self, step: Step) -> Rows:
        """Give the rows under way that pass the gates in front of a step."""
        rows = self.rows
        for gate in step.gates:
            if gate not in self._gates:
                criteria = eligibility.read(gate.criteria)
                passed = np.zeros(self.batch.size, dtype=np.bool_)
                passed[[row for row in rows.tolist() if eligibility.applies(criteria, self._view, row)]] = True
                self._gates[gate] = passed
            rows = rows[self._gates[gate][rows]]
        return rows

    def _evaluate(self, step: Step, rule: Rule, rows: Rows, outcome: _Outcome) -> None:
        parameters = words.read(rule.parameters, step.parameters, self.batch.seconds_per_interval)
        whole = len(rows) == self.batch.size
        part = self._view if whole else self.batch.take(rows).read_only()
        try:
            results = [(rows, _checked(self._ask(rule, part, parameters, rows), part, rule))]
        except _ContextFailed:
            raise
        except Exception as error:  # noqa: BLE001 a rule's own defect must not stop the other IMDs of the batch
            logger.warning("Unable to evaluate rule %s on %d IMDs: %s", rule.name, part.size, type(error).__name__)
            results = self._one_by_one(step, rule, part, parameters, rows, outcome)
        for targets, result in results:
            self._absorb(step, rule, parameters, targets, result, outcome)

    def _ask(self, rule: Rule, part: Batch, parameters: words.RuleParameters, rows: Rows) -> Result:
        if rule.review is None:
            return cast("Evaluate", rule.evaluate)(part, parameters, self.context)
        found: dict[int, list[RowFinding]] = {row: [] for row in rows.tolist()}
        for finding in self.findings:
            if finding.row in found:
                found[finding.row].append(finding)
        return rule.review(part, parameters, list(found.values()))

    def _one_by_one(
        self,
        step: Step,
        rule: Rule,
        part: Batch,
        parameters: words.RuleParameters,
        rows: Rows,
        outcome: _Outcome,
    ) -> list[tuple[Rows, Result]]:
        results = []
        for position, row in enumerate(rows.tolist()):
            single = part.take([position]).read_only()
            at = np.array([row], dtype=np.intp)
            try:
                result = _checked(self._ask(rule, single, parameters, at), single, rule)
            except _ContextFailed:
                raise
            except Exception as error:
                logger.exception("Unable to evaluate rule %s on IMD %s", rule.name, single.facts[0].imd_id)
                message = f"The rule {rule.name} could not be evaluated: {type(error).__name__}."
                outcome.findings.append(_row_finding(step, Finding(row, message), Severity.TERMINATE, RULE_FAILED))
            else:
                results.append((at, result))
        return results

    def _absorb(
        self, step: Step, rule: Rule, parameters: words.RuleParameters, rows: Rows, result: Result, outcome: _Outcome
    ) -> None:
        for finding in result.findings:
            meant = rule.consequence(finding.point, parameters, step.severity, step.exception_type)
            if meant.severity is not None:
                outcome.findings.append(
                    _row_finding(step, finding, meant.severity, meant.exception_type, row=int(rows[finding.row]))
                )
        outcome.not_evaluated.extend(NotEvaluated(rows[note.rows], note.reason) for note in result.not_evaluated)
        outcome.finished.extend(int(rows[row]) for row in result.finished)
        self.requests.extend(
            EstimationRequest(int(rows[asked.row]), asked.start, asked.end) for asked in result.requests
        )
        if result.changes is not None and len(result.changes):
            targets = rows[result.changes.rows]
            self._put(step, targets, result.changes)
            outcome.changed += len(targets)
            outcome.estimated.append(targets)

    def _put(self, step: Step, rows: Rows, changes: Changes) -> None:
        """Put what a rule set in place, in arrays of the run's own."""
        if not self._owned:
            self.batch = self.batch.copy()
            self._owned = True
        at = (rows, changes.intervals)
        self.batch.values[at] = changes.values
        self.batch.conditions[at] = changes.conditions
        self.batch.valid[at] = True if changes.valid is None else changes.valid
        self.batch.set_by[at] = step.rule_id
        self.changed[rows] = True
        # A view knows what it found in the arrays, which are others now.
        self._view = self.batch.read_only()

    def _write_log(
        self,
        step: Step,
        outcome: _Outcome,
        *,
        reached: Rows | None,
        reason: str = "",
        not_eligible: Sequence[int] = (),
    ) -> None:
        notes = outcome.not_evaluated
        self.log.append(
            StepLog(
                rule=step.rule,
                rule_id=step.rule_id,
                group=step.group,
                group_path=step.group_path,
                rows=0 if reached is None else len(reached),
                failed=len({finding.row for finding in outcome.findings}),
                not_evaluated=sum(len(note.rows) for note in notes),
                reason=reason or "; ".join(dict.fromkeys(note.reason for note in notes)),
                changed=outcome.changed,
                reached=reached,
                failures=outcome.findings,
                notes=notes,
                estimated=outcome.estimated,
                finished=outcome.finished,
                not_eligible=not_eligible,
            )
        )

    def _conclude(self, outcome: _Outcome) -> None:
        terminated = []
        for finding in outcome.findings:
            if finding.severity in BLOCKING_SEVERITIES:
                self.blocked[finding.row] = True
            if finding.severity == Severity.TERMINATE:
                terminated.append(finding.row)
        self.findings.extend(_first_terminate_only(outcome.findings) if terminated else outcome.findings)
        if ended := [*terminated, *outcome.finished]:
            self.rows = self.rows[~np.isin(self.rows, ended)]


def _first_terminate_only(findings: list[RowFinding]) -> list[RowFinding]:
    """At most one Terminate exists per IMD: the first one, and what the rule said before it."""
    ended: set[int] = set()
    kept = []
    for finding in findings:
        if finding.row in ended:
            continue
        kept.append(finding)
        if finding.severity == Severity.TERMINATE:
            ended.add(finding.row)
    return kept


class _UnusableResult(ValueError):
    """A rule gave a result that does not fit the batch that it was given."""


def _checked(result: Result, batch: Batch, rule: Rule) -> Result:
    points = {point.name for point in rule.failure_points}
    for finding in result.findings:
        if not 0 <= finding.row < batch.size or finding.point not in points:
            raise _UnusableResult(f"{rule.name} found {finding.point!r} on row {finding.row} of {batch.size}")
    mentioned = [*result.finished, *(asked.row for asked in result.requests)]
    if any(not 0 <= row < batch.size for row in mentioned):
        raise _UnusableResult(f"{rule.name} spoke of a row outside the batch of {batch.size}")
    changes = result.changes
    if changes is not None and len(changes):
        lengths = {len(changes.rows), len(changes.intervals), len(changes.values), len(changes.conditions)}
        lengths.add(len(changes if changes.valid is None else changes.valid))
        inside = changes.rows.min() >= 0 and changes.rows.max() < batch.size
        inside = inside and changes.intervals.min() >= 0 and changes.intervals.max() < batch.length
        if len(lengths) != 1 or not inside:
            raise _UnusableResult(f"{rule.name} set intervals outside the batch")
    return result


def _row_finding(
    step: Step, finding: Finding, severity: Severity, exception_type: str, row: int | None = None
) -> RowFinding:
    return RowFinding(
        row=finding.row if row is None else row,
        severity=severity,
        exception_type=exception_type,
        rule=step.rule,
        rule_id=step.rule_id,
        group=step.group,
        group_path=step.group_path,
        message=finding.message[:MESSAGE_LENGTH],
        observed=finding.observed[:NUMBER_LENGTH],
        limit=finding.limit[:NUMBER_LENGTH],
        first_interval=finding.first_interval,
        last_interval=finding.last_interval,
        count=finding.count,
        point=finding.point,
        todo_type=finding.todo_type,
    )
