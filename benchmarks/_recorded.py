"""Complete series of the sample data, and a context that answers from them as if a stretch had never been measured."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
from numpy.typing import NDArray


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from vee.codes import Condition
from vee.engine.batch import Batch
from vee.engine.context import Boundaries, Measured, NoHistory, Windows


SCALE = 6


@dataclass(frozen=True, slots=True)
class Recorded:
    """A series without gaps; counts of 10^-6 of the unit, the start in seconds since 1970 (UTC)."""

    name: str
    zone: str
    start: int
    seconds: int
    counts: NDArray[np.int64]

    @property
    def per_day(self) -> int:
        return 86_400 // self.seconds


def electricity(root: Path, name: str) -> Recorded:
    """Read one of the simulated hourly meters of opendsm; their clocks show standard time all year."""
    with gzip.open(root / "opendsm_samples" / f"{name}-hourly.csv.gz", "rt") as lines:
        rows = [
            (int(dt.datetime.fromisoformat(row["start"]).timestamp()), Decimal(row["value"]))
            for row in csv.DictReader(lines)
            if row["value"]
        ]
    return _series(name, "Etc/GMT+6", 3600, rows)


def green_button(root: Path) -> Recorded:
    """Read the quarter-hours of the Green Button alliance's test data."""
    document = ET.parse(root / "espi" / "openespi_test_usage_data.xml")  # noqa: S314  (a file of our own data)
    espi = "{http://naesb.org/espi}"
    rows = [
        (int(reading.findtext(f"{espi}timePeriod/{espi}start", "")), Decimal(reading.findtext(f"{espi}value", "")))
        for reading in document.iter(f"{espi}IntervalReading")
    ]
    return _series("espi quarter-hours", "America/New_York", 900, rows)


def _series(name: str, zone: str, seconds: int, rows: Sequence[tuple[int, Decimal]]) -> Recorded:
    ordered = sorted(dict(rows).items())
    start = ordered[0][0]
    if [at for at, _ in ordered] != list(range(start, start + len(ordered) * seconds, seconds)):
        sys.exit(f"{name} has gaps of its own.")
    return Recorded(name, zone, start, seconds, np.array([int(value.scaleb(SCALE)) for _, value in ordered]))


class Unmeasured(NoHistory):
    """
    Final measurements of a recorded series for components of which each misses a stretch of its own.

    The component id is the number of the stretch, from 1.
    """

    def __init__(self, recorded: Recorded, firsts: NDArray[np.int64], lengths: NDArray[np.int64]) -> None:
        self._recorded, self._firsts, self._lengths = recorded, firsts, lengths

    def measured(self, windows: Windows) -> Measured:
        begins = (windows.starts - self._recorded.start) // self._recorded.seconds
        at = begins[:, None] + np.arange(windows.length)
        number = windows.component_ids - 1
        first = self._firsts[number][:, None]
        hidden = (at >= first) & (at < first + self._lengths[number][:, None])
        present = (at >= 0) & (at < len(self._recorded.counts)) & ~hidden
        return Measured(
            values=np.where(present, self._recorded.counts[np.where(present, at, 0)], 0),
            valid=present,
            conditions=np.where(present, int(Condition.REGULAR), 0).astype(np.int32),
            present=present,
            edited=np.zeros(present.shape, dtype=np.bool_),
        )

    def boundaries(self, batch: Batch) -> Boundaries:
        ids = np.array([facts.component_id for facts in batch.facts], dtype=np.int64)
        size = self._recorded.seconds
        before = self.measured(Windows(ids, batch.starts - size, 1, size, SCALE))
        after = self.measured(Windows(ids, batch.starts + batch.length * size, 1, size, SCALE))
        return Boundaries(
            before.values[:, 0], before.conditions[:, 0], before.present[:, 0],
            after.values[:, 0], after.conditions[:, 0], after.present[:, 0],
        )  # fmt: skip
