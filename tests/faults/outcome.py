"""What a campaign found: its verdicts, its figures, and how soon work moved again."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.faults.checker import Verdict


RECOVERY_SECONDS = 60.0
"""Within so many seconds of a fault's end due work moves again."""


@dataclass(slots=True, kw_only=True)
class Outcome:
    """
    One campaign. `recoveries` has a number of seconds for each fault, `points` those at which a process ended.

    `standstill` is the longest wait, with everything that struck meanwhile: told, not judged, as faults may follow each
    other as closely as they like.

    `drained_after` depends on how much was waiting, and is told, not judged.
    """

    title: str
    seed: int
    faults: int
    kills: int
    points: list[str]
    seconds: float
    verdicts: list[Verdict]
    recoveries: list[float] = field(default_factory=list)
    drained_after: float = 0.0
    standstill: float = 0.0

    def __post_init__(self) -> None:
        slow = [f"{seconds:.0f} s" for seconds in self.recoveries if seconds > RECOVERY_SECONDS]
        self.verdicts.append(Verdict(wrong={"moved again too late": slow}))

    @property
    def holds(self) -> bool:
        return all(verdict.holds for verdict in self.verdicts)

    @property
    def wrong(self) -> str:
        return "\n".join(str(verdict) for verdict in self.verdicts if not verdict.holds)

    @property
    def figures(self) -> dict[str, int]:
        return {name: number for verdict in self.verdicts for name, number in verdict.figures.items()}
