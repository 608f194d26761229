"""A NEM12 file of half-hourly readings for the upload door, with some rows that no reader can accept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from integration.demo.profiles import day_of, draw_household


FILE_TYPE = "DEMO-30MIN-KWH"
SECONDS_PER_INTERVAL = 1800
INTERVALS = 48
SUFFIX = "E1"
_BAD_SHARE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Nem12File:
    """
    The file and what is in it.

    `components` are the measuring components that it names; `bad_lines` are the lines (from 1) that hold a value
    that is none.
    """

    name: str
    content: str
    components: tuple[str, ...]
    bad_lines: tuple[int, ...]

    @property
    def good_rows(self) -> int:
        """How many interval rows can be accepted."""
        return len(self.components) - len(self.bad_lines)


def generate_file(*, run: str, meters: int, on: date, seed: int) -> Nem12File:
    """Generate one file with one day of each meter; `run` has at most five characters, for NMIs have ten."""
    random = np.random.default_rng(seed + 1)
    stamp = on.strftime("%Y%m%d")
    rows = [f"100,NEM12,{stamp}2359,DEMOMDP,DEMORET"]
    bad = set(random.permutation(meters)[: max(1, round(meters * _BAD_SHARE))].tolist())
    components, bad_lines = [], []
    for index in range(meters):
        nmi = f"{run:0<5}{index:05d}"
        components.append(f"{nmi}-{SUFFIX}")
        rows.append(f"200,{nmi},{SUFFIX},{SUFFIX},{SUFFIX},,DEMO{index:05d},KWH,30,")
        energies = day_of(
            draw_household(random), intervals=INTERVALS, seconds_per_interval=SECONDS_PER_INTERVAL, random=random
        )
        values = [f"{energy:.3f}" for energy in energies]
        if index in bad:
            values[int(random.integers(0, INTERVALS))] = "#VALUE!"
            bad_lines.append(len(rows) + 1)
        rows.append(f"300,{stamp},{','.join(values)},A,,,{stamp}235900,")
    rows.append("900")
    return Nem12File(
        name=f"{run}_{stamp}.csv",
        content="\r\n".join(rows) + "\r\n",
        components=tuple(components),
        bad_lines=tuple(bad_lines),
    )
