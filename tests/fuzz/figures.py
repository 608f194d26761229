"""What a run has tried and found: noted by the tests, printed by `make fuzz` and put into the page."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from django.db import connection


NOTED_IN = "TIELINE_TEST_FIGURES"
"""The environment variable that names the file to which figures are added, a line of JSON each."""

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "reliability.md"
BEGIN, END = "<!-- figures: make fuzz ARGS=--write -->", "<!-- end of the figures of make fuzz -->"
_COLUMNS = ("what", "tried", "what came of it", "wrong", "took", "measured")
_HEAD = (f"| {' | '.join(_COLUMNS)} |", f"|{'---|' * len(_COLUMNS)}")


@dataclass(slots=True)
class Figures:
    """The numbers of one test; `wrong` counts what must be 0."""

    title: str
    tried: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)
    wrong: int = 0
    seconds: float = 0.0

    def count(self, outcome: str) -> None:
        """Count one more that came out so."""
        self.tried += 1
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1


@contextmanager
def noted(title: str) -> Iterator[Figures]:
    """Give figures to fill, and note them when the environment asks for it, also when the test fails."""
    figures, began = Figures(title), time.monotonic()
    try:
        yield figures
    finally:
        figures.seconds = figures.seconds or time.monotonic() - began
        place = os.environ.get(NOTED_IN)
        if place:
            with Path(place).open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(asdict(figures))}\n")


def on_database(title: str) -> str:
    """Give a title that tells runs on different databases apart."""
    return f"{title}, on {'PostgreSQL' if connection.vendor == 'postgresql' else 'SQLite'}"


def read(place: Path) -> list[Figures]:
    """Give what was noted."""
    lines = place.read_text(encoding="utf-8").splitlines() if place.exists() else []
    return [Figures(**json.loads(line)) for line in lines]


def table(found: list[Figures]) -> str:
    """Give figures as Markdown."""
    return "\n".join([*_HEAD, *map(_line, found)])


def write(found: list[Figures], page: Path = PAGE) -> None:
    """Put figures into the page, in place of those that stand there of the same title."""
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    inside, _, after = rest.partition(END)
    new = {figures.title: _line(figures) for figures in found}
    kept = [line for line in inside.splitlines() if line.startswith("| ") and line not in _HEAD]
    lines = [line for line in kept if line.strip("| ").split(" | ")[0] not in new] + list(new.values())
    page.write_text(f"{before}{BEGIN}\n\n{chr(10).join([*_HEAD, *sorted(lines)])}\n\n{END}{after}", encoding="utf-8")


def _line(figures: Figures) -> str:
    outcomes = ", ".join(f"{number:,} {name}" for name, number in sorted(figures.outcomes.items()))
    today, load = dt.datetime.now(tz=dt.UTC), os.getloadavg()[2]
    cells = (
        figures.title,
        f"{figures.tried:,}",
        outcomes,
        f"{figures.wrong}",
        f"{figures.seconds:.0f} s",
        f"{today:%Y-%m-%d}, {os.cpu_count()} cores, load {load:.0f}",
    )
    return f"| {' | '.join(cells)} |"
