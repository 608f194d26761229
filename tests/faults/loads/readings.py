"""Reading files whose every reading has a fate that is known beforehand."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults.loads.messages import insist
from tests.faults.world import World
from tests.functional.harness.records import iso, meter


FIRST_DAY = dt.datetime(2024, 1, 1, 5, tzinfo=dt.UTC)
"""00:00 of 1 January 2024 in New York: in winter a local day is a day of measurements."""

INTERVALS = 96
_STEP = dt.timedelta(minutes=15)
_PATH = "/api/v1/reading-files/"
_HEADER = "measuring_component,start,seconds_per_interval,uom,value\n"
_MASTER_DATA_AT_ONCE = 100
_SPIKED_EVERY, _BROKEN_EVERY = 97, 499


@dataclass
class ReadingLoad:
    """
    `components` meters with `days` days each, in files of `per_file` meters.

    Every 97th day has a spike and becomes an exception, every 499th is not readable and is rejected, row by row;
    every second exception is discarded by a person. A reading is known by its day: `0007 2024-01-03`.
    """

    world: World
    prefix: str
    components: int
    days: int
    per_file: int = 35
    pause_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.numbers = range(self.components)
        self.file_ids: list[str] = []
        self.parts = [self.numbers[first : first + self.per_file] for first in range(0, self.components, self.per_file)]

    @property
    def intervals(self) -> int:
        return self.components * self.days * INTERVALS

    def sent(self) -> set[str]:
        return {name for numbers in self.parts for name, _, _ in self._days(numbers)}

    def prepare(self) -> None:
        """Tell the product of the meters."""
        client = self.world.product.client()
        lines = [line for number in self.numbers for line in meter(self.component(number))]
        for first in range(0, len(lines), _MASTER_DATA_AT_ONCE):
            part = lines[first : first + _MASTER_DATA_AT_ONCE]
            insist(lambda part=part: client.master_data(*part), accepted=(200,))  # type: ignore[misc]

    def send(self) -> None:
        """Upload every file until it is accepted, each under its own key."""
        client = self.world.product.client()
        for index, numbers in enumerate(self.parts):
            content = self._content(numbers)
            name = f"{self.prefix}-{index}.csv"
            answer = insist(
                lambda name=name, content=content: client.post(  # type: ignore[misc]
                    _PATH,
                    files={"file": (name, content)},
                    data={"format": "csv"},
                    headers={"Idempotency-Key": name},
                ),
                accepted=(202,),
            )
            self.file_ids.append(answer.json()["id"])
            time.sleep(self.pause_seconds)

    def discard(self) -> None:
        """Put every second exception aside, as a person does."""
        client = self.world.product.client()
        for number, (imd, _) in enumerate(sorted(self._imds("EXCEPTION"))):
            if number % 2:
                insist(
                    lambda imd=imd: client.post(f"/api/v1/imds/{imd}/discard/", json={"reason": "A spike"}),  # type: ignore[misc]
                    accepted=(200, 202, 409),
                )

    def progress(self) -> float:
        """The share of the files' rows that are read and of the days that are through, each for half of it."""
        read = self.world.value(
            "SELECT coalesce(sum(rows_read), 0) FROM vee_readingfile WHERE id::text = ANY(%s)", self.file_ids
        )
        through = self.world.value(
            "SELECT count(*) FROM vee_initialmeasurement WHERE starts_with(component_identifier, %s)"
            " AND state NOT IN ('PENDING', 'VEE_READY', 'VEE')",
            self.prefix,
        )
        return float(read) / self.intervals / 2 + through / (self.components * self.days) / 2

    def is_over(self) -> bool:
        """Whether every file is loaded and no IMD is due."""
        loading = self.world.value(
            "SELECT count(*) FROM vee_readingfile WHERE id::text = ANY(%s) AND status IN ('RECEIVED', 'LOADING')",
            self.file_ids,
        )
        due = self.world.value(
            "SELECT count(*) FROM vee_initialmeasurement WHERE starts_with(component_identifier, %s)"
            " AND state IN ('PENDING', 'VEE_READY', 'VEE', 'FORCE_COMPLETE')",
            self.prefix,
        )
        return not loading and not due

    def fates(self) -> dict[str, set[str]]:
        """What became of each day."""
        return {
            "measurement": set(self.digests()),
            "exception": {name for _, name in self._imds("EXCEPTION")},
            "discarded": {name for _, name in self._imds("DISCARDED")},
            "rejected": self._rejected(),
        }

    def digests(self) -> dict[str, str]:
        """The digest of each whole day of measurements, without the ids of this run."""
        rows = self.world.rows(
            "SELECT c.identifier, b.start, b.seconds_per_interval, b.scale, b.values::text, b.conditions::text,"
            " b.flags::text, b.readings::text, b.total, b.missing, b.multiplier FROM vee_measurementblock b"
            " JOIN vee_measuringcomponent c ON c.id = b.measuring_component_id WHERE starts_with(c.identifier, %s)",
            self.prefix,
        )
        return {
            self._name(component, start): hashlib.sha256(repr(rest).encode()).hexdigest()
            for component, start, *rest in rows
        }

    def component(self, number: int) -> str:
        return f"{self.prefix}-{number:04d}"

    def _name(self, component: str, start: dt.datetime) -> str:
        return f"{component.removeprefix(self.prefix)[1:]} {start.astimezone(dt.UTC):%Y-%m-%d}"

    def _imds(self, state: str) -> list[tuple[int, str]]:
        rows = self.world.rows(
            "SELECT id, component_identifier, start FROM vee_initialmeasurement"
            " WHERE starts_with(component_identifier, %s) AND state = %s",
            self.prefix,
            state,
        )
        return [(imd, self._name(component, start)) for imd, component, start in rows]

    def _rejected(self) -> set[str]:
        lines = self.world.rows(
            "SELECT file_id::text, line FROM vee_readingfileerror WHERE file_id::text = ANY(%s) AND message <> ''",
            self.file_ids,
        )
        names = {
            file_id: [name for name, _, _ in self._days(part)]
            for file_id, part in zip(self.file_ids, self.parts, strict=True)
        }
        # The header is line 1.
        return {names[file_id][(line - 2) // INTERVALS] for file_id, line in lines}

    def _days(self, numbers: range) -> Iterator[tuple[str, int, int]]:
        for number in numbers:
            for day in range(self.days):
                yield f"{number:04d} {FIRST_DAY + dt.timedelta(days=day):%Y-%m-%d}", number, day

    def _content(self, numbers: range) -> bytes:
        lines = [_HEADER]
        for _, number, day in self._days(numbers):
            index = number * self.days + day
            start = FIRST_DAY + dt.timedelta(days=day)
            for place in range(INTERVALS):
                value = f"{0.2 + 0.01 * (place % 12) + 0.001 * (index % 50):.3f}"
                if index % _SPIKED_EVERY == 13 and place == 40:
                    value = "99.5"
                if index % _BROKEN_EVERY == 14:
                    value = "1_000"
                lines.append(f"{self.component(number)},{iso(start + place * _STEP)},900,KWH,{value}\n")
        return "".join(lines).encode()
