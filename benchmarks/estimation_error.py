"""
How far estimates lie from what was measured: gaps are punched into complete series and filled by the rules again.

For each length of gap many gaps are drawn at random places, each in an IMD of whole days that is otherwise as it was
measured; interpolation and averaging run through the engine. What lies in a gap is not known to the history either.
Printed is the WAPE: the sum of absolute errors over the sum of what was measured, over all intervals that the rule
estimated. Averaging is over up to three days of the 28 before (or as many as there are). The last column is the plain
alternative: the mean of the whole series in every gap.

    TIELINE_SAMPLE_DATA=... .venv/bin/python benchmarks/estimation_error.py [--gaps 400] [--seed 20240310]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks._recorded import SCALE, Recorded, Unmeasured, electricity, green_button
from vee.codes import ComponentKind, Condition
from vee.engine import plan, runner
from vee.engine.batch import Batch, ImdFacts


GAPS = (1, 2, 4, 8, 16, 48, 96)
HISTORY_DAYS = 28


def methods(gap: int) -> dict[str, tuple[str, dict[str, Any]]]:
    """What is compared, for a length of gap."""
    averaging = "interval_averaging_estimation"
    return {
        "interpolation": ("interval_interpolation_estimation", {"max_consecutive_intervals": gap}),
        "same weekday": (averaging, {"comparison_search": ["SAME_WEEKDAY"]}),
        "like day": (averaging, {"comparison_search": ["LIKE_DAY"]}),
        "neighbour day": (averaging, {"comparison_search": ["NEIGHBOUR_DAY"]}),
    }


def punched(recorded: Recorded, gap: int, many: int, random: np.random.Generator) -> tuple[Batch, Unmeasured]:
    """Make IMDs with one gap each, after the days that are history for the first of them."""
    per_day = recorded.per_day
    length = (1 + -(-gap // per_day)) * per_day
    earliest = min(HISTORY_DAYS, len(recorded.counts) // per_day // 2) * per_day
    firsts = random.integers(earliest, len(recorded.counts) - length, many)
    into = random.integers(0, length - gap + 1, many)
    at = firsts[:, None] + np.arange(length)
    values = recorded.counts[at]
    valid = (np.arange(length) < into[:, None]) | (np.arange(length) >= into[:, None] + gap)
    facts = [
        ImdFacts(
            imd_id=number, component_id=number, uom="KWH", component_uom="KWH", multiplier=None,
            component_multiplier=Decimal(1), seconds_per_interval=recorded.seconds,
            component_seconds_per_interval=recorded.seconds, time_zone=recorded.zone, service_point_id=1,
        )
        for number in range(1, many + 1)
    ]  # fmt: skip
    batch = Batch(
        values=np.where(valid, values, 0),
        valid=valid,
        conditions=np.where(valid, int(Condition.REGULAR), int(Condition.MISSING)).astype(np.int32),
        set_by=np.zeros(values.shape, dtype=np.int32),
        kind=ComponentKind.INTERVAL,
        scale=SCALE,
        seconds_per_interval=recorded.seconds,
        starts=recorded.start + firsts * recorded.seconds,
        facts=facts,
    )
    return batch, Unmeasured(recorded, firsts + into, np.full(many, gap))


def truth(recorded: Recorded, batch: Batch) -> NDArray[np.int64]:
    """Give what was measured in the IMDs."""
    firsts = (batch.starts - recorded.start) // recorded.seconds
    return recorded.counts[firsts[:, None] + np.arange(batch.length)]


def of_the_mean(recorded: Recorded, batch: Batch) -> str:
    """Give the WAPE of the series' mean in every missing interval."""
    measured = truth(recorded, batch)[~batch.valid]
    mean = int(recorded.counts.mean())
    return f"{100 * int(np.abs(measured - mean).sum()) / int(np.abs(measured).sum()):.1f}"


def error(recorded: Recorded, batch: Batch, context: Unmeasured, rule: str, parameters: dict[str, Any]) -> str:
    """Run a rule over the IMDs; give the WAPE in percent and, where not all was estimated, the share that was."""
    spec = plan.RuleSpec(id=1, sequence=1, rule=rule, parameters=parameters)
    group = plan.GroupSpec("BENCH", [spec])
    steps = plan.build_plan(
        groups={group.code: group}, group=group.code, on=dt.date(2024, 1, 1), kind=ComponentKind.INTERVAL
    )
    result = runner.run(batch=batch, plan=steps, context=context).batch
    missing = ~batch.valid
    estimated = missing & result.valid
    if not estimated.any():
        return "–"
    measured = truth(recorded, batch)
    wrong = int(np.abs(result.values[estimated] - measured[estimated]).sum())
    wape = 100 * wrong / int(np.abs(measured[estimated]).sum())
    share = 100 * int(estimated.sum()) / int(missing.sum())
    return f"{wape:.1f}" if share == 100 else f"{wape:.1f} ({share:.0f} %)"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    arguments.add_argument("--gaps", type=int, default=400)
    arguments.add_argument("--seed", type=int, default=20240310)
    given = arguments.parse_args()
    if "TIELINE_SAMPLE_DATA" not in os.environ:
        print("TIELINE_SAMPLE_DATA names no directory of sample data: nothing is measured.")
        return
    root = Path(os.environ["TIELINE_SAMPLE_DATA"])
    series = [
        electricity(root, "il-electricity-cdd-hdd"),
        electricity(root, "il-electricity-cdd-only"),
        green_button(root),
    ]
    print(f"WAPE in percent over {given.gaps} gaps of each length, seed {given.seed}; in brackets the share estimated")
    names = list(methods(1))
    for recorded in series:
        print(f"\n{recorded.name}: {len(recorded.counts)} intervals of {recorded.seconds // 60} minutes")
        print(f"{'gap':>4} {'hours':>6} " + " ".join(f"{name:>15}" for name in [*names, "mean"]))
        for gap in GAPS:
            random = np.random.default_rng(given.seed + gap)
            batch, context = punched(recorded, gap, given.gaps, random)
            cells = [error(recorded, batch, context, *method) for method in methods(gap).values()]
            cells.append(of_the_mean(recorded, batch))
            hours = gap * recorded.seconds / 3600
            print(f"{gap:>4} {hours:>6g} " + " ".join(f"{cell:>15}" for cell in cells))


if __name__ == "__main__":
    main()
