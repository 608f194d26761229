"""
Event Outcome: DERMS tells what became of each device in its events, DACS is told (`integration.md` 3.8).

Accepted at once (202), worked on in segments by several workers, and acknowledged to DERMS once per attempt. One file
may hold several events: a 23A target gets one call per event of a segment, with the event at the root; a target from
24C on gets one call per segment, with the event in each item (the connection's release decides).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from foundation.times import format_instant
from integration.flows import (
    dacs_enrollment,
    dacs_participation,
    file_acknowledgements,
    outcome_mapping,
    segment_overlays,
)
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Exchanged, Fault
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
from integration.flows.outcome_mapping import DeviceOutcome, OutcomeRequest
from integration.flows.run import Run
from integration.flows.segment_rows import row_errors, segment_key
from integration.models import FlowRun
from integration.operations import outcomes, unmapped_codes
from lookups.queries import Table, table
from lookups.usage import register_use
from outbound import queries as outbound_queries
from outbound.models import Connection
from outbound.retry import FaultType
from outbound.transports import base, rest


MESSAGE_TYPE = "OUTCOME-ACK"

register_use(
    table=outcome_mapping.EVENT_OUTCOME,
    used_by="Event Outcome",
    columns=("DRMS_EVENT_OUTCOME", "DACS_EVENT_OUTCOME"),
)


@dataclass(slots=True)
class _Told:
    """What is known of a segment's rows so far."""

    succeeded: int = 0
    errors: list[RowError] = field(default_factory=list)
    exchanges: list[Exchanged] = field(default_factory=list)

    def result(self, fault: Fault | None = None) -> SegmentResult:
        return SegmentResult(
            succeeded=self.succeeded,
            refused=len(self.errors),
            errors=self.errors,
            fault=fault,
            exchanges=self.exchanges,
        )


