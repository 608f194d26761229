"""The steps of a run on a line of time, to scale: when each began, how long it took, and where nothing happened."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from integration.choices import UNFINISHED_STATES, RunState
from integration.models import FlowRun, RunStep, RunTransition


SHORTEST_WAIT = 0.05
"""Seconds without a step that are worth telling; less is the work between two steps."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One pass over a run: from the moment when it was to be done to its end; `ended_in` is empty while it goes on."""

    number: int
    begun_at: dt.datetime
    by: str
    reason: str
    ended_at: dt.datetime | None = None
    ended_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A step with its place on the line, in percent of its attempt; `seconds` is None while it goes on."""

    step: RunStep
    offset: float
    width: float
    seconds: float | None
    waited: float
    wait_offset: float
    wait_width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """The steps of one attempt; `waited`: seconds since the attempt before it."""

    attempt: Attempt | None
    number: int
    waited: float | None
    seconds: float
    bars: list[Bar] = field(default_factory=list)


def attempts_of(transitions: Iterable[RunTransition]) -> list[Attempt]:
    """Give the attempts at a run by its transitions in their order."""
    attempts: list[Attempt] = []
    for each in transitions:
        if each.to_state == RunState.RECEIVED:
            number = len(attempts) + 1
            attempts.append(Attempt(number=number, begun_at=each.at, by=each.by, reason=each.reason))
        elif attempts and each.from_state in UNFINISHED_STATES and each.to_state not in UNFINISHED_STATES:
            attempts[-1].ended_at, attempts[-1].ended_in = each.at, each.to_state
    return attempts


def lanes(run: FlowRun, steps: Iterable[RunStep], attempts: Sequence[Attempt], *, at: dt.datetime) -> list[Lane]:
    """Give the steps by attempt, each attempt to a scale of its own: hours between two leave room for neither."""
    ordered = sorted(steps, key=lambda step: step.sequence)
    found = []
    ended: dt.datetime | None = None
    for number, group in groupby(ordered, key=lambda step: step.attempt):
        mine = list(group)
        known = attempts[number - 1] if 0 < number <= len(attempts) else None
        start = min(known.begun_at, mine[0].started_at) if known else mine[0].started_at
        end = max(_end(step, at=at) for step in mine)
        whole = max((end - start).total_seconds(), 0.001)
        waited = (start - ended).total_seconds() if ended else None
        found.append(
            Lane(attempt=known, number=number, waited=waited, seconds=whole, bars=_bars(mine, start, whole, at=at))
        )
        ended = end
    return found


def _bars(steps: Sequence[RunStep], start: dt.datetime, whole: float, *, at: dt.datetime) -> list[Bar]:
    bars = []
    busy_until = start
    for step in steps:
        offset = max((step.started_at - start).total_seconds(), 0.0)
        end = _end(step, at=at)
        wait = max((step.started_at - busy_until).total_seconds(), 0.0)
        wait = wait if wait >= SHORTEST_WAIT else 0.0
        bars.append(
            Bar(
                step=step,
                offset=_percent(offset, whole),
                width=max(_percent((end - step.started_at).total_seconds(), whole), 0.4),
                seconds=None if step.duration_seconds is None else float(step.duration_seconds),
                waited=wait,
                wait_offset=_percent(offset - wait, whole),
                wait_width=_percent(wait, whole),
            )
        )
        busy_until = max(busy_until, end)
    return bars


def _end(step: RunStep, *, at: dt.datetime) -> dt.datetime:
    if step.duration_seconds is None:
        return max(at, step.started_at)
    return step.started_at + dt.timedelta(seconds=float(step.duration_seconds))


def _percent(seconds: float, whole: float) -> float:
    return round(min(100 * seconds / whole, 100.0), 2)
