"""
What if a calculation said something else: stored numbers put through a changed definition beside today's scores.

Nothing is stored. The numbers are those that the last X1-CALAS found, so that a difference comes from the definition
and from nothing else. Memory stays the same whatever the number of devices.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db.models import F, QuerySet
from numpy.typing import NDArray

from assets.choices import COMMUNICATION_TENTHS, ReachForScore
from assets.engine import scores
from assets.engine.score_words import NOT_CALCULATED
from assets.models import ControlScore, Program, ScoreCalculation
from assets.operations.score_inputs import thousandths
from assets.score_queries import FIELDS


CHUNK = 20_000
SHOWN = 100
"""Devices whose scores change most are named, so many."""
BARS = 11
"""Scores from 0 to under 10, and so on; the last bar is from 100 up."""
_POWERS = ("specKw", "referenceKw")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedDevice:
    """A device whose score or eligibility changes; scores in cents."""

    membership_id: int
    before: int
    after: int
    eligible_before: bool
    eligible_after: bool
    reason_after: str


@dataclass(slots=True)
class Side:
    """One of the two sides: how many are eligible, the sum of the scores in cents, how many scores are in each bar."""

    eligible: int = 0
    cents: int = 0
    bars: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BARS, dtype=np.int64))

    def add(self, cents: NDArray[np.int64], eligible: NDArray[np.bool_]) -> None:
        """Count the devices of a chunk."""
        self.eligible += int(eligible.sum())
        self.cents += int(cents.sum())
        self.bars += np.bincount(np.clip(cents // 1_000, 0, BARS - 1), minlength=BARS)


@dataclass(slots=True, kw_only=True)
class Comparison:
    """What came out; of `devices` so many were `examined`."""

    devices: int
    examined: int = 0
    changed: int = 0
    newly_eligible: int = 0
    no_longer_eligible: int = 0
    not_calculated: int = 0
    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    most: list[ChangedDevice] = field(default_factory=list)


def compare(
    *, calculation: ScoreCalculation, definition: Any, program: Program | None = None, sample: int | None = None
) -> Comparison:
    """
    Put the stored numbers of a calculation's devices, or of a program's, through a definition.

    :param sample: about so many devices, spread evenly; None for all.
    :raises UnableToReadCalculation: when the definition makes no sense.
    """
    changed = scores.read(definition)
    rows = ControlScore.objects.filter(
        **({"version__calculation": calculation} if program is None else {"program": program})
    )
    found = Comparison(devices=rows.count())
    if sample is not None and found.devices > sample:
        rows = rows.annotate(rest=F("pk") % -(-found.devices // sample)).filter(rest=0)
    most: list[tuple[int, int, ChangedDevice]] = []
    last = 0
    while part := _part(rows, after=last):
        last = part[-1][0]
        _compare(changed, part, found, most)
    found.most = [device for _, _, device in sorted(most, key=lambda each: (-each[0], -each[1]))]
    return found


def _part(rows: QuerySet[ControlScore], *, after: int) -> list[tuple[Any, ...]]:
    return list(
        rows.filter(pk__gt=after)
        .order_by("pk")
        .values_list("pk", "score", "eligible", "communication_status", *FIELDS)[:CHUNK]
    )


def _compare(
    changed: scores.Calculation, part: list[tuple[Any, ...]], found: Comparison, most: list[tuple[int, int, Any]]
) -> None:
    keys, score, eligible, status, *numbers = zip(*part, strict=True)
    before = np.array([int(value * 100) for value in score], dtype=np.int64)
    was = np.array(eligible, dtype=bool)
    columns = {
        name: np.array([thousandths(value) for value in values] if name in _POWERS else values, dtype=np.int64)
        for name, values in zip(FIELDS.values(), numbers, strict=True)
    }
    columns["communication"] = np.array([COMMUNICATION_TENTHS[ReachForScore(value)] for value in status])
    after = scores.calculate(changed, columns)
    found.examined += len(keys)
    found.before.add(before, was)
    found.after.add(after.cents, after.eligible)
    found.newly_eligible += int((after.eligible & ~was).sum())
    found.no_longer_eligible += int((was & ~after.eligible).sum())
    found.not_calculated += int(np.count_nonzero(after.reasons == changed.reason_codes.index(NOT_CALCULATED)))
    differs = (before != after.cents) | (was != after.eligible)
    found.changed += int(differs.sum())
    weight = np.abs(after.cents - before) + (was != after.eligible)
    places = np.flatnonzero(differs)
    for place in places[np.argsort(-weight[places], kind="stable")][:SHOWN].tolist():
        device = ChangedDevice(
            membership_id=keys[place],
            before=int(before[place]),
            after=int(after.cents[place]),
            eligible_before=bool(was[place]),
            eligible_after=bool(after.eligible[place]),
            reason_after=changed.reason_codes[after.reasons[place]],
        )
        entry = (int(weight[place]), -device.membership_id, device)
        if len(most) < SHOWN:
            heapq.heappush(most, entry)
        else:
            heapq.heappushpop(most, entry)
