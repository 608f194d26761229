"""Our rules over the data, through the engine: each day of each component is an IMD, the days around it its history."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks._agreement.series import COMPONENTS, PER_DAY, SCALE, SECONDS, START, Series
from vee.codes import ComponentKind, Condition
from vee.engine import plan, runner
from vee.engine.batch import Batch, ImdFacts
from vee.engine.calendar import SECONDS_PER_DAY
from vee.engine.context import Boundaries, Measured, NoHistory, Windows
from vee.engine.findings import RowFinding, RunResult


@dataclass(frozen=True, slots=True)
class Settings:
    """What both sides are given, so that a difference is one of method and not of numbers."""

    min_consecutive: int = 8
    longest_gap: int = 8
    tolerance: Decimal = Decimal("1.8")
    shift_factor: Decimal = Decimal(2)

    @property
    def interpolation(self) -> dict[str, Any]:
        """The parameters of our interpolation."""
        return {"max_consecutive_intervals": self.longest_gap}

    @property
    def high_low(self) -> dict[str, Any]:
        """The parameters of our comparison of a day with the eight days before it."""
        return {
            "high_tolerance_factor": str(self.shift_factor),
            "low_tolerance_factor": str(1 / self.shift_factor),
            "historical_look_first": "LAST_READING",
        }


class DaysAround(NoHistory):
    """The data itself, as it came, is what was measured before and after each IMD."""

    def __init__(self, series: Series) -> None:
        self._counts, self._valid = series.counts, series.valid

    def boundaries(self, batch: Batch) -> Boundaries:
        """Give the last interval of the day before and the first of the day after."""
        firsts = (batch.starts - START) // SECONDS
        before = self._at(batch.facts, firsts - 1)
        after = self._at(batch.facts, firsts + batch.length)
        return Boundaries(*before, *after)

    def measured(self, windows: Windows) -> Measured:
        """Give windows of the data."""
        firsts = (windows.starts - START) // SECONDS
        wanted = firsts[:, None] + np.arange(windows.length)
        inside = (wanted >= 0) & (wanted < self._counts.shape[1])
        at = (windows.component_ids[:, None] - 1, np.where(inside, wanted, 0))
        valid = inside & self._valid[at]
        return Measured(
            values=np.where(valid, self._counts[at], 0),
            valid=valid,
            conditions=_conditions(valid),
            present=valid,
            edited=np.zeros(wanted.shape, dtype=np.bool_),
        )

    def _at(
        self, facts: Any, intervals: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]]:
        components = np.array([about.component_id - 1 for about in facts], dtype=np.intp)
        inside = (intervals >= 0) & (intervals < self._counts.shape[1])
        at = (components, np.where(inside, intervals, 0))
        valid = inside & self._valid[at]
        return np.where(valid, self._counts[at], 0), _conditions(valid), valid


class Ours:
    """Runs one rule at a time over all IMDs; row of the batch = component times days + day."""

    def __init__(self, series: Series) -> None:
        self.series = series
        self._batch = _batch(series)
        self._context = DaysAround(series)

    def run(self, rule: str, parameters: dict[str, Any] | None = None) -> RunResult:
        """Run a rule as the only one of its group."""
        spec = plan.RuleSpec(id=1, sequence=10, rule=rule, parameters=parameters or {})
        steps = plan.build_plan(
            groups={"G": plan.GroupSpec("G", [spec])}, group="G", on=dt.date(2024, 1, 1), kind=ComponentKind.INTERVAL
        )
        result = runner.run(batch=self._batch, plan=steps, context=self._context)
        assert {finding.rule for finding in result.findings} <= {rule}, result.findings[0].message
        assert "RULE-PARAMETERS" not in {finding.exception_type for finding in result.findings}
        return result

    def days(self, result: RunResult, *points: str) -> NDArray[np.bool_]:
        """Tell on which days of which components there is a finding: [components, days]."""
        mask = np.zeros((len(COMPONENTS), self.series.days), dtype=np.bool_)
        for finding in result.findings:
            if not points or finding.point in points:
                mask[divmod(finding.row, self.series.days)] = True
        return mask

    def counts(self, result: RunResult) -> NDArray[np.int64]:
        """Give how many intervals were found on each day: [components, days]."""
        counted = np.zeros((len(COMPONENTS), self.series.days), dtype=np.int64)
        for finding in result.findings:
            counted[divmod(finding.row, self.series.days)] += finding.count
        return counted

    def spans(self, result: RunResult, without_first: int = 0) -> NDArray[np.bool_]:
        """
        Tell which intervals findings of runs speak of, also those before the IMD: [components, intervals].

        :param without_first: how many intervals at the beginning of each run are left out.
        """
        mask = np.zeros(self.series.counts.shape, dtype=np.bool_)
        for finding in result.findings:
            component, first, end = self._span(finding)
            mask[component, first + without_first : end] = True
        return mask

    def ends_of(self, result: RunResult) -> NDArray[np.bool_]:
        """Tell the first and the last interval of each finding, which are all of it when there are one or two."""
        mask = np.zeros(self.series.counts.shape, dtype=np.bool_)
        for finding in result.findings:
            component, day = divmod(finding.row, self.series.days)
            for interval in (finding.first_interval, finding.last_interval):
                assert interval is not None
                mask[component, day * PER_DAY + interval] = True
        return mask

    def values(self, result: RunResult) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Give the values that a run leaves and which of them are there: [components, intervals]."""
        shape = self.series.counts.shape
        return result.batch.values.reshape(shape), result.batch.valid.reshape(shape)

    def _span(self, finding: RowFinding) -> tuple[int, int, int]:
        component, day = divmod(finding.row, self.series.days)
        assert finding.last_interval is not None
        end = day * PER_DAY + finding.last_interval + 1
        return component, end - finding.count, end


def _batch(series: Series) -> Batch:
    days = series.days
    shape = (len(COMPONENTS) * days, PER_DAY)
    valid = series.valid.reshape(shape)
    facts = [
        ImdFacts(
            imd_id=row + 1,
            component_id=row // days + 1,
            uom="KWH",
            component_uom="KWH",
            multiplier=Decimal(1),
            component_multiplier=Decimal(1),
            seconds_per_interval=SECONDS,
            component_seconds_per_interval=SECONDS,
            allow_negative=COMPONENTS[row // days].allow_negative,
        )
        for row in range(shape[0])
    ]
    return Batch(
        values=series.counts.reshape(shape).copy(),
        valid=valid.copy(),
        conditions=_conditions(valid),
        set_by=np.zeros(shape, dtype=np.int32),
        kind=ComponentKind.INTERVAL,
        scale=SCALE,
        seconds_per_interval=SECONDS,
        starts=np.tile(START + SECONDS_PER_DAY * np.arange(days, dtype=np.int64), len(COMPONENTS)),
        facts=facts,
    )


def _conditions(valid: NDArray[np.bool_]) -> NDArray[np.int32]:
    return np.where(valid, int(Condition.REGULAR), int(Condition.MISSING)).astype(np.int32)
