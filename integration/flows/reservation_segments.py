"""
Segments of reservations on their way: their devices in the ledger, what goes out, and what became of them.

What became of the devices of several segments is written together.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from foundation.times import format_instant
from integration.flows import reservation_mapping
from integration.flows.contract import Exchanged, Fault
from integration.flows.dacs_participation import ParticipationAnswer
from integration.flows.file_flow import RowError, SegmentResult, SegmentWork
from integration.flows.reservation_mapping import Device
from integration.flows.segment_rows import document_of
from integration.operations import reservations
from outbound.retry import FaultType


@dataclass(slots=True, kw_only=True)
class TakenSegment:
    """A segment whose devices are written as being sent."""

    work: SegmentWork
    taken: reservations.Taken
    errors: list[RowError]

    def settled(self) -> SegmentResult:
        """Give the result when nothing of it is to be sent."""
        return SegmentResult(succeeded=self.taken.settled, refused=len(self.errors), errors=self.errors)

    def leave(self, failed: Mapping[int, str], told: Told) -> None:
        """Send without the devices at these places of its list."""
        at, devices = self.work.clock(), self.taken.to_send
        left = [(devices[place], text) for place, text in failed.items()]
        told.failed += left
        self.errors += [device_error(device, text, at, code="FAILURE") for device, text in left]
        self.taken.to_send = [device for place, device in enumerate(devices) if place not in failed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What goes out for a segment."""

    segment: TakenSegment
    document: Mapping[str, Any]
    service_path: str


@dataclass(slots=True)
class Told:
    """Devices by what became of them."""

    reserved: list[Device] = field(default_factory=list)
    refused: list[tuple[Device, str]] = field(default_factory=list)
    failed: list[tuple[Device, str]] = field(default_factory=list)

    def write(self, segment: TakenSegment) -> None:
        """Write it into the ledger of the event of a segment."""
        if not (self.reserved or self.refused or self.failed):
            return
        reservations.settle(
            event_id=segment.taken.event_id,
            run=segment.work.run,
            reserved=self.reserved,
            refused=self.refused,
            failed=self.failed,
            at=segment.work.clock(),
        )


def answered(segment: TakenSegment, answer: ParticipationAnswer, told: Told) -> SegmentResult:
    """Give the result of a segment whose call is through; what became of its devices goes into `told`."""
    work, taken = segment.work, segment.taken
    exchange = Exchanged(
        request=answer.request,
        response=answer.response,
        succeeded=answer.succeeded,
        label=f"segment {work.segment.number}",
        media_type=answer.media_type,
    )
    if not answer.succeeded:
        fault = answer.fault or Fault(type=FaultType.BUSINESS, code=str(answer.status), reason=answer.value)
        return faulted(segment, told, fault, exchange)
    refusals = reservation_mapping.refusals(document_of(exchange.response))
    refused = [(device, refusals[device.key]) for device in taken.to_send if device.key in refusals] if refusals else []
    told.refused += refused
    told.reserved += [device for device in taken.to_send if device.key not in refusals] if refusals else taken.to_send
    at = work.clock()
    errors = [*segment.errors, *(device_error(device, text, at) for device, text in refused)]
    return SegmentResult(
        succeeded=taken.settled + len(taken.to_send) - len(refused),
        refused=len(errors),
        errors=errors,
        exchanges=[exchange],
    )


def faulted(segment: TakenSegment, told: Told, fault: Fault, exchange: Exchanged | None = None) -> SegmentResult:
    """Give the result of a segment that a fault ended; its devices go into `told`."""
    taken, at = segment.taken, segment.work.clock()
    business = fault.type is FaultType.BUSINESS
    named: dict[tuple[str, str], str] = {}
    if business and exchange is not None:
        named = reservation_mapping.named(document_of(exchange.response), fault.reason, taken.to_send)
    failed = [(device, named.get(device.key, fault.reason)) for device in taken.to_send]
    told.failed += failed
    code = "ERROR" if business else "FAILURE"
    # Those that are meant come first: of many rows only the first are told and kept.
    failed.sort(key=lambda each: each[0].key not in named)
    errors = [
        *segment.errors,
        *(device_error(device, text, at, code=code, named=device.key in named) for device, text in failed),
    ]
    return SegmentResult(
        succeeded=taken.settled,
        refused=len(errors),
        errors=errors,
        fault=fault,
        exchanges=[exchange] if exchange else [],
    )


def device_error(device: Device, text: str, at: dt.datetime, *, code: str = "ERROR", named: bool = False) -> RowError:
    """Give the row of a device that was refused."""
    return RowError(line=device.line, id=device.record_id, value=text, at=format_instant(at), code=code, named=named)
