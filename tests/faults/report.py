"""The figures of a run as a table, for the terminal and for `docs/reference/reliability.md`."""

from __future__ import annotations

import datetime as dt
import os
import statistics
from collections.abc import Sequence
from pathlib import Path

from tests.faults.outcome import Outcome


PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "reliability.md"
_COLUMNS = (
    "campaign",
    "faults, kills, points passed",
    "what came of it",
    "wrong",
    "moved again (median, longest; through several faults)",
    "last work",
    "took",
    "measured",
)
_HEAD = (f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}")
BEGIN, END = "<!-- figures: make faults ARGS=--write -->", "<!-- end of the figures -->"


def table(outcomes: Sequence[Outcome]) -> str:
    """Give the figures of campaigns as Markdown."""
    return "\n".join([*_HEAD, *map(_line, outcomes)])


def write(outcome: Outcome, page: Path = PAGE) -> None:
    """Put a campaign's figures into the page, in place of those that stand there of the same campaign."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    inside, _, after = rest.partition(END)
    kept = [line for line in inside.splitlines() if line.startswith("| ") and line not in _HEAD]
    lines = [line for line in kept if not line.startswith(f"| {outcome.title} |")] + [_line(outcome)]
    figures = "\n".join([*_HEAD, *sorted(lines)])
    page.write_text(f"{before}{BEGIN}\n\n{figures}\n\n{END}{after}", encoding="utf-8")


def _line(outcome: Outcome) -> str:
    figures = ", ".join(f"{number:,} {name}" for name, number in outcome.figures.items())
    wrong = outcome.wrong.replace("\n", "; ") or "nothing"
    waits = outcome.recoveries or [0.0]
    today, machine = dt.datetime.now(tz=dt.UTC), f"{os.cpu_count()} cores, load {os.getloadavg()[2]:.0f}"
    cells = (
        outcome.title,
        f"{outcome.faults}, {outcome.kills}, {len(outcome.points)}",
        figures,
        wrong,
        f"{statistics.median(waits):.1f} s, {max(waits):.1f} s; {outcome.standstill:.1f} s",
        f"{outcome.drained_after:.1f} s",
        f"{outcome.seconds:.0f} s",
        f"{today:%Y-%m-%d}, seed {outcome.seed}, {machine}",
    )
    return f"| {' | '.join(cells)} |"
