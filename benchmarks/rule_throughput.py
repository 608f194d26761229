"""
Seconds per million intervals of every rule that judges batches, each alone in a plan.

Batches are of 500 IMDs of 96 quarter-hours (registers: of 500 reads, each counted as one interval). Two kinds of data:
as it comes, where 4 % of the IMDs have a gap, and all with a gap of two hours. A context answers every question from
memory, so that only the rules' own work counts. Rules run with their defaults, or with the least that they need. What
a run costs whatever the rule does is what `uom_check` costs.

    .venv/bin/python benchmarks/rule_throughput.py [--rounds 5] [--batches 4]
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime as dt
import platform
import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vee.codes import ComponentKind, Condition, ImdKind
from vee.engine import plan, registry, runner
from vee.engine.batch import Batch, ImdFacts
from vee.engine.context import (
    Boundaries,
    ComponentFacts,
    Installation,
    Measured,
    NoHistory,
    Period,
    RegisterRead,
    RegisterReads,
    Windows,
)


SIZE, LENGTH, SECONDS, SCALE, GAP = 500, 96, 900, 6, 8
START = 1_706_572_800
DAY = 86_400
REGISTER, PROFILE, TEMPERATURE = 1_000_001, 1_000_002, 1_000_003


class Remembered(NoHistory):
    """Answers that were made once and are handed out again."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(20240310)
        self._measured: dict[tuple[int, int], Measured] = {}

    def measured(self, windows: Windows) -> Measured:
        shape = (len(windows.component_ids), windows.length)
        if shape not in self._measured:
            present = np.ones(shape, dtype=np.bool_)
            self._measured[shape] = Measured(
                values=self._random.integers(100_000, 900_000, shape),
                valid=present,
                conditions=np.full(shape, int(Condition.REGULAR), dtype=np.int32),
                present=present,
                edited=np.zeros(shape, dtype=np.bool_),
            )
        return self._measured[shape]

    def boundaries(self, batch: Batch) -> Boundaries:
        value = np.full(batch.size, 500_000, dtype=np.int64)
        condition = np.full(batch.size, int(Condition.REGULAR), dtype=np.int32)
        present = np.ones(batch.size, dtype=np.bool_)
        return Boundaries(value, condition, present, value, condition, present)

    def register_reads(
        self, component_ids: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> Sequence[RegisterReads]:
        start, end, regular = int(starts[0]), int(ends[0]), int(Condition.REGULAR)
        reads = RegisterReads(
            RegisterRead(start, Decimal(1000), Decimal(47), regular),
            (RegisterRead(end, Decimal(1048), Decimal(48), regular),),
            RegisterRead(end + DAY, Decimal(1097), Decimal(49), regular),
        )
        return [reads] * len(component_ids)

    def components(self, component_ids: NDArray[np.int64]) -> Mapping[int, ComponentFacts]:
        known = {
            REGISTER: ComponentFacts(REGISTER, ComponentKind.SCALAR, None, "KWH", 3, Decimal(1)),
            PROFILE: ComponentFacts(PROFILE, ComponentKind.INTERVAL, SECONDS, "KWH", SCALE, Decimal(1)),
            TEMPERATURE: ComponentFacts(TEMPERATURE, ComponentKind.INTERVAL, 3600, "KWH", 1, Decimal(1)),
        }
        return {component: known[component] for component in set(component_ids.tolist()) & known.keys()}

    def related(self, batch: Batch) -> Sequence[tuple[int, ...]]:
        return [(REGISTER if batch.kind == ComponentKind.INTERVAL else PROFILE,)] * batch.size

    def factor_components(self, batch: Batch, factor: str) -> NDArray[np.int64]:
        return np.full(batch.size, TEMPERATURE if factor == "TEMPERATURE" else PROFILE, dtype=np.int64)

    def installations(self, batch: Batch) -> Sequence[tuple[Installation, ...]]:
        return [(Installation(Period(0, 2**40)),)] * batch.size

    def has_usage_subscription(self, batch: Batch) -> NDArray[np.bool_]:
        return np.ones(batch.size, dtype=np.bool_)

    def last_measured(self, batch: Batch) -> NDArray[np.int64]:
        return batch.starts

    def last_actual(self, batch: Batch) -> NDArray[np.int64]:
        return batch.starts - DAY


def make_batch(kind: ComponentKind, share_with_gap: float, seed: int) -> Batch:
    """Make a batch of plausible days, or of register reads."""
    random = np.random.default_rng(seed)
    length = 1 if kind == ComponentKind.SCALAR else LENGTH
    daily = 0.4 + 0.3 * np.sin(np.linspace(0, 2 * np.pi, length))
    values = np.round(daily * random.uniform(0.8, 1.2, (SIZE, length)) * 10**3).astype(np.int64) * 10**3
    valid = np.ones(values.shape, dtype=np.bool_)
    for row in np.flatnonzero(random.random(SIZE) < share_with_gap).tolist():
        first = int(random.integers(0, max(length - GAP, 0) + 1))
        valid[row, first : first + GAP] = False
    facts = ImdFacts(
        imd_id=1, component_id=1, uom="KWH", component_uom="KWH", multiplier=Decimal(1),
        component_multiplier=Decimal(1), seconds_per_interval=SECONDS, component_seconds_per_interval=SECONDS,
        time_zone="America/New_York", kind=ImdKind.INITIAL_LOAD, end=START + DAY, service_point_id=1, device_id=1,
        consumption_reference_id=PROFILE if kind == ComponentKind.SCALAR else REGISTER, dials=5,
        characteristics={}, reading=Decimal(1048), previous_reading=Decimal(1000),
    )  # fmt: skip
    return Batch(
        values=np.where(valid, values, 0),
        valid=valid,
        conditions=np.where(valid, int(Condition.REGULAR), int(Condition.MISSING)).astype(np.int32),
        set_by=np.zeros(values.shape, dtype=np.int32),
        kind=kind,
        scale=SCALE,
        seconds_per_interval=None if kind == ComponentKind.SCALAR else SECONDS,
        starts=np.full(SIZE, START, dtype=np.int64),
        facts=[dataclasses.replace(facts, imd_id=row, component_id=row) for row in range(1, SIZE + 1)],
    )


def needed(name: str) -> dict[str, Any] | None:
    """Give the least parameters of a rule: none where it has defaults; None where they cannot be guessed."""
    guesses: dict[str, Any] = {"profile_factor": "PROFILE", "temperature_factor": "TEMPERATURE", "factor": "PROFILE"}
    required = [field.name for field in registry.describe(name).parameters if field.required]
    if not set(required) <= guesses.keys():
        return None
    return {field: guesses[field] for field in required}


def seconds_per_million(
    name: str, parameters: dict[str, Any], batches: Sequence[Batch], rounds: int
) -> tuple[float, str]:
    """Give the median time over the rounds, and what came of the rule in the last of them."""
    spec = plan.RuleSpec(id=1, sequence=1, rule=name, parameters=parameters)
    group = plan.GroupSpec("BENCH", [spec])
    steps = plan.build_plan(groups={"BENCH": group}, group="BENCH", on=dt.date(2024, 1, 30), kind=batches[0].kind)
    context = Remembered()
    runner.run(batch=batches[0], plan=steps, context=context)
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        results = [runner.run(batch=batch, plan=steps, context=context) for batch in batches]
        taken.append(time.perf_counter() - begun)
    intervals = sum(batch.values.size for batch in batches)
    failed = sum(finding.exception_type == "RULE-FAILED" for result in results for finding in result.findings)
    assert not failed, f"{name} failed on {failed} IMDs"
    changed = sum(int((result.batch.set_by > 0).sum()) for result in results)
    found = sum(len(result.findings) for result in results)
    left = sum(entry.not_evaluated for result in results for entry in result.log)
    return statistics.median(taken) / intervals * 1e6, f"{changed:>7} {found:>8} {left:>9}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--batches", type=int, default=4)
    given = arguments.parse_args()
    print(f"{platform.machine()}; Python {platform.python_version()}, numpy {np.__version__}; one process;", end=" ")
    print(f"batches of {SIZE} IMDs, median of {given.rounds} rounds over {given.batches} batches, seconds per million")
    print(f"{'rule':42} {'as it comes':>12} {'all gaps':>10} {'changed':>7} {'findings':>8} {'left out':>9}")
    print(f"{'':42} {'':>12} {'':>10} {'(of the data with gaps)':>26}")
    for name, rule in registry.AVAILABLE.items():
        if rule.evaluate is None:
            continue
        parameters = needed(name)
        if parameters is None:
            print(f"{name:42} {'its parameters have no defaults':>24}")
            continue
        kind = next(kind for kind in ComponentKind if kind in rule.kinds)
        cells = []
        told = ""
        for share in (0.04, 1.0):
            batches = [make_batch(kind, share, seed) for seed in range(given.batches)]
            seconds, told = seconds_per_million(name, parameters, batches, given.rounds)
            cells.append(seconds)
        print(f"{name:42} {cells[0]:>12.3f} {cells[1]:>10.3f} {told}")


if __name__ == "__main__":
    main()
