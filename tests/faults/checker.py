"""
What must be true after a campaign, as pure functions over the peers' records and the database.

After Jepsen's total-queue checker: what was accepted, what arrived with an effect, what is there to be seen. A verdict
lists what is wrong; nothing listed means that nothing is. None of these is valid before the load is through: what is
still on its way counts as wrong.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request that a peer saw; `effect`: it did something for it."""

    key: str
    business_id: str
    at: dt.datetime
    effect: bool


@dataclass(frozen=True, slots=True)
class MessageRow:
    """A message of the queue as the database has it; `tries` is the number of its attempts."""

    status: str
    due: bool
    tries: int
    reason: str


@dataclass(slots=True)
class Verdict:
    """What is wrong, by kind with its cases, and the figures of what was looked at."""

    wrong: dict[str, list[str]] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)

    def must_be_none(self, kind: str, cases: Iterable[str]) -> None:
        self.wrong[kind] = sorted(cases)

    @property
    def holds(self) -> bool:
        return not any(self.wrong.values())

    def __str__(self) -> str:
        lines = [f"{kind}: {len(cases)}, such as {', '.join(cases[:5])}" for kind, cases in self.wrong.items() if cases]
        return "\n".join(lines) or "nothing wrong"


ENDED = frozenset({"SUCCESS", "FAIL", "CANCELED"})


def messages(
    *,
    attempted: Collection[str],
    accepted: Collection[str],
    arrivals: Sequence[Arrival],
    rows: Mapping[str, MessageRow],
) -> Verdict:
    """Every accepted message is delivered or visibly failed, none has a second effect, every call has its attempt."""
    effects = Counter(arrival.business_id for arrival in arrivals if arrival.effect)
    keys: dict[str, set[str]] = {}
    for arrival in arrivals:
        keys.setdefault(arrival.business_id, set()).add(arrival.key)
    calls = Counter(arrival.business_id for arrival in arrivals)
    failed = {name for name, row in rows.items() if row.status in ("FAIL", "CANCELED") and not row.due}
    on_the_way = {name for name, row in rows.items() if row.due or row.status not in ENDED}
    verdict = Verdict()
    verdict.must_be_none("still on its way", on_the_way)
    verdict.must_be_none("accepted and not in the database", set(accepted) - set(rows))
    verdict.must_be_none("lost", set(accepted) & set(rows) - set(effects) - failed - on_the_way)
    verdict.must_be_none("doubled", (name for name, count in effects.items() if count > 1))
    verdict.must_be_none("never asked for", (set(effects) | set(rows)) - set(attempted))
    verdict.must_be_none("under two keys", (name for name, found in keys.items() if len(found) > 1))
    verdict.must_be_none("failed without a reason", (name for name in failed if not rows[name].reason))
    verdict.must_be_none(
        "called more often than attempts were noted",
        (name for name, count in calls.items() if name in rows and count > rows[name].tries),
    )
    verdict.figures = {
        "accepted": len(set(accepted)),
        "delivered": len(set(accepted) & set(effects)),
        "visibly failed": len(failed - set(effects)),
        "failed though the peer has it": len(failed & set(effects)),
        "repeated calls absorbed": sum(calls.values()) - sum(1 for name in calls if effects[name]),
    }
    return verdict


def reservation(
    *, rows: Collection[str], refused: Collection[str], reserved: Mapping[str, int], ledger: Mapping[str, str]
) -> Verdict:
    """Every row is reserved once at the peer, and the ledger says what the peer has."""
    verdict = Verdict()
    wanted = set(rows) - set(refused)
    verdict.must_be_none("not reserved", wanted - set(reserved))
    verdict.must_be_none("reserved twice", (device for device, count in reserved.items() if count > 1))
    verdict.must_be_none("reserved and not asked for", set(reserved) - wanted)
    told = {device for device, state in ledger.items() if state == "RESERVED"}
    verdict.must_be_none("in the ledger and not at the peer", told - set(reserved))
    verdict.must_be_none("at the peer and not in the ledger", set(reserved) - told)
    verdict.figures = {"rows": len(set(rows)), "reserved": len(reserved)}
    return verdict


