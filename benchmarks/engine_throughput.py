"""
How fast the engine carries batches through a plan of five rules, and its kernels alone, against alternatives.

(a) the engine with the adapters of its rules: facts compared, findings with their messages, the log of every step;
(b) its kernels: the array functions that (a) calls where it looks at intervals (where gaps are, the lines over them,
    peaks that stand alone), with the values of (a) put in place, and nothing of an IMD but its arrays;
(c) copying the block of values: the floor, what no engine on arrays can be faster than by much;
(d) a plain-Python implementation per IMD on lists of floats: what one writes without an engine;
(e) the same on lists of Decimal, as exact as the engine;
(f) and (g) as (d) and (e) without the three checks of facts: what the kernels do, and no more.

Equal results (values, condition codes, failed checks) of all are asserted before anything is timed. Alternatives take
turns, each round on the same data; medians are printed. A batch is a chunk as workers claim them.

    .venv/bin/python benchmarks/engine_throughput.py [--imds 10000] [--chunk 2000] [--rounds 7]
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
from vee.engine import gaps, plan, runner
from vee.engine.batch import Batch, ImdFacts
from vee.engine.context import Boundaries, NoHistory
from vee.engine.lone_peaks import lone_peaks
from vee.engine.straight_lines import straight_lines


LENGTH = 96
SECONDS = 900
SCALE = 6
MAX_GAP = 8
TOLERANCE = 1.8
SHORTEST_ROUND = 0.1
EDGE = 500_000
EXACT_TOLERANCE = Decimal("1.8")
# No value is as low as this one, which stands where there is none.
NOTHING = np.iinfo(np.int64).min
ENGINE = "five rules with their adapters"
KERNELS = "the kernels of gaps, lines and spikes"
COPY = "copy of the block of values"
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
        value = np.full(batch.size, EDGE, dtype=np.int64)
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
    values, codes, spikes = plain_intervals(values, codes, edge)
    return values, codes, failed | ({"interval_spike_check"} if spikes else set())


def plain_intervals(
    values: list[Any], codes: list[int], edge: float | Decimal = 0.5
) -> tuple[list[Any], list[int], bool]:
    """The two of the five rules that look at intervals: gaps are filled, and whether the highest value stands alone."""
    values, codes, spikes = list(values), list(codes), False
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
            spikes = True
    return values, codes, spikes


def kernels(batch: Batch) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give values and condition codes with short gaps filled, and which rows have a spike: array functions alone."""
    found = gaps.missing_runs(batch, gaps.MISSING_RANGE, gaps.OUTAGE_RANGE)
    short = found.pick(found.lengths <= MAX_GAP)
    before = np.where(short.firsts > 0, batch.values[short.rows, short.firsts - 1], EDGE)
    inside = short.ends < LENGTH
    after = np.where(inside, batch.values[short.rows, np.where(inside, short.ends, 0)], EDGE)
    changes = straight_lines(short, before, after, int(Condition.ESTIMATED_INTERPOLATED))
    values, codes = batch.values.copy(), batch.conditions.copy()
    long = found.pick(found.lengths > MAX_GAP)
    for row, first, end in zip(long.rows.tolist(), long.firsts.tolist(), long.ends.tolist(), strict=True):
        values[row, first:end] = NOTHING
    at = (changes.rows, changes.intervals)
    values[at] = changes.values
    codes[at] = changes.conditions
    return values, codes, lone_peaks(values, EXACT_TOLERANCE)[1]


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
        kernel_values, kernel_codes, kernel_spikes = kernels(batch)
        assert (kernel_codes == result.batch.conditions).all()
        assert (kernel_values == np.where(result.batch.valid, result.batch.values, NOTHING)).all()
        assert kernel_spikes.tolist() == ["interval_spike_check" in names for names in failed]
        estimates += int((result.batch.set_by > 0).sum())
        for row, (values, codes, facts) in enumerate(as_lists([batch])):
            plain_values, plain_codes, plain_failed = plain_imd(values, codes, facts)
            counts, valid = result.batch.values[row].tolist(), result.batch.valid[row].tolist()
            assert plain_intervals(values, codes) == (
                plain_values, plain_codes, "interval_spike_check" in plain_failed
            )  # fmt: skip
            assert plain_codes == result.batch.conditions[row].tolist()
            assert plain_failed == failed[row], (row, plain_failed, failed[row])
            for count, present, plain in zip(counts, valid, plain_values, strict=True):
                assert present == (plain is not None)
                assert plain is None or abs(count - plain * 10**SCALE) <= 0.5 + 1e-3
    return findings, estimates


def seconds_of(work: Callable[[], Any]) -> float:
    """Give how long one pass takes, over as many passes as last long enough for an interruption not to decide."""
    passes, begun = 0, time.perf_counter()
    while not passes or time.perf_counter() - begun < SHORTEST_ROUND:
        work()
        passes += 1
    return (time.perf_counter() - begun) / passes


def each(items: Iterable[Any], work: Callable[[Any], Any]) -> None:
    """Results are let go one by one, as a worker does that writes them and goes on."""
    for item in items:
        work(item)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    arguments.add_argument("--imds", type=int, default=10_000)
    arguments.add_argument("--chunk", type=int, default=2_000)
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
        ENGINE: lambda: each(batches, lambda batch: runner.run(batch=batch, plan=steps, context=context)),
        KERNELS: lambda: each(batches, kernels),
        COPY: lambda: each(batches, lambda batch: batch.values.copy()),
        "plain Python per IMD, floats": lambda: each(lists, lambda row: plain_imd(*row)),
        "plain Python per IMD, Decimal": lambda: each(exact, lambda row: plain_imd(*row, edge)),
        "plain Python, intervals alone, floats": lambda: each(lists, lambda row: plain_intervals(*row[:2])),
        "plain Python, intervals alone, Decimal": lambda: each(exact, lambda row: plain_intervals(*row[:2], edge)),
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
    for name, rate in rates.items():
        print(f"{name:40} {rate / 1e6:10.1f} M intervals/s")
    for claim in claims(rates):
        _report.record(claim)


def claims(rates: dict[str, float]) -> list[Claim]:
    """
    Give what the rates say: V4 is about the kernels.

    What the rules with their adapters may take is a share of the way from a file to measurements (V3), which
    `vee_end_to_end.py` measures; here stands how they compare.
    """
    compared = [
        ("V4", KERNELS, COPY, 1 / 25),
        ("V4", KERNELS, "plain Python, intervals alone, floats", 8.0),
        ("V4", KERNELS, "plain Python, intervals alone, Decimal", 30.0),
        ("", ENGINE, COPY, None),
        ("", ENGINE, "plain Python per IMD, floats", None),
        ("", ENGINE, "plain Python per IMD, Decimal", None),
    ]
    return [
        Claim(
            area="VEE rules", bar=bar, what=f"{ours}, against: {other}", at_least=least,
            measured=rates[ours] / rates[other],
            detail=f"{rates[ours] / 1e6:.1f} and {rates[other] / 1e6:.1f} M intervals/s",
        )
        for bar, ours, other, least in compared
    ]  # fmt: skip


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


if __name__ == "__main__":
    main()
