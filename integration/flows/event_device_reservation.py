"""
Event Device Reservation: DERMS sends an event with a file of devices, DACS reserves them (`integration.md` 3.6).

Accepted at once (202), worked on in segments by several workers, and acknowledged to DERMS once per attempt. A device
is written as being sent before its call, and as reserved after it: it is never sent again once it is reserved.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from integration.flows import (
    dacs_enrollment,
    dacs_participation,
    file_acknowledgements,
    reservation_mapping,
    reservation_segments,
    segment_overlays,
)
from integration.flows.contract import Fault
from integration.flows.csv_blocks import Block
from integration.flows.csv_rows import Row
from integration.flows.dacs_participation import ParticipationAnswer
from integration.flows.file_batches import Answered, BatchFileFlow, Begun
from integration.flows.file_flow import (
    Acknowledgement,
    AttemptResult,
    FileKey,
    SegmentResult,
    SegmentWork,
)
from integration.flows.reservation_mapping import ReservationRequest
from integration.flows.run import Run
from integration.flows.segment_rows import row_errors, segment_key
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


class EventDeviceReservation(BatchFileFlow):
    """The flow; see `integration.flows.file_flow.FileFlow` and `integration.flows.file_batches`."""

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

    def begin(self, works: Sequence[SegmentWork]) -> list[Begun | SegmentResult]:
        """Write the devices of segments as being sent, without those that are reserved."""
        bad = [row_errors(self, work) for work in works]
        shares = [
            reservations.Share(
                segment=work.segment,
                devices=reservation_mapping.devices(work.block, without={error.line for error in errors}),
            )
            for work, errors in zip(works, bad, strict=True)
        ]
        first = works[0]
        at = first.clock()
        taken = reservations.take(request=first.accepted, run=first.run, shares=shares, at=at)
        found = [
            reservation_segments.TakenSegment(
                work=work,
                taken=each,
                errors=[
                    *errors,
                    *(reservation_segments.device_error(device, text, at) for device, text in each.refused),
                ],
            )
            for work, each, errors in zip(works, taken, bad, strict=True)
        ]
        told = reservation_segments.Told()
        begun = self._prepared(found, told)
        told.write(found[0])
        return begun

    def call(self, begun: Begun, client: dacs_enrollment.Client) -> ParticipationAnswer:
        """Reserve the devices of one segment in one call."""
        prepared: reservation_segments.Prepared = begun.prepared
        body = dacs_participation.body_of(prepared.document)
        return dacs_participation.post(
            client=client,
            service_path=prepared.service_path,
            operation=dacs_participation.RESERVE,
            body=body,
            idempotency_key=segment_key(begun.work, body),
        )

    def settle(self, answered: Sequence[Answered]) -> list[SegmentResult]:
        """Write what became of the devices of segments."""
        told = reservation_segments.Told()
        results = [reservation_segments.answered(each.begun.prepared.segment, each.answer, told) for each in answered]
        told.write(answered[0].begun.prepared.segment)
        return results

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

    def _prepared(
        self, segments: Sequence[reservation_segments.TakenSegment], told: reservation_segments.Told
    ) -> list[Begun | SegmentResult]:
        if not any(segment.taken.to_send for segment in segments):
            return [segment.settled() for segment in segments]
        try:
            connection = segments[0].work.connection()
            client = rest.client(connection)
        except (outbound_queries.UnknownConnection, base.TransportError) as error:
            fault = _configuration_fault(error)
            return [
                reservation_segments.faulted(segment, told, fault) if segment.taken.to_send else segment.settled()
                for segment in segments
            ]
        path = dacs_participation.base_path(connection.options)
        return [self._prepare(segment, told, client=client, service_path=path) for segment in segments]

    def _prepare(
        self,
        segment: reservation_segments.TakenSegment,
        told: reservation_segments.Told,
        *,
        client: rest.RestClient,
        service_path: str,
    ) -> Begun | SegmentResult:
        work, taken = segment.work, segment.taken
        if not taken.to_send:
            return segment.settled()
        document = reservation_mapping.segment_document(work.accepted, event_type=work.prepared, devices=taken.to_send)
        overlaid = segment_overlays.overlaid(
            work, document=document, items="deviceList", lines=[device.line for device in taken.to_send]
        )
        if overlaid.fault is not None:
            return reservation_segments.faulted(segment, told, overlaid.fault)
        if overlaid.failed:
            segment.leave(overlaid.failed, told)
            if not taken.to_send:
                return segment.settled()
        prepared = reservation_segments.Prepared(segment=segment, document=overlaid.document, service_path=service_path)
        return Begun(work=work, client=client, prepared=prepared)


def _configuration_fault(error: Exception) -> Fault:
    if isinstance(error, base.TransportError):
        return dacs_enrollment.fault_of(error)
    return Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error))


FLOW = EventDeviceReservation()
