"""What becomes of readings, said once more and shorter than the product says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


INTERVALS = 4
Values = tuple[Decimal | None, ...]
WAITING = frozenset({"PENDING", "ERROR", "EXCEPTION"})
# A reading that came in is in exactly one of these.
FATES = {
    "COMPLETE": "measurement",
    "EXCEPTION": "exception",
    "ERROR": "exception",
    "DISCARDED": "discarded",
    "PENDING": "waiting",
}


@dataclass(slots=True)
class Imd:
    """One IMD: a day of a component, and the values as they stand after edits."""

    component: str | None
    day: int
    values: Values
    kind: str
    state: str
    fits: bool = True
    edited: set[int] = field(default_factory=set)

    def is_due(self) -> bool:
        """Whether it is processed by itself; manual data waits for a person."""
        return self.state == "PENDING" and self.kind != "MANUAL"

    def has_issue(self) -> bool:
        """Say whether the rules of the group raise an issue: a wrong unit, a missing value, a negative total."""
        known = [value for value in self.values if value is not None]
        return not self.fits or None in self.values or sum(known, Decimal(0)) < 0


@dataclass(slots=True)
class Slot:
    """What is measured of one interval, and how it came about."""

    value: Decimal | None
    user_edited: bool


@dataclass(slots=True)
class House:
    """All IMDs by id, and the measurements that they became, by component, day and interval."""

    imds: dict[int, Imd] = field(default_factory=dict)
    measured: dict[tuple[str, int, int], Slot] = field(default_factory=dict)

    def in_turn(self) -> list[Imd]:
        """Give what is due, in the order in which it counts: the later one of a day stands."""
        due = [(imd.component or "", imd.day, pk, imd) for pk, imd in self.imds.items() if imd.is_due()]
        return [imd for *_, imd in sorted(due, key=lambda each: each[:3])]

    def run(self, imd: Imd) -> None:
        """Run VEE."""
        if imd.component is None:
            imd.state = "ERROR"
        elif imd.has_issue():
            imd.state = "EXCEPTION"
        else:
            self.complete(imd)

    def complete(self, imd: Imd) -> None:
        """Make measurements of the values as they stand; one that is missing takes the place of none."""
        assert imd.component is not None
        imd.state = "COMPLETE"
        for place, value in enumerate(imd.values):
            before = self.measured.get((imd.component, imd.day, place))
            if value is not None or before is None or before.value is None:
                self.measured[imd.component, imd.day, place] = Slot(value, place in imd.edited)

    def edit(self, imd: Imd, changes: Mapping[int, Decimal | None]) -> None:
        """Change values; one that is what it was is no edit."""
        values = list(imd.values)
        for place, value in changes.items():
            if values[place] != value:
                values[place] = value
                imd.edited.add(place)
        imd.values = tuple(values)

    def fates(self) -> dict[str, int]:
        """Count the readings that were taken in by what became of them."""
        counts: dict[str, int] = {}
        for imd in self.imds.values():
            fate = FATES[imd.state]
            counts[fate] = counts.get(fate, 0) + INTERVALS
        return counts
