"""
Claims of segments and their ends, several at a time: a few statements each, however many there are.

A segment is claimed under a lease, with a token that says which claim it was; who comes late finds another token.
"""

from __future__ import annotations

import datetime as dt
import math
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q, QuerySet

from foundation.leases import LEASE
from integration import control_queries
from integration.choices import RunState, SegmentState
from integration.flows import run_payloads
from integration.flows.csv_blocks import ERRORS_KEPT
from integration.flows.file_flow import SegmentResult
from integration.models import FileAttempt, FlowRun, RunStep, Segment
from integration.operations import file_attempts


logger = structlog.get_logger(__name__)

# Segments that one worker has on their way at once: more threads than these stand in each other's way.
MOST_IN_HAND = 16
# A worker takes no more of a file's places than leaves as many to another one.
_SHARES = 2
_ENDED: dict[str, Any] = {
    "lease_token": "",
    "lease_until": None,
    "refused": 0,
    "errors": [],
    "fault_type": "",
    "fault_code": "",
    "fault_reason": "",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A segment that this worker holds."""

    segment: Segment
    token: str


def claim(row: FlowRun, *, at: dt.datetime, most: int, in_hand: int = 0) -> list[Claim]:
    """
    Take the next free segments of a run; none when its flow is paused, its attempt is stopped, or no place is free.

    :param most: how many the caller may have in hand altogether.
    :param in_hand: how many it has.
    """
    if in_hand >= most or control_queries.pauses_of(row.flow):
        return []
    token = secrets.token_hex(16)
    with transaction.atomic():
        attempt = (
            FileAttempt.objects.select_for_update(of=("self",))
            .filter(run=row, run__state=RunState.IN_PROGRESS, ended_at__isnull=True, planned_at__isnull=False)
            .first()
        )
        if attempt is None or attempt.stopped_at is not None:
            return []
        room = min(most, MOST_IN_HAND, math.ceil(attempt.parallel / _SHARES)) - in_hand
        if room > 0:
            room = min(room, attempt.parallel - _at_work(row, at=at))
        if room <= 0:
            return []
        free = Q(state=SegmentState.PENDING) | Q(state=SegmentState.IN_PROGRESS, lease_until__lte=at)
        found = _together(list(Segment.objects.filter(free, run=row).order_by("number")[:room]), in_hand=in_hand)
        if found:
            Segment.objects.filter(pk__any_of=[segment.pk for segment in found]).update(
                state=SegmentState.IN_PROGRESS,
                lease_token=token,
                lease_until=at + LEASE,
                attempts=F("attempts") + 1,
                started_at=at,
                finished_at=None,
            )
    return [Claim(segment=segment, token=token) for segment in found]


def renew(claims: Sequence[Claim], *, at: dt.datetime) -> None:
    """Move the leases of claims forward where they are still held."""
    _held_by(claims).update(lease_until=at + LEASE)


def settle(
    row: FlowRun,
    claims: Sequence[Claim],
    results: Callable[[], Sequence[SegmentResult]],
    *,
    step: RunStep | None,
    at: dt.datetime,
) -> list[SegmentResult]:
    """
    End segments and write what became of them, all in one transaction.

    :param results: writes what the flow keeps of them, and gives the result of each claim, in their order; also of a
        segment that was taken away meanwhile: what the target answered is true whoever asked.
    """
    with transaction.atomic():
        # Locked first and in one order, as those that begin them do.
        held = set(_held_by(claims).select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
        found = list(results())
        mine = []
        for claimed, result in zip(claims, found, strict=True):
            if claimed.segment.pk in held:
                mine.append((claimed.segment, result))
            else:
                logger.warning("segment_taken_away", segment=claimed.segment.number)
        _end(row, mine, at=at)
        run_payloads.keep_exchanges(row, [each for _, result in mine for each in result.exchanges], step=step, at=at)
    for segment, result in mine:
        logger.info(
            "segment",
            segment=segment.number,
            succeeded=result.succeeded,
            refused=result.refused,
            fault=result.fault.code if result.fault else "",
        )
    return found


def _together(found: list[Segment], *, in_hand: int) -> list[Segment]:
    """
    Give those that may be in hand at the same time.

    One that a worker disappeared with goes by itself, so that one that kills workers takes no other with it.
    """
    if found and not in_hand and found[0].state == SegmentState.IN_PROGRESS:
        return found[:1]
    return [segment for segment in found if segment.state == SegmentState.PENDING]


def _at_work(row: FlowRun, *, at: dt.datetime) -> int:
    return Segment.objects.filter(run=row, state=SegmentState.IN_PROGRESS, lease_until__gt=at).count()


def _held_by(claims: Sequence[Claim]) -> QuerySet[Segment]:
    tokens: dict[str, list[int]] = {}
    for each in claims:
        tokens.setdefault(each.token, []).append(each.segment.pk)
    held = Q(pk__in=[])
    for token, keys in tokens.items():
        held |= Q(lease_token=token, pk__any_of=keys)
    return Segment.objects.filter(held, state=SegmentState.IN_PROGRESS)


def _is_whole(segment: Segment, result: SegmentResult) -> bool:
    return result.fault is None and not result.refused and not result.errors and result.succeeded == segment.rows


def _values(result: SegmentResult) -> dict[str, Any]:
    fault = result.fault
    told: dict[str, Any] = {
        "state": SegmentState.DONE if fault is None else SegmentState.FAILED,
        "succeeded": result.succeeded,
        "refused": result.refused,
        "errors": [error.as_entry() for error in result.errors[:ERRORS_KEPT]],
    }
    if fault is not None:
        told |= {
            "fault_type": str(fault.type),
            "fault_code": fault.code[:60],
            "fault_reason": fault.reason[:1000],
        }
    return {**_ENDED, **told}


def _end(row: FlowRun, ended: Sequence[tuple[Segment, SegmentResult]], *, at: dt.datetime) -> None:
    whole = [segment for segment, result in ended if _is_whole(segment, result)]
    if whole:
        Segment.objects.filter(pk__any_of=[segment.pk for segment in whole]).update(
            **{**_ENDED, "state": SegmentState.DONE, "succeeded": F("rows"), "finished_at": at}
        )
    for segment, result in ended:
        if not _is_whole(segment, result):
            Segment.objects.filter(pk=segment.pk).update(**_values(result), finished_at=at)
    done = sum(segment.rows for segment, result in ended if result.fault is None)
    if done:
        FlowRun.objects.filter(pk=row.pk).update(progress_done=F("progress_done") + done)
    for _, result in ended:
        if result.fault is not None:
            file_attempts.stop(run_ids=[row.pk], fault=result.fault, at=at)
