"""A programme of faults: what happens when, from a seed."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.points.fault_points import POINTS


KILLED = ("web", "worker", "worker child", "beat", "supervisor")
# A child is back at once, a worker of the supervisor's after its back-off; beat has little to lose.
_WEIGHTS = (25, 15, 45, 10, 5)


_PASSED_ONCE = ("file-received", "attempt-begun", "segments-planned", "reading-file-received")
_PAUSE_SECONDS = 15.0
_SHORT_PAUSE_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Fault:
    """
    One fault: `at` seconds after the load began it begins, and it lasts for `seconds`.

    `kind` is a method of `injection.Injector`, `target` what it is told.
    """

    at: float
    kind: str
    target: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        lasting = f" for {self.seconds:g} s" if self.seconds else ""
        return f"{self.kind} {self.target}".strip() + lasting


def kills(*, seed: int, number: int, seconds: float, load: str) -> list[Fault]:
    """
    Spread kills over some seconds: every second one at random, the others at the named points that a load passes.

    Each process is killed once before one is again, and each point comes once before one comes again, as far as the
    number goes; the order is that of the seed.
    """
    rng = random.Random(seed)
    names = [point.name for point in POINTS if point.load == load]
    points: list[str] = []
    while len(points) < number:
        points += rng.sample(names, len(names))
    at_random = number - number // 2
    once = rng.sample(KILLED, len(KILLED))[:at_random]
    targets = once + rng.choices(KILLED, _WEIGHTS, k=at_random - len(once))
    rng.shuffle(targets)
    found = []
    for index in range(number):
        at = seconds * (index + rng.uniform(0.2, 0.8)) / number
        if index % 2 == 0:
            found.append(Fault(at, "kill", targets[index // 2]))
        else:
            scope = rng.choices(("process", "group"), (3, 1))[0]
            found.append(Fault(at, "point", f"{points[index // 2]} {scope}"))
    return found


def before_the_work(faults: Sequence[Fault]) -> tuple[list[Fault], list[Fault]]:
    """Give the points that are passed once, as work comes in, and are armed before it; and the other faults."""
    early = [fault for fault in faults if fault.kind == "point" and fault.target.startswith(_PASSED_ONCE)]
    return early, [fault for fault in faults if fault not in early]


def misbehaviour(*, seed: int, number: int, seconds: float, times: int) -> list[Fault]:
    """Let a peer misbehave again and again, `times` requests each: every way of it in turn, in an order of the seed."""
    rng = random.Random(seed + 1)
    ways = ["status", "reset", "half answer", "nonsense", "slow", "reset after effect"]
    rng.shuffle(ways)
    return [
        Fault(seconds * (index + rng.random()) / number, "peer", f"{ways[index % len(ways)]} {times}")
        for index in range(number)
    ]


def services(*, seed: int, short: bool) -> list[Fault]:
    """Everything that is not a kill: services, the machine, an hour without the peer, each with time to recover."""
    faults = [Fault(0, "redis flush"), Fault(0, "postgres cut")]
    if not short:
        faults += [
            *faults,
            Fault(0, "redis down", seconds=10),
            Fault(0, "redis frozen", seconds=15),
            Fault(0, "postgres down", "SIGINT", seconds=3),
            Fault(0, "postgres down", "SIGQUIT", seconds=1),
            Fault(0, "postgres down", "SIGKILL", seconds=5),
            Fault(0, "two beats", seconds=30),
            Fault(0, "disk full", seconds=8),
            Fault(0, "clock", "7200", seconds=20),
            Fault(0, "clock", "-7200", seconds=20),
        ]
    random.Random(seed).shuffle(faults)
    if not short:
        faults += [Fault(0, "outage", seconds=40)]
    at, spaced = 2.0, []
    for fault in faults:
        spaced.append(dataclasses.replace(fault, at=at))
        at += fault.seconds + (_SHORT_PAUSE_SECONDS if short else _PAUSE_SECONDS)
    return spaced


def merged(*programmes: Sequence[Fault]) -> list[Fault]:
    """Give several programmes as one."""
    return sorted((fault for programme in programmes for fault in programme), key=lambda fault: fault.at)
