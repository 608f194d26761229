"""What a register used in a window of time, told from its final reads, and how good that is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from fractions import Fraction

from vee.codes import Band
from vee.engine.context import Period, RegisterReads


@dataclass(frozen=True, slots=True)
class Usage:
    """An exact amount, and how many seconds it covers; of these, how many were estimated and how many edited."""

    amount: Fraction = Fraction(0)
    covered: int = 0
    estimated: int = 0
    edited: int = 0


def usage_in(reads: RegisterReads, window: Period, *, since: int | None = None) -> Usage:
    """
    Give the usage in a window, from the reads around it; with `since`, only of what was read from then on.

    What lies between two reads is spread evenly over the time between them.
    """
    around = [read for read in (reads.before, *reads.inside, reads.after) if read is not None]
    start = window.start if since is None else max(window.start, since)
    amount, covered, estimated, edited = Fraction(0), 0, 0, 0
    for one, other in itertools.pairwise(around):
        seconds = min(other.read_at, window.end) - max(one.read_at, start)
        if other.consumption is None or seconds <= 0 or (since is not None and one.read_at < since):
            continue
        amount += Fraction(other.consumption) * seconds / (other.read_at - one.read_at)
        covered += seconds
        estimated += seconds if Band.SYSTEM_ESTIMATE.low <= other.condition <= Band.SYSTEM_ESTIMATE.high else 0
        edited += seconds if other.user_edited else 0
    return Usage(amount, covered, estimated, edited)
