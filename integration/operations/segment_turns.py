"""
A worker's turn at a run: it claims segments, begins them, lets their calls go out, and settles those that are through.

Each of these is done for several segments at once where their flow can. While calls are out, those that came back
before are written, and their places are taken by the next. What goes wrong with several is done again one by one, so
that a segment with a defect takes no other with it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import structlog

from foundation import leases
from integration.flows import applied_overlays, csv_rows
from integration.flows.contract import Fault, MessageRefused
from integration.flows.file_batches import Answered, BatchFileFlow, Begun
from integration.flows.file_flow import SegmentResult, SegmentWork
from integration.flows.overlays import OverlayFailed
from integration.operations import segment_claims
from integration.operations.segment_calls import Calls, Through
from integration.operations.segment_claims import Claim
from integration.operations.segment_sharing import Shared
from lookups.queries import UnknownColumn, UnknownLookup
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)


class SegmentTurn:
    """
    One turn of one worker.

    :ivar cut_short: whether it ended because others should have a turn.
    """

    def __init__(self, shared: Shared, *, most: int = segment_claims.MOST_IN_HAND) -> None:
        self.cut_short = False
        self._shared = shared
        self._flow = shared.flow
        self._most = most if isinstance(shared.flow, BatchFileFlow) else 1
        self._in_hand: dict[int, Claim] = {}

    def work(self, *, until: dt.datetime) -> int:
        """Send segments until none is free, or it is late; give how many. What can be taken first is, however late."""
        claims = self._claim()
        if not claims:
            return 0
        with leases.kept(self._renew):
            if isinstance(self._flow, BatchFileFlow) and self._most > 1:
                return self._side_by_side(self._flow, claims, until=until)
            return self._one_by_one(claims, until=until)

    def _claim(self) -> list[Claim]:
        claims = segment_claims.claim(
            self._shared.row, at=self._shared.clock(), most=self._most, in_hand=len(self._in_hand)
        )
        self._in_hand |= {claimed.segment.pk: claimed for claimed in claims}
        return claims

    def _renew(self) -> None:
        segment_claims.renew(list(self._in_hand.values()), at=self._shared.clock())

    def _goes_on(self, until: dt.datetime) -> bool:
        self.cut_short = self.cut_short or self._shared.clock() > until
        return not self.cut_short

    def _one_by_one(self, claims: Sequence[Claim], *, until: dt.datetime) -> int:
        taken = 0
        while claims:
            taken += len(claims)
            for claimed, work in zip(claims, self._works(claims), strict=True):
                self._end([(claimed, work if isinstance(work, SegmentResult) else self._sent(work))])
            claims = self._claim() if self._goes_on(until) else []
        return taken

    def _sent(self, work: SegmentWork) -> SegmentResult:
        try:
            return self._flow.send(work)
        except Exception as error:  # noqa: BLE001  (told as the segment's fault)
            return _result_of(error)

    def _side_by_side(self, flow: BatchFileFlow, claims: Sequence[Claim], *, until: dt.datetime) -> int:
        taken = 0
        with Calls[Claim](flow) as calls:
            while claims or calls.out:
                taken += len(claims)
                for claimed, begun in self._begin(flow, claims):
                    calls.make(claimed, begun)
                if calls.out:
                    self._settle(flow, calls.answered())
                claims = self._claim() if self._goes_on(until) else []
        return taken

    def _begin(self, flow: BatchFileFlow, claims: Sequence[Claim]) -> list[tuple[Claim, Begun]]:
        """Begin segments, and end those that need no call."""
        found = list(zip(claims, self._works(claims), strict=True))
        ended = [(claimed, work) for claimed, work in found if isinstance(work, SegmentResult)]
        ready = [(claimed, work) for claimed, work in found if isinstance(work, SegmentWork)]
        begun: list[tuple[Claim, Begun]] = []
        for (claimed, _), each in zip(ready, _begun(flow, [work for _, work in ready]), strict=True):
            if isinstance(each, Begun):
                begun.append((claimed, each))
            else:
                ended.append((claimed, each))
        self._end(ended)
        return begun

    def _works(self, claims: Sequence[Claim]) -> list[SegmentWork | SegmentResult]:
        """Read the rows of segments; the result of those that cannot be sent."""
        if not claims:
            return []
        try:
            accepted = self._shared.request()
            fault = self._flow.why_not_now(accepted, run=self._shared.row)
            if fault is not None:
                return [SegmentResult(succeeded=0, refused=0, fault=fault) for _ in claims]
            found = self._shared.works([claimed.segment for claimed in claims])
        except Exception as error:  # noqa: BLE001  (told as the segments' fault)
            result = _result_of(error)
            return [result for _ in claims]
        return [work if isinstance(work, SegmentWork) else _result_of(work) for work in found]

    def _settle(self, flow: BatchFileFlow, through: Sequence[Through[Claim]]) -> None:
        """Write what became of calls."""
        self._end([(each.key, _result_of(each.defect)) for each in through if each.defect is not None])
        answered = [each for each in through if each.defect is None]
        if not answered:
            return
        calls = [Answered(begun=each.begun, answer=each.answer) for each in answered]
        try:
            self._write([each.key for each in answered], lambda: flow.settle(calls))
        except Exception as error:
            if len(answered) == 1:
                self._end([(answered[0].key, _result_of(error))])
                return
            logger.warning("segments_settled_one_by_one", exc_info=True)
            for each in answered:
                self._settle(flow, [each])

    def _end(self, ended: Sequence[tuple[Claim, SegmentResult]]) -> None:
        if ended:
            self._write([claimed for claimed, _ in ended], lambda: [result for _, result in ended])

    def _write(self, claims: Sequence[Claim], results: Callable[[], Sequence[SegmentResult]]) -> None:
        shared = self._shared
        segment_claims.settle(shared.row, claims, results, step=shared.step, at=shared.clock())
        for claimed in claims:
            del self._in_hand[claimed.segment.pk]


def _begun(flow: BatchFileFlow, works: Sequence[SegmentWork]) -> list[Begun | SegmentResult]:
    if not works:
        return []
    try:
        return flow.begin(works)
    except Exception as error:
        if len(works) == 1:
            return [_result_of(error)]
        logger.warning("segments_begun_one_by_one", exc_info=True)
        return [begun for work in works for begun in _begun(flow, [work])]


def _result_of(error: Exception) -> SegmentResult:
    """Give the result of a segment that could not be sent: it must not stay open, and DERMS must hear of it."""
    if isinstance(error, OverlayFailed):
        return SegmentResult(succeeded=0, refused=0, fault=applied_overlays.fault_of(error))
    if isinstance(error, MessageRefused | UnknownLookup | UnknownColumn):
        return _defect("configuration", str(error))
    if isinstance(error, csv_rows.FileUnreadable | OSError):
        return _defect("file_unreadable", f"The stored file cannot be read: {error}")
    logger.error("segment_failed_with_a_defect", exc_info=error)
    return _defect(type(error).__name__, f"{type(error).__name__}: {error}")


def _defect(code: str, reason: str) -> SegmentResult:
    return SegmentResult(succeeded=0, refused=0, fault=Fault(type=FaultType.TECHNICAL, code=code, reason=reason[:1000]))
