"""
How fast the engine carries batches through a plan of five rules, against three alternatives in the same run.

(a) copying the block of values: the floor, what no engine on arrays can be faster than by much;
(b) a plain-Python implementation per IMD on lists of floats: what one writes without an engine;
(c) the same on lists of Decimal, as exact as the engine.

Equal results (values, condition codes, failed checks) are asserted before anything is timed. Alternatives take turns,
each round on the same data; medians are printed.

    .venv/bin/python benchmarks/engine_throughput.py [--imds 10000] [--chunk 500] [--rounds 7]
"""

from __future__ import annotations

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import _report
from benchmarks._report import Claim
from vee.codes import ComponentKind, Condition
from vee.engine import plan, runner
from vee.engine.batch import Batch, ImdFacts
from vee.engine.context import Boundaries, NoHistory


LENGTH = 96
SECONDS = 900
SCALE = 6
MAX_GAP = 8
TOLERANCE = 1.8
RULES: list[tuple[str, dict[str, Any]]] = [
    ("uom_check", {}),
    ("multiplier_check", {}),
    ("interval_size_validation", {}),
    ("interval_interpolation_estimation", {"max_consecutive_intervals": MAX_GAP}),
    ("interval_spike_check", {"tolerance": TOLERANCE, "mode": "PER_24H"}),
]


