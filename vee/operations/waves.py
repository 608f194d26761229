"""The order among IMDs of one component: which of a chunk may go through VEE together."""

from __future__ import annotations

from collections.abc import Sequence

from vee.operations.preparation import DueImd
from vee.storage import NO_VALUE


def in_waves(imds: Sequence[DueImd]) -> list[list[DueImd]]:
    """
    Cut IMDs, ordered by component and start, into waves that are processed one after another.

    An IMD that needs what an earlier one of its component leaves behind waits for it: a register reading, which is
    subtracted from the one before it, intervals with a gap at an edge, which look at the measurement beyond it, and
    those that are compared with the day before.
    All others go at once.
    """
    waves: dict[int, list[DueImd]] = {}
    latest: dict[int, int] = {}
    for imd in imds:
        component = imd.component.id if imd.component is not None else -imd.id
        number = latest.get(component, -1)
        number = number + 1 if number < 0 or _looks_back(imd) else number
        latest[component] = number
        waves.setdefault(number, []).append(imd)
    return [waves[number] for number in sorted(waves)]


def _looks_back(imd: DueImd) -> bool:
    values = imd.values
    if imd.component is not None and imd.component.high_quality_tolerance is not None:
        return True
    return values is None or not len(values) or values[0] == NO_VALUE or values[-1] == NO_VALUE
