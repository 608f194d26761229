"""
Flows with a file whose segments share their statements: begun together, called side by side, settled together.

What the tables cost is shared by the segments that a worker has in hand at once; the calls alone are a segment's own.
"""

from __future__ import annotations

import abc
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from integration.flows.dacs_enrollment import Client
from integration.flows.file_flow import FileFlow, SegmentResult, SegmentWork
from outbound.transports import rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A segment that is written as being sent: `prepared` is what the flow's `call` and `settle` need of it."""

    work: SegmentWork
    client: rest.RestClient
    prepared: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A segment whose call is through; `answer` is what the flow's `call` gave."""

    begun: Begun
    answer: Any


class BatchFileFlow(FileFlow):
    """Base of flows whose segments share statements. They are of one run."""

    @abc.abstractmethod
    def begin(self, works: Sequence[SegmentWork]) -> list[Begun | SegmentResult]:
        """Write segments as being sent, in their order; the result of those that need no call."""

    @abc.abstractmethod
    def call(self, begun: Begun, client: Client) -> Any:
        """Make the call of one segment, in a thread that has no database. Tells faults in what it gives."""

    @abc.abstractmethod
    def settle(self, answered: Sequence[Answered]) -> list[SegmentResult]:
        """Write what became of segments, in the transaction that ends them; gives their results in their order."""

    def send(self, work: SegmentWork) -> SegmentResult:
        """Send one segment by itself."""
        (begun,) = self.begin([work])
        if isinstance(begun, SegmentResult):
            return begun
        (result,) = self.settle([Answered(begun=begun, answer=self.call(begun, begun.client))])
        return result