class EventOutcome(FileFlow):
    """The flow; see `integration.flows.file_flow.FileFlow`."""

    layout = outcome_mapping.LAYOUT
    mapping = "event_outcome"

    def accept(self, document: Any) -> OutcomeRequest:
        """
        Check the JSON part.

        :raises MessageRefused: when it does not fit.
        """
        return outcome_mapping.check_request(document)

    def prepare(self, accepted: OutcomeRequest, run: Run | None) -> Table:
        """Give the lookup of outcome codes, held still."""
        name = outcome_mapping.EVENT_OUTCOME
        return run.table(name) if run is not None else unmapped_codes.watched(table(name=name))

    def key(self, accepted: OutcomeRequest) -> FileKey:
        """Give the message's key."""
        return FileKey(
            drms_instance_id=accepted.drms_instance_id,
            message_id=accepted.message_id,
            file_name=accepted.file_name,
            record_count=accepted.record_count,
        )

    def identifiers(self, accepted: OutcomeRequest) -> list[tuple[str, str]]:
        """Give the messageId and the DRMS instance; the events are found in the file."""
        return [("messageId", accepted.message_id), ("drmsInstanceId", accepted.drms_instance_id)]

    def why_refused(self, row: Row, accepted: OutcomeRequest) -> tuple[str, str] | None:
        """Give what is wrong with a row."""
        return outcome_mapping.why_refused(row)

    def from_start(self, run: FlowRun, *, at: dt.datetime) -> None:
        """Let every row of the run be posted again."""
        outcomes.forget(run=run, at=at)

    def send(self, work: SegmentWork) -> SegmentResult:
        """Post the rows of one segment, without those that DACS has as they are."""
        told = _Told(errors=row_errors(self, work))
        bad = {error.line for error in told.errors}
        rows = self._translated(work, [row for row in work.block.rows() if row.line not in bad], told)
        outcomes.note_events(run=work.run, event_ids=[row.event_id for row in rows])
        sorted_rows = outcomes.sort(request=work.accepted, run=work.run, rows=rows)
        told.succeeded += sorted_rows.settled
        told.errors += [_error(row, text, work.clock()) for row, text in sorted_rows.refused]
        if not sorted_rows.to_post:
            return told.result()
        try:
            connection = work.connection()
            client = rest.client(connection)
        except (outbound_queries.UnknownConnection, base.TransportError) as error:
            return self._stopped(work, sorted_rows.to_post, told, _configuration_fault(error))
        return self._post(work, sorted_rows.to_post, told, connection, client)

    def acknowledge(self, accepted: OutcomeRequest, result: AttemptResult) -> Acknowledgement:
        """Form the acknowledgement of an attempt: ERROR when DACS, or the lookup, refused rows; FAILURE for a fault."""
        business = result.fault is None or result.fault.type is FaultType.BUSINESS
        return file_acknowledgements.acknowledgement(
            message_type=MESSAGE_TYPE,
            names={
                "messageId": accepted.message_id,
                "drmsInstanceId": accepted.drms_instance_id,
                "eventIds": outcomes.events_of(result.run),
            },
            result=result,
            negative=AckCode.ERROR if business else AckCode.FAILURE,
        )

    def ended(self, accepted: OutcomeRequest, result: AttemptResult) -> None:
        """Show the events that got outcomes as completed."""
        outcomes.complete_events(run=result.run, at=result.at)

    def _translated(self, work: SegmentWork, rows: Sequence[Row], told: _Told) -> list[DeviceOutcome]:
        found = []
        for row in rows:
            code = row.values[outcome_mapping.CODE]
            translated = work.prepared.translate(
                source="DRMS_EVENT_OUTCOME", value=code, target="DACS_EVENT_OUTCOME", strict=False
            ).result
            device = outcome_mapping.device_outcome(row, outcome=translated or "")
            if translated:
                found.append(device)
            else:
                told.errors.append(_error(device, outcome_mapping.unknown_outcome(code), work.clock()))
        return found

    def _post(
        self,
        work: SegmentWork,
        rows: Sequence[DeviceOutcome],
        told: _Told,
        connection: Connection,
        client: rest.RestClient,
    ) -> SegmentResult:
        left = {row.line: row for row in rows}
        for call in outcome_mapping.calls(
            rows, event_in_items=outcome_mapping.event_in_items(connection.target_release)
        ):
            overlaid = segment_overlays.overlaid(
                work, document=call.document, items="postOutcomeList", lines=[row.line for row in call.rows]
            )
            if overlaid.fault is not None:
                return self._stopped(work, list(left.values()), told, overlaid.fault)
            for place, text in overlaid.failed.items():
                told.errors.append(_error(call.rows[place], text, work.clock(), code=AckCode.FAILURE))
                del left[call.rows[place].line]
            posted = [row for place, row in enumerate(call.rows) if place not in overlaid.failed]
            if not posted:
                continue
            body = dacs_participation.body_of(overlaid.document)
            answer = dacs_participation.post(
                client=client,
                service_path=dacs_participation.base_path(connection.options),
                operation=dacs_participation.OUTCOME,
                body=body,
                idempotency_key=segment_key(work, body),
            )
            told.exchanges.append(
                Exchanged(
                    request=answer.request,
                    response=answer.response,
                    succeeded=answer.succeeded,
                    label=f"segment {work.segment.number} {call.event_id}".strip(),
                    media_type=answer.media_type,
                )
            )
            if not answer.succeeded:
                fault = answer.fault or Fault(type=FaultType.BUSINESS, code=str(answer.status), reason=answer.value)
                if fault.type is FaultType.BUSINESS:
                    outcomes.record(
                        request=work.accepted, run=work.run, rows=posted, refusal=fault.reason, at=work.clock()
                    )
                return self._stopped(work, list(left.values()), told, fault)
            outcomes.record(request=work.accepted, run=work.run, rows=posted, at=work.clock())
            told.succeeded += len(posted)
            for row in posted:
                del left[row.line]
        return told.result()

    def _stopped(self, work: SegmentWork, rows: Sequence[DeviceOutcome], told: _Told, fault: Fault) -> SegmentResult:
        code = AckCode.ERROR if fault.type is FaultType.BUSINESS else AckCode.FAILURE
        at = work.clock()
        told.errors += [_error(row, fault.reason, at, code=code) for row in rows]
        return told.result(fault)


def _error(row: DeviceOutcome, text: str, at: dt.datetime, *, code: AckCode = AckCode.ERROR) -> RowError:
    return RowError(line=row.line, id=row.record_id, value=text, at=format_instant(at), code=str(code))


def _configuration_fault(error: Exception) -> Fault:
    if isinstance(error, base.TransportError):
        return dacs_enrollment.fault_of(error)
    return Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error))


FLOW = EventOutcome()
