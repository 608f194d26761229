"""
What a benchmark reports: one line per claim, a ratio measured in one run, with its bar and whether that is reached.

`record` prints the line, and appends it to the file that TIELINE_BENCH_RESULTS names, when it names one. `make bench`
(`benchmarks/bench.py`) gathers the lines of all scripts into one table.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


RESULTS = "TIELINE_BENCH_RESULTS"
# Rounds of one contender that lie further apart than this are measured again.
MOST_SPREAD = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """
    One line of the table.

    :ivar area: heading under which it stands, e.g. "Queue".
    :ivar bar: name of the bar, e.g. "H5"; empty for a figure without one.
    :ivar what: what was measured against what.
    :ivar measured: the figure; a ratio unless `unit` says otherwise.
    :ivar at_least: the least it has to be, or `at_most`; neither: the figure is only told.
    :ivar detail: absolute figures with their spread, sizes, rounds.
    """

    area: str
    bar: str = ""
    what: str
    measured: float
    unit: str = "x"
    at_least: float | None = None
    at_most: float | None = None
    detail: str = ""

    @property
    def reached(self) -> bool | None:
        """Whether the bar is reached; None when there is none."""
        if self.at_least is not None:
            return self.measured >= self.at_least
        if self.at_most is not None:
            return self.measured <= self.at_most
        return None

    @property
    def wanted(self) -> str:
        """The bar in words."""
        if self.at_least is not None:
            return f"at least {number(self.at_least)} {self.unit}"
        if self.at_most is not None:
            return f"at most {number(self.at_most)} {self.unit}"
        return "-"


def record(claim: Claim) -> None:
    """Print a claim, and keep it for the table."""
    verdict = {True: "reached", False: "NOT REACHED", None: ""}[claim.reached]
    print(
        f"{claim.bar or '-':<5}{claim.what}: {number(claim.measured)} {claim.unit} "
        f"(bar: {claim.wanted}) {verdict} {claim.detail}".rstrip(),
        flush=True,
    )
    kept = os.environ.get(RESULTS)
    if kept:
        with Path(kept).open("a", encoding="utf-8") as file:
            file.write(json.dumps(dataclasses.asdict(claim)) + "\n")


def recorded(file: Path) -> list[Claim]:
    """Give the claims that were kept in a file, in their order."""
    if not file.exists():
        return []
    return [Claim(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


def number(value: float) -> str:
    """Give a figure with three significant digits, and thousands apart."""
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def spread(rates: Sequence[float]) -> str:
    """Give a median with the slowest and the fastest round."""
    return f"{number(statistics.median(rates))} ({number(min(rates))} to {number(max(rates))})"


def in_turns(
    contenders: Mapping[str, Callable[[], float]], *, rounds: int, again: int = 1, warm_up: bool = True
) -> dict[str, list[float]]:
    """
    Let contenders take turns and give the seconds of each round of each.

    When the rounds of one lie further apart than `MOST_SPREAD`, all of them are measured anew, `again` times at most.
    """
    if warm_up:
        for measure in contenders.values():
            measure()
    for left in range(again, -1, -1):
        taken: dict[str, list[float]] = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, measure in contenders.items():
                taken[name].append(measure())
        wide = [name for name, seconds in taken.items() if max(seconds) > MOST_SPREAD * min(seconds)]
        if not wide:
            break
        print(
            f"The rounds of {', '.join(wide)} lie apart more than {MOST_SPREAD:g} times"
            + (": measured again" if left else "; the machine is not quiet")
        )
    return taken
