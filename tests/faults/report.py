"""The figures of a run as a table, for the terminal and for `docs/reference/reliability.md`."""

from __future__ import annotations

import datetime as dt
import os
import platform
import statistics
from collections.abc import Sequence
from pathlib import Path

from tests.faults.outcome import Outcome
from tests.faults.points.fault_points import POINTS


PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "reliability.md"
_COLUMNS = (
    "campaign",
    "faults, of them kills",
    "what came of it",
    "wrong",
    "work moved again after (median, longest)",
    "last work after the last fault",
    "took",
)
BEGIN, END = "<!-- figures: make faults ARGS=--write -->", "<!-- end of the figures -->"


def table(outcomes: Sequence[Outcome]) -> str:
    """Give the figures of a run as Markdown."""
    today, machine = dt.datetime.now(tz=dt.UTC), f"{os.cpu_count()} cores, Python {platform.python_version()}"
    lines = [
        f"Measured on {today:%Y-%m-%d}: {machine}, load {os.getloadavg()[2]:.1f}, seed {outcomes[0].seed}.",
        "",
        f"| {' | '.join(_COLUMNS)} |",
        f"|{'---|' * len(_COLUMNS)}",
        *map(_line, outcomes),
        "",
        f"Named points at which a process ended itself in this run: {_points(outcomes)}.",
    ]
    return "\n".join(lines)


def write(outcomes: Sequence[Outcome], page: Path = PAGE) -> None:
    """Put the figures into the page, in place of those that stand there."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n\n{table(outcomes)}\n\n{END}{after}", encoding="utf-8")


def _line(outcome: Outcome) -> str:
    figures = ", ".join(f"{number:,} {name}" for name, number in outcome.figures.items())
    wrong = outcome.wrong.replace("\n", "; ") or "nothing"
    waits = outcome.recoveries or [0.0]
    recovery = f"{statistics.median(waits):.1f} s, {max(waits):.1f} s"
    return (
        f"| {outcome.title} | {outcome.faults}, {outcome.kills} | {figures} | {wrong} | {recovery} |"
        f" {outcome.drained_after:.1f} s | {outcome.seconds:.0f} s |"
    )


def _points(outcomes: Sequence[Outcome]) -> str:
    passed = {point for outcome in outcomes for point in outcome.points}
    return f"{len(passed)} of {len(POINTS)}" + (f" ({', '.join(sorted(passed))})" if passed else "")