def make_batches(imds: int, chunk: int) -> list[Batch]:
    """A day of quarter-hours for each IMD: 3 % with short gaps, 1 % with long ones, 0.5 % with spikes, 0.2 % wrong."""
    random = np.random.default_rng(20240310)
    shape = (imds, LENGTH)
    daily = 0.4 + 0.3 * np.sin(np.linspace(0, 2 * np.pi, LENGTH))
    values = np.round(daily * random.uniform(0.8, 1.2, shape) * 10**3).astype(np.int64) * 10**3
    valid = np.ones(shape, dtype=np.bool_)
    for row in random.choice(imds, imds * 4 // 100, replace=False):
        length = int(random.integers(1, MAX_GAP + 1)) if random.random() < 0.75 else int(random.integers(12, 40))
        first = int(random.integers(0, LENGTH - length + 1))
        valid[row, first : first + length] = False
    for row in random.choice(imds, imds // 200, replace=False):
        values[row, random.integers(0, LENGTH)] *= 20
    wrong = set(random.choice(imds, imds // 500, replace=False).tolist())
    values[~valid] = 0
    conditions = np.where(valid, int(Condition.REGULAR), int(Condition.MISSING)).astype(np.int32)
    facts = [
        ImdFacts(
            imd_id=row, component_id=row, uom="KW" if row in wrong else "KWH", component_uom="KWH",
            multiplier=Decimal(1), component_multiplier=Decimal("1.000000"), seconds_per_interval=SECONDS,
            component_seconds_per_interval=SECONDS,
        )
        for row in range(imds)
    ]  # fmt: skip
    starts = np.full(imds, 1_704_067_200, dtype=np.int64)
    return [
        Batch(
            values=values[at : at + chunk].copy(), valid=valid[at : at + chunk].copy(),
            conditions=conditions[at : at + chunk].copy(),
            set_by=np.zeros((len(facts[at : at + chunk]), LENGTH), dtype=np.int32),
            kind=ComponentKind.INTERVAL, scale=SCALE, seconds_per_interval=SECONDS,
            starts=starts[at : at + chunk], facts=facts[at : at + chunk],
        )
        for at in range(0, imds, chunk)
    ]  # fmt: skip


def the_plan() -> plan.Plan:
    import datetime as dt

    rules = [
        plan.RuleSpec(id=number, sequence=number, rule=rule, parameters=parameters)
        for number, (rule, parameters) in enumerate(RULES, start=1)
    ]
    group = plan.GroupSpec("RES-INTERVAL", rules)
    return plan.build_plan(
        groups={group.code: group}, group=group.code, on=dt.date(2024, 1, 1), kind=ComponentKind.INTERVAL
    )


class Before(NoHistory):
    """A Regular final measurement of 0.5 on both sides of every IMD, so that gaps at an edge have two references."""

    def boundaries(self, batch: Batch) -> Boundaries:
        value = np.full(batch.size, 500_000, dtype=np.int64)
        condition = np.full(batch.size, int(Condition.REGULAR), dtype=np.int32)
        present = np.ones(batch.size, dtype=np.bool_)
        return Boundaries(value, condition, present, value, condition, present)


def plain_imd(
    values: list[Any], codes: list[int], facts: ImdFacts, edge: float | Decimal = 0.5
) -> tuple[list[Any], list[int], set[str]]:
    """The five rules on one IMD, written without arrays; `edge` is the measurement before and after it."""
    failed = set()
    if facts.uom != facts.component_uom:
        failed.add("uom_check")
    if facts.multiplier is not None and facts.multiplier != facts.component_multiplier:
        failed.add("multiplier_check")
    if facts.seconds_per_interval != facts.component_seconds_per_interval:
        failed.add("interval_size_validation")
    values, codes = list(values), list(codes)
    at = 0
    while at < len(values):
        if codes[at] != 201000:
            at += 1
            continue
        end = at
        while end < len(values) and codes[end] == 201000:
            end += 1
        gap = end - at
        if gap <= MAX_GAP:
            first: Any = values[at - 1] if at else edge
            last: Any = values[end] if end < len(values) else edge
            for number in range(gap):
                values[at + number] = first + (last - first) * (number + 1) / (gap + 1)
                codes[at + number] = 301100
        at = end
    ranked = sorted(value for value in values if value is not None)
    if len(ranked) >= 3:
        third, highest = ranked[-3], ranked[-1]
        if (highest > 0) if third <= 0 else ((highest - third) / third > TOLERANCE):
            failed.add("interval_spike_check")
    return values, codes, failed


def as_lists(batches: list[Batch]) -> list[tuple[list[float | None], list[int], ImdFacts]]:
    rows = []
    for batch in batches:
        values = (batch.values / 10**SCALE).tolist()
        for row, facts in enumerate(batch.facts):
            present = batch.valid[row].tolist()
            shown = [value if valid else None for value, valid in zip(values[row], present, strict=True)]
            rows.append((shown, batch.conditions[row].tolist(), facts))
    return rows


def assert_equal(batches: list[Batch], steps: plan.Plan) -> tuple[int, int]:
    """Both implementations give the same values, codes and failures; gives how many findings and estimates."""
    findings = estimates = 0
    for batch in batches:
        result = runner.run(batch=batch, plan=steps, context=Before())
        failed: list[set[str]] = [set() for _ in range(batch.size)]
        for finding in result.findings:
            failed[finding.row].add(finding.rule)
        findings += len(result.findings)
        estimates += int((result.batch.set_by > 0).sum())
        for row, (values, codes, facts) in enumerate(as_lists([batch])):
            plain_values, plain_codes, plain_failed = plain_imd(values, codes, facts)
            counts, valid = result.batch.values[row].tolist(), result.batch.valid[row].tolist()
            assert plain_codes == result.batch.conditions[row].tolist()
            assert plain_failed == failed[row], (row, plain_failed, failed[row])
            for count, present, plain in zip(counts, valid, plain_values, strict=True):
                assert present == (plain is not None)
                assert plain is None or abs(count - plain * 10**SCALE) <= 0.5 + 1e-3
    return findings, estimates


def seconds_of(work: Callable[[], Any]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def each(items: Iterable[Any], work: Callable[[Any], Any]) -> None:
    """Results are let go one by one, as a worker does that writes them and goes on."""
    for item in items:
        work(item)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    arguments.add_argument("--imds", type=int, default=10_000)
    arguments.add_argument("--chunk", type=int, default=500)
    arguments.add_argument("--rounds", type=int, default=7)
    given = arguments.parse_args()
    batches, steps = make_batches(given.imds, given.chunk), the_plan()
    findings, estimates = assert_equal(batches, steps)
    lists = as_lists(batches)
    exact = [
        ([None if value is None else Decimal(str(value)) for value in values], codes, facts)
        for values, codes, facts in lists
    ]
    edge = Decimal("0.5")
    intervals = given.imds * LENGTH
    context = Before()
    works: dict[str, Callable[[], Any]] = {
        "engine, five rules": lambda: each(batches, lambda batch: runner.run(batch=batch, plan=steps, context=context)),
        "copy of the block of values": lambda: each(batches, lambda batch: batch.values.copy()),
        "plain Python per IMD, floats": lambda: each(lists, lambda row: plain_imd(*row)),
        "plain Python per IMD, Decimal": lambda: each(exact, lambda row: plain_imd(*row, edge)),
    }
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(given.rounds):
        for name, work in works.items():
            times[name].append(seconds_of(work))
    rates = {name: intervals / statistics.median(taken) for name, taken in times.items()}
    print(
        f"{platform.machine()}, {_processor()}; Python {platform.python_version()}, numpy {np.__version__}; one process"
    )
    print(f"{given.imds} IMDs of {LENGTH} intervals, chunk {given.chunk}, median of {given.rounds} rounds;", end=" ")
    print(f"{findings} findings, {estimates} estimated intervals; results of engine and plain Python are equal")
    engine = rates["engine, five rules"]
    for name, rate in rates.items():
        print(f"{name:32} {rate / 1e6:10.1f} M intervals/s   engine is {engine / rate:6.2f} times as fast")
    for name, bar in zip(list(rates)[1:], (1 / 25, 8.0, 30.0), strict=True):
        _report.record(
            Claim(
                area="VEE rules", bar="V4", what=f"five rules with their adapters, against: {name}", at_least=bar,
                measured=engine / rates[name],
                detail=f"{engine / 1e6:.1f} and {rates[name] / 1e6:.1f} M intervals/s",
            )
        )  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


if __name__ == "__main__":
    main()
