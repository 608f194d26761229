"""
What a flow whose message brings a file says of itself; the operations of attachments and segments do the rest.

A file flow is a `PackagedFlow` whose `recall`, `claim` and `run` are not used: its message is known by
`(drmsInstanceId, messageId)`, its work is divided into segments, and its answer is one acknowledgement per attempt.
"""

from __future__ import annotations

import abc
import dataclasses
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integration.flows.contract import Exchanged, Fault, Outcome, Reply
from integration.flows.csv_blocks import Block
from integration.flows.csv_rows import Layout, Row
from integration.flows.overlays import Overlay
from integration.flows.run import Run
from integration.models import FlowRun, Segment
from outbound.models import Connection


@dataclass(frozen=True, slots=True, kw_only=True)
class FileKey:
    """By what a message with a file is known, and what it says of the file."""

    drms_instance_id: str
    message_id: str
    file_name: str = ""
    record_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """A row that was refused; `id` is its recordId, or its line when it has none."""

    line: int
    id: str
    value: str
    at: str
    code: str = "ERROR"
    named: bool = False
    """Whether an answer that refused the segment as a whole named this row."""

    def as_entry(self) -> dict[str, Any]:
        """Give what is kept of it with its segment."""
        entry = {"line": self.line, "id": self.id, "value": self.value[:500], "at": self.at, "code": self.code}
        return {**entry, "named": True} if self.named else entry


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentResult:
    """
    What became of a segment: `succeeded + refused` are its rows, unless a `fault` ended it.

    A fault stops the attempt: no further segment starts. Rows that it left without an answer are in `refused` too.
    """

    succeeded: int
    refused: int
    errors: Sequence[RowError] = ()
    fault: Fault | None = None
    exchanges: Sequence[Exchanged] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentWork:
    """
    A segment that this worker holds, with its rows. `prepared` is what the flow's `prepare` gave.

    `connection` gives the connection to the flow's target, as it was a second ago at most. `overlay` is the site's
    overlay of the flow's mapping that the attempt works with; None when there is none.

    :raises UnknownConnection: by `connection`, when there is none.
    """

    run: FlowRun
    segment: Segment
    block: Block
    accepted: Any
    prepared: Any
    clock: Any
    connection: Callable[[], Connection]
    overlay: Overlay | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptResult:
    """An attempt at its end, for the acknowledgement. `errors` are the first rows that were refused."""

    run: FlowRun
    number: int
    record_count: int
    succeeded: int
    refused: int
    errors: Sequence[Mapping[str, Any]]
    fault: Fault | None
    at: dt.datetime

    @property
    def positive(self) -> bool:
        """Whether everything went through."""
        return self.fault is None and self.refused == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """The one message that tells DERMS of an attempt."""

    message_type: str
    external_system: str
    ack_type: str
    document: Mapping[str, Any]


class FileFlow(abc.ABC):
    """Base of flows with a file."""

    layout: Layout
    target: str = "DACS"
    # Of the base mapping, which overlays name; its name is the flow's own.
    mapping: str

    # Before anything is stored

    @abc.abstractmethod
    def accept(self, document: Any) -> Any:
        """
        Check the request, without the lookups.

        :raises MessageRefused: when it breaks the contract.
        """

    @abc.abstractmethod
    def prepare(self, accepted: Any, run: Run | None) -> Any:
        """
        Translate what is common to all rows; before the 202 there is no run yet.

        :raises MessageRefused: when a value is in no lookup.
        """

    @abc.abstractmethod
    def key(self, accepted: Any) -> FileKey:
        """Give the message's key."""

    @abc.abstractmethod
    def identifiers(self, accepted: Any) -> Sequence[tuple[str, str]]:
        """Give the business identifiers that people search by, the most telling first."""

    @abc.abstractmethod
    def why_refused(self, row: Row, accepted: Any) -> tuple[str, str] | None:
        """Give the column and the reason for which a row is not valid; None when it is."""

    def suspects(self, block: Block, accepted: Any) -> Iterable[int]:
        """Give the places of a block's rows that have to be judged one by one; the others are known to be valid."""
        return range(len(block.lines))

    def refused(self, block: Block, accepted: Any) -> list[Row]:
        """Give the rows of a block that are not valid, each with its problem, in the order of the file."""
        found = list(block.misfits)
        for place in self.suspects(block, accepted):
            row = block.row(place)
            problem = self.why_refused(row, accepted)
            if problem is not None:
                found.append(dataclasses.replace(row, problem=problem))
        return sorted(found, key=lambda row: row.line)

    # While it is worked on

    def received(self, accepted: Any, *, run: FlowRun, at: dt.datetime) -> None:  # noqa: B027  (optional)
        """Write what the message itself says, in the transaction that stores it."""

    def why_not_now(self, accepted: Any, *, run: FlowRun) -> Fault | None:
        """Give the reason for which nothing of it may be sent; asked after each claim and before the call."""
        return None

    def from_start(self, run: FlowRun, *, at: dt.datetime) -> None:  # noqa: B027  (optional)
        """Forget what was done, because everything is to be sent again."""

    @abc.abstractmethod
    def send(self, work: SegmentWork) -> SegmentResult:
        """Send the rows of one segment. Tells faults in its result; an exception is a defect."""

    @abc.abstractmethod
    def acknowledge(self, accepted: Any, result: AttemptResult) -> Acknowledgement:
        """Form the one acknowledgement of an attempt."""

    def ended(self, accepted: Any, result: AttemptResult) -> None:  # noqa: B027  (optional)
        """Write what the end means, in the transaction that queues the acknowledgement."""

    # Not used: the message's key, the segments and the acknowledgement take their place.

    def recall(self, accepted: Any, *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """Give None: the stored file knows the message."""
        return None

    def claim(self, accepted: Any, *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:  # noqa: B027  (not used)
        """Take nothing: the stored file takes the key."""

    def run(self, run: Run, accepted: Any) -> Outcome:
        """
        Refuse: a file is worked on in segments.

        :raises NotImplementedError: always.
        """
        raise NotImplementedError("A flow with a file is worked on in segments.")