def acknowledgements(*, attempts: Mapping[str, bool], arrivals: Sequence[Arrival]) -> Verdict:
    """
    Every attempt at a file is acknowledged exactly once.

    :param attempts: the id of each attempt's acknowledgement, and whether the attempt has ended.
    """
    effects = Counter(arrival.key for arrival in arrivals if arrival.effect)
    verdict = Verdict()
    verdict.must_be_none("attempt without an end", (name for name, ended in attempts.items() if not ended))
    verdict.must_be_none("not acknowledged", (name for name, ended in attempts.items() if ended and not effects[name]))
    verdict.must_be_none("acknowledged twice", (name for name, count in effects.items() if count > 1))
    verdict.must_be_none("acknowledged without an attempt", set(effects) - set(attempts))
    verdict.figures = {"attempts": len(attempts), "acknowledgements": sum(effects.values())}
    return verdict


Fates = Mapping[str, Collection[str]]


def readings(*, sent: Collection[str], fates: Fates) -> Verdict:
    """Every reading has exactly one fate: measurement, exception, discarded, or rejected with a reason."""
    found = Counter(reading for fate in fates.values() for reading in set(fate))
    verdict = Verdict()
    verdict.must_be_none("without a fate", set(sent) - set(found))
    verdict.must_be_none("with two fates", (reading for reading, count in found.items() if count > 1))
    verdict.must_be_none("never sent", set(found) - set(sent))
    verdict.figures = {"readings": len(set(sent)), **{fate: len(set(names)) for fate, names in fates.items()}}
    return verdict


def same_measurements(*, disturbed: Mapping[str, str], undisturbed: Mapping[str, str]) -> Verdict:
    """The digest of each day of measurements is that of a run that nothing disturbed."""
    verdict = Verdict()
    verdict.must_be_none("day missing", set(undisturbed) - set(disturbed))
    verdict.must_be_none("day too many", set(disturbed) - set(undisturbed))
    verdict.must_be_none(
        "day that differs", (day for day in set(disturbed) & set(undisturbed) if disturbed[day] != undisturbed[day])
    )
    verdict.figures = {"days compared": len(undisturbed)}
    return verdict


Move = tuple[str, str]


def transitions(*, allowed: Collection[Move], first: Collection[str], paths: Mapping[str, Sequence[Move]],
                states: Mapping[str, str]) -> Verdict:  # fmt: skip
    """
    States moved along the table only: each move is in it, begins where the last one ended, and ends at the state now.

    :param first: states that a record may begin in.
    """
    verdict = Verdict()
    broken, unknown, elsewhere = set(), set(), set()
    for record, path in paths.items():
        place = ""
        for before, after in path:
            if before != place:
                broken.add(record)
            if (before, after) not in allowed and not (before == "" and after in first):
                unknown.add(f"{record} {before}→{after}")
            place = after
        if states.get(record, place) != place:
            elsewhere.add(record)
    verdict.must_be_none("a move that does not begin where the last one ended", broken)
    verdict.must_be_none("a move that is not in the table", unknown)
    verdict.must_be_none("in a state that no move led to", elsewhere)
    verdict.must_be_none("without any move", set(states) - set(paths))
    verdict.figures = {"moves": sum(len(path) for path in paths.values()), "records": len(states)}
    return verdict


def recoveries(*, ended: Sequence[dt.datetime], moves: Sequence[Sequence[dt.datetime]]) -> list[float]:
    """
    Give for each fault the seconds from its end until every kind of work had moved again.

    A kind that has no move any more after a fault was through by then and does not count. Where another fault struck
    before a kind had moved, the wait is told from the end of that one; `standstill` tells the whole of it.
    """
    ordered = [sorted(series) for series in moves]
    ends = sorted(ended)
    found = []
    for number, end in enumerate(ends):
        following = ends[number + 1] if number + 1 < len(ends) else None
        waits = [next((at for at in series if at > end), None) for series in ordered]
        found.append(
            max(
                (
                    (at - end).total_seconds()
                    for at in waits
                    if at is not None and (following is None or at <= following)
                ),
                default=0.0,
            )
        )
    return found


def standstill(*, ended: Sequence[dt.datetime], moves: Sequence[Sequence[dt.datetime]]) -> float:
    """Give the longest time in seconds from a fault's end until a kind of work moved, whatever struck in between."""
    ordered = [sorted(series) for series in moves]
    waits = [
        (at - end).total_seconds()
        for end in ended
        for series in ordered
        if (at := next((each for each in series if each > end), None)) is not None
    ]
    return max(waits, default=0.0)
