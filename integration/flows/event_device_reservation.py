"""
Event Device Reservation: DERMS sends an event with a file of devices, DACS reserves them (`integration.md` 3.6).

Accepted at once (202), worked on in segments by several workers, and acknowledged to DERMS once per attempt. A device
is written as being sent before its call, and as reserved after it: it is never sent again once it is reserved.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.times import format_instant
from integration.flows import (
    dacs_enrollment,
    dacs_participation,
    file_acknowledgements,
    reservation_mapping,
    segment_overlays,
)
from integration.flows.contract import Exchanged, Fault
from integration.flows.csv_blocks import Block
from integration.flows.csv_rows import Row
from integration.flows.file_flow import (
    Acknowledgement,
    AttemptResult,
    FileFlow,
    FileKey,
    RowError,
    SegmentResult,
    SegmentWork,
)
from integration.flows.reservation_mapping import Device, ReservationRequest
from integration.flows.run import Run
from integration.flows.segment_overlays import Overlaid
from integration.flows.segment_rows import document_of, row_errors, segment_key
from integration.models import FlowRun
from integration.operations import cancellations, reservations, unmapped_codes
from lookups.queries import table
from lookups.usage import register_use
from outbound import queries as outbound_queries
from outbound.retry import FaultType
from outbound.transports import base, rest


MESSAGE_TYPE = "RESERVATION-ACK"

register_use(
    table=reservation_mapping.EVENT_TYPE,
    used_by="Event Device Reservation",
    columns=("DRMS_EVENT_TYPE", "DACS_EVENT_TYPE"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answers:
    """Devices of a segment by what became of them."""

    reserved: Sequence[Device]
    refused: Sequence[tuple[Device, str]]
    failed: Sequence[tuple[Device, str]] = ()


class EventDeviceReservation(FileFlow):
    """The flow; see `integration.flows.file_flow.FileFlow`."""

    layout = reservation_mapping.LAYOUT
    mapping = "event_device_reservation"

    def accept(self, document: Any) -> ReservationRequest:
        """
        Check the JSON part.

        :raises MessageRefused: when it does not fit.
        """
        return reservation_mapping.check_request(document)

    def prepare(self, accepted: ReservationRequest, run: Run | None) -> str:
        """
        Give the event type in DACS's words.

        :raises MessageRefused: when the lookup has none for it.
        """
        name = reservation_mapping.EVENT_TYPE
        held = run.table(name) if run is not None else unmapped_codes.watched(table(name=name))
        translated = held.translate(
            source="DRMS_EVENT_TYPE", value=accepted.event_type, target="DACS_EVENT_TYPE", strict=False
        ).result
        if not translated:
            raise reservation_mapping.unknown_event_type(accepted)
        return translated

    def key(self, accepted: ReservationRequest) -> FileKey:
        """Give the message's key."""
        return FileKey(
            drms_instance_id=accepted.drms_instance_id,
            message_id=accepted.message_id,
            file_name=accepted.file_name,
            record_count=accepted.record_count,
        )

    def identifiers(self, accepted: ReservationRequest) -> list[tuple[str, str]]:
        """Give the messageId, the event and the DRMS instance."""
        return [
            ("messageId", accepted.message_id),
            ("eventId", accepted.event_id),
            ("drmsInstanceId", accepted.drms_instance_id),
        ]

    def why_refused(self, row: Row, accepted: ReservationRequest) -> tuple[str, str] | None:
        """Give what is wrong with a row."""
        return reservation_mapping.why_refused(row, accepted)

    def suspects(self, block: Block, accepted: ReservationRequest) -> Iterable[int]:
        """Give the places of the rows that are not valid at first sight."""
        return reservation_mapping.suspects(block, accepted)

    def received(self, accepted: ReservationRequest, *, run: FlowRun, at: dt.datetime) -> None:
        """Write the event as the message describes it."""
        reservations.event_received(request=accepted, at=at)

    def why_not_now(self, accepted: ReservationRequest, *, run: FlowRun) -> Fault | None:
        """Give the cancellation that holds the event, if there is one."""
        held = cancellations.held_by(drms_instance_id=accepted.drms_instance_id, event_id=accepted.event_id)
        if held is None:
            return None
        return cancellations.why_held(event_id=accepted.event_id, message_id=held.message_id)

    def from_start(self, run: FlowRun, *, at: dt.datetime) -> None:
        """Let every device of the run be sent again."""
        reservations.forget(run=run, at=at)

    def send(self, work: SegmentWork) -> SegmentResult:
        """Reserve the devices of one segment in one call, without those that are reserved."""
        request: ReservationRequest = work.accepted
        bad = row_errors(self, work)
        devices = reservation_mapping.devices(work.block, without={error.line for error in bad})
        taken = reservations.take(request=request, run=work.run, segment=work.segment, devices=devices, at=work.clock())
        errors = [*bad, *(_error(device, text, work.clock()) for device, text in taken.refused)]
        if not taken.to_send:
            return SegmentResult(succeeded=taken.settled, refused=len(errors), errors=errors)
        try:
            connection = work.connection()
            client = rest.client(connection)
        except (outbound_queries.UnknownConnection, base.TransportError) as error:
            return self._faulted(work, taken, errors, _configuration_fault(error))
        document = reservation_mapping.segment_document(request, event_type=work.prepared, devices=taken.to_send)
        overlaid = segment_overlays.overlaid(
            work, document=document, items="deviceList", lines=[device.line for device in taken.to_send]
        )
        if overlaid.fault is not None:
            return self._faulted(work, taken, errors, overlaid.fault)
        taken, errors = self._without_failed(work, taken, errors, overlaid)
        if not taken.to_send:
            return SegmentResult(succeeded=taken.settled, refused=len(errors), errors=errors)
        answer = dacs_participation.call(
            client=client,
            service_path=dacs_participation.base_path(connection.options),
            operation=dacs_participation.RESERVE,
            document=overlaid.document,
            idempotency_key=segment_key(work, overlaid.document),
        )
        exchange = Exchanged(
            request=answer.request,
            response=answer.response,
            succeeded=answer.succeeded,
            label=f"segment {work.segment.number}",
            media_type=answer.media_type,
        )
        if not answer.succeeded:
            fault = answer.fault or Fault(type=FaultType.BUSINESS, code=str(answer.status), reason=answer.value)
            return self._faulted(work, taken, errors, fault, exchange)
        return self._answered(work, taken, errors, exchange)

    def acknowledge(self, accepted: ReservationRequest, result: AttemptResult) -> Acknowledgement:
        """Form the acknowledgement of an attempt."""
        return file_acknowledgements.acknowledgement(
            message_type=MESSAGE_TYPE,
            names={
                "messageId": accepted.message_id,
                "drmsInstanceId": accepted.drms_instance_id,
                "eventId": accepted.event_id,
            },
            result=result,
        )

    def ended(self, accepted: ReservationRequest, result: AttemptResult) -> None:
        """Say on the event whether all of its devices are reserved."""
        reservations.event_ended(request=accepted, complete=result.positive, at=result.at)

    def _without_failed(
        self, work: SegmentWork, taken: reservations.Taken, errors: list[RowError], overlaid: Overlaid
    ) -> tuple[reservations.Taken, list[RowError]]:
        if not overlaid.failed:
            return taken, errors
        at = work.clock()
        failed = [(taken.to_send[place], text) for place, text in overlaid.failed.items()]
        reservations.settle(event_id=taken.event_id, run=work.run, failed=failed, at=at)
        left = [device for place, device in enumerate(taken.to_send) if place not in overlaid.failed]
        told = [_error(device, text, at, code="FAILURE") for device, text in failed]
        return dataclasses.replace(taken, to_send=left), [*errors, *told]

    def _answered(
        self, work: SegmentWork, taken: reservations.Taken, errors: list[RowError], exchange: Exchanged
    ) -> SegmentResult:
        refusals = reservation_mapping.refusals(document_of(exchange.response))
        refused = [(device, refusals[device.key]) for device in taken.to_send if device.key in refusals]
        at = work.clock()
        reservations.settle(
            event_id=taken.event_id,
            run=work.run,
            reserved=[device for device in taken.to_send if device.key not in refusals],
            refused=refused,
            at=at,
        )
        errors = [*errors, *(_error(device, text, at) for device, text in refused)]
        return SegmentResult(
            succeeded=taken.settled + len(taken.to_send) - len(refused),
            refused=len(errors),
            errors=errors,
            exchanges=[exchange],
        )

    def _faulted(
        self,
        work: SegmentWork,
        taken: reservations.Taken,
        errors: list[RowError],
        fault: Fault,
        exchange: Exchanged | None = None,
    ) -> SegmentResult:
        at = work.clock()
        business = fault.type is FaultType.BUSINESS
        named: dict[tuple[str, str], str] = {}
        if business and exchange is not None:
            named = reservation_mapping.named(document_of(exchange.response), fault.reason, taken.to_send)
        told = [(device, named.get(device.key, fault.reason)) for device in taken.to_send]
        reservations.settle(event_id=taken.event_id, run=work.run, failed=told, at=at)
        code = "ERROR" if business else "FAILURE"
        # Those that are meant come first: of many rows only the first are told and kept.
        told.sort(key=lambda each: each[0].key not in named)
        errors = [
            *errors,
            *(_error(device, text, at, code=code, named=device.key in named) for device, text in told),
        ]
        return SegmentResult(
            succeeded=taken.settled,
            refused=len(errors),
            errors=errors,
            fault=fault,
            exchanges=[exchange] if exchange else [],
        )


def _error(device: Device, text: str, at: dt.datetime, *, code: str = "ERROR", named: bool = False) -> RowError:
    return RowError(line=device.line, id=device.record_id, value=text, at=format_instant(at), code=code, named=named)


def _configuration_fault(error: Exception) -> Fault:
    if isinstance(error, base.TransportError):
        return dacs_enrollment.fault_of(error)
    return Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error))


FLOW = EventDeviceReservation()
