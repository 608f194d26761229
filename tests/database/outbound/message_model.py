"""What becomes of queued messages, said once more and shorter than the product says it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field


RETRY_AFTER = dt.timedelta(seconds=10)
LOOK_AGAIN = dt.timedelta(seconds=60)
SLOWED_DOWN = dt.timedelta(seconds=40)
MAX_RECOVERIES = 3

# What may follow what. A status that stays is no move.
TABLE = {
    "PENDING": {"IN_PROGRESS", "CANCELED"},
    "IN_PROGRESS": {"SENT", "SUCCESS", "FAIL", "PENDING"},
    "FAIL": {"IN_PROGRESS", "CANCELED"},
    "SENT": {"SUCCESS", "FAIL", "CANCELED"},
    "SUCCESS": {"FAIL"},
    "CANCELED": set(),
}
RESENDABLE, SENDABLE_AGAIN, CANCELABLE = {"PENDING", "FAIL"}, {"SENT", "SUCCESS"}, {"PENDING", "FAIL", "SENT"}


@dataclass(slots=True)
class Message:
    """One message as it should be; `due` is None when nothing more happens by itself."""

    number: int
    due: dt.datetime | None
    key: str = ""
    acknowledged_later: bool = False
    status: str = "PENDING"
    retries: int = 0
    recoveries: int = 0
    asked_for: bool = False
    held: bool = False
    in_hand: bool = False
    calls: int = 0
    attempts: int = 0

    def facts(self) -> tuple[object, ...]:
        """Give what is compared with the stored row."""
        return (
            self.status,
            self.retries,
            self.recoveries,
            self.asked_for,
            self.held,
            self.in_hand,
            self.due if self.waits and not self.in_hand else None,
        )

    @property
    def waits(self) -> bool:
        return self.status in ("PENDING", "FAIL") and self.due is not None

    @property
    def unfinished(self) -> bool:
        return self.waits or self.status == "IN_PROGRESS"

    def move(self, status: str) -> None:
        """Go on to a status, along the table."""
        assert status in TABLE[self.status], (self.status, status)
        self.status = status

    def begin(self) -> None:
        """Begin a try, which is a retry when the one before failed and nobody asked for this one."""
        self.retries += self.status == "FAIL" and not self.asked_for
        self.move("IN_PROGRESS")
        self.asked_for = self.held = False
        self.in_hand = True
        self.attempts += 1

    def end(self, status: str) -> None:
        """Come to an end, for now or for good."""
        self.move(status)
        self.due, self.in_hand, self.recoveries, self.held, self.asked_for = None, False, 0, False, False


@dataclass(slots=True)
class Queue:
    """All messages, and the connection that they go through."""

    messages: dict[int, Message] = field(default_factory=dict)
    max_retries: int = 2
    paused: bool = False

    def due(self, at: dt.datetime) -> list[Message]:
        """Give the messages that a worker takes now: of a key only the first that is unfinished."""
        return [
            each
            for each in self.messages.values()
            if each.waits and each.due is not None and each.due <= at and not each.in_hand and not self._waits(each)
        ]

    def _waits(self, one: Message) -> bool:
        return bool(one.key) and any(
            each.key == one.key and each.number < one.number and each.unfinished for each in self.messages.values()
        )

    def hold(self, at: dt.datetime) -> None:
        """The connection is paused: what is due waits for it."""
        for each in self.messages.values():
            if each.waits and each.due is not None and each.due <= at and not each.in_hand:
                each.due, each.held = at + LOOK_AGAIN, True

    def let_go(self, at: dt.datetime) -> None:
        """The connection works: what waited for it is due."""
        for each in self.messages.values():
            if each.held and each.waits and not each.in_hand:
                each.due, each.held = at, False

    def outcome(self, message: Message, behaviour: str, at: dt.datetime) -> None:
        """Say what an answer, or none, makes of a message whose try has begun."""
        if behaviour == "ok":
            message.end("SENT" if message.acknowledged_later else "SUCCESS")
        elif behaviour == "refuses" or message.retries >= self.max_retries:
            message.end("FAIL")
        else:
            message.end("FAIL")
            message.due = at + (SLOWED_DOWN if behaviour == "slow down" else RETRY_AFTER)

    def used_up(self, message: Message) -> bool:
        """Whether a retry may not begin any more: the limit was lowered since it was planned."""
        return message.status == "FAIL" and not message.asked_for and message.retries >= self.max_retries

    def sweep(self, at: dt.datetime, lost: list[Message]) -> None:
        """Take back what was in the hands of lost workers, and let go what nothing holds any more."""
        for each in lost:
            each.in_hand = False
            if each.status != "IN_PROGRESS":
                continue
            if each.recoveries + 1 >= MAX_RECOVERIES:
                each.end("FAIL")
                each.recoveries = MAX_RECOVERIES
            else:
                each.move("PENDING")
                each.recoveries, each.due = each.recoveries + 1, at
        if not self.paused and any(each.held and each.due is not None and each.due > at for each in self.all()):
            self.let_go(at)

    def send(self, message: Message, at: dt.datetime) -> None:
        """A person asks for it: with retries from 0, and this try is none of them."""
        if message.status in SENDABLE_AGAIN:
            message.status = "FAIL"
        message.asked_for = message.status == "FAIL"
        message.retries = message.recoveries = 0
        message.due, message.held = at, False

    def all(self) -> list[Message]:
        return list(self.messages.values())
