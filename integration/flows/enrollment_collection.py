"""One enrollment collection on its way: what each record was answered, and what stopped it, if anything did."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction

from integration.choices import RunKind
from integration.flows import acknowledgements, applied_overlays, dacs_answers, dacs_enrollment, enrollment_mapping
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Exchanged, Fault, Finding, Outcome
from integration.flows.dacs_answers import RecordResult
from integration.flows.dacs_enrollment import Exchange
from integration.flows.enrollment_payload import CheckedRecord
from integration.flows.overlays import OverlayFailed
from integration.flows.run import Run
from integration.flows.sending import Sending
from integration.flows.step import Step
from integration.operations import enrollments
from lookups.queries import Table, UnknownColumn, UnknownLookup
from lookups.usage import register_use
from outbound import queries as outbound_queries
from outbound.retry import FaultType
from outbound.transports import rest
from outbound.transports.base import TransportError


CONNECTION = "DACS"
MAPPING = "enrollment_request"
ENROLLMENT_STATUS = "OUTL-BRT-DACS_DRMS_EnrollmentStatus"
# "Target down" after this many remote faults in a row (C-19).
CONSECUTIVE_FAULTS = 3
# DERMS waits 300 s at most (`reliability.md` P2): what is not sent by then is answered without.
TIME_BUDGET_SECONDS = 290.0
_OUT_OF_TIME = Fault(type=FaultType.REMOTE, code="time_budget", reason="The time for an answer to DERMS was used up")
# Lines of a step's detail; the acknowledgement itself holds every record.
MAX_NOTES = 200

register_use(table=ENROLLMENT_STATUS, used_by="Enrollment Request", columns=("DACS_status", "DRMS_responseCode"))
register_use(
    table=enrollment_mapping.ASSET_SPEC,
    used_by="Enrollment Request",
    columns=("DRMS_MAKE_MODEL", "DACS_SPECIFICATION"),
)
register_use(
    table=enrollment_mapping.ASSET_TYPE,
    used_by="Enrollment Request",
    columns=("DRMS_ASSET_TYPE", "DACS_ASSET_TYPE"),
)


@dataclass(frozen=True, kw_only=True)
class _Lookups:
    """The three lookups of the flow, held still for one run."""

    specifications: Table
    types: Table
    statuses: Table

    def asset_specification(self, make_and_model: str) -> str | None:
        return self.specifications.translate(
            source="DRMS_MAKE_MODEL", value=make_and_model, target="DACS_SPECIFICATION", strict=False
        ).result

    def asset_type(self, asset_type: str) -> str | None:
        return self.types.translate(
            source="DRMS_ASSET_TYPE", value=asset_type, target="DACS_ASSET_TYPE", strict=False
        ).result

    def status(self, status: str) -> str | None:
        return self.statuses.translate(
            source="DACS_status", value=status, target="DRMS_responseCode", strict=False
        ).result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mapped:
    record: CheckedRecord
    enrollment: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    client: rest.RestClient
    path: str
    enrollment_source: str
    max_concurrency: int


def _target() -> _Target:
    connection = outbound_queries.connection(CONNECTION)
    wanted = connection.options.get("send_enrollment_source", False)
    return _Target(
        client=rest.client(connection),
        path=connection.options.get("enroll_path") or dacs_enrollment.ENROLL_PATH,
        enrollment_source=enrollment_mapping.DEFAULT_ENROLLMENT_SOURCE if wanted else "",
        max_concurrency=connection.max_concurrency,
    )


class Collection:
    """Answers by position. Its methods are the steps of the flow, in their order."""

    def __init__(self, run: Run, records: Sequence[CheckedRecord]) -> None:
        self._run = run
        self._records = records
        self._answers: dict[int, dict[str, Any]] = {}
        self._unsettled: dict[str, dict[str, Any]] = {}
        self._faults: dict[int, Fault] = {}
        self._stopped_by: Fault | None = None
        self._overlay_failed = False
        self._lookups: _Lookups | None = None
        self._target: _Target | None = None
        self._started = time.monotonic()

    def check(self, step: Step) -> list[CheckedRecord]:
        """Answer what is invalid or was settled before; give the rest."""
        invalid = [record for record in self._records if not record.valid]
        for record in invalid:
            self._refuse(record, record.findings, step)
        again = self._run.row.kind == RunKind.REPLAY
        settled = (
            {}
            if again
            else enrollments.settled_answers(
                flow_id=self._run.row.flow_id, message_ids=[record.message_id for record in self._records]
            )
        )
        to_send = []
        for record in self._records:
            if not record.valid:
                continue
            if record.message_id in settled:
                self._answers[record.position] = settled[record.message_id]
            else:
                to_send.append(record)
        step.count(received=len(self._records), invalid=len(invalid), answered_before=len(settled))
        if invalid:
            step.warn(f"{len(invalid)} of {len(self._records)} records are not valid")
        return to_send

    def translate(self, step: Step, records: Sequence[CheckedRecord]) -> list[_Mapped]:
        """Map the records; a value that a lookup does not hold is a business error of its record."""
        try:
            self._lookups = _Lookups(
                specifications=self._run.table(enrollment_mapping.ASSET_SPEC),
                types=self._run.table(enrollment_mapping.ASSET_TYPE),
                statuses=self._run.table(ENROLLMENT_STATUS),
            )
            self._target = _target()
            mapped = self._mapped(step, records)
        except (UnknownLookup, UnknownColumn, outbound_queries.UnknownConnection) as error:
            self._stop(Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error)), step)
            return []
        except TransportError as error:
            self._stop(dacs_enrollment.fault_of(error), step)
            return []
        step.count(translated=len(mapped), refused=len(records) - len(mapped))
        if len(mapped) < len(records):
            said = f"{len(records) - len(mapped)} of {len(records)} records hold a value that is in no lookup"
            step.warn(f"{said}, or the overlay fails" if self._overlay_failed else said)
        return mapped

    def send(self, step: Step, mapped: Sequence[_Mapped]) -> None:
        """Send the records: the first alone, then several at once; stop when the target is down."""
        assert self._target is not None  # noqa: S101  (translate gives records only with a target)
        in_a_row = 0
        sent = 0
        sending = Sending(
            items=mapped,
            send=self._enroll,
            max_concurrency=self._target.max_concurrency,
            while_waiting=lambda: None if self._run.heartbeat() else sending.stop(),
        )
        for ready in sending:
            with transaction.atomic():
                # What came back together is written together: before anything else goes.
                self._record(step, [(mapped[index].record, exchange) for index, exchange in ready])
                goes_on = self._run.progress(done=len(self._answers), total=len(self._records))
            for _, exchange in ready:
                sent += 1
                fault = exchange.result.fault
                in_a_row = in_a_row + 1 if fault is not None and fault.type is FaultType.REMOTE else 0
                down = (exchange.refused and sent == 1) or exchange.hopeless or in_a_row >= CONSECUTIVE_FAULTS
                if goes_on and self._stopped_by is None and fault is not None and down:
                    self._stopped_by = fault
            if goes_on and self._stopped_by is None and time.monotonic() - self._started > TIME_BUDGET_SECONDS:
                self._stopped_by = _OUT_OF_TIME
            if not goes_on or self._stopped_by is not None:
                sending.stop()
        step.count(sent=sent, **self._counts(mapped))
        self._judge(step, sent, len(mapped))

    def acknowledge(self, step: Step) -> Outcome:
        """Form the acknowledgement: FAILURE for everything that has no answer by now."""
        reason = self._stopped_by.reason if self._stopped_by else self._run.ended_because or "not processed"
        for record in self._records:
            if record.position not in self._answers:
                self._answer(record, RecordResult(code=AckCode.FAILURE, value=f"{reason}; this record was not sent"))
        self._settle()
        responses = [self._answers[record.position] for record in self._records]
        document = acknowledgements.message_acknowledgement(responses=responses, at=self._run.clock())
        counts = Counter(entry["responseCode"] for entry in responses)
        step.count(**{str(code): counts[code] for code in AckCode if counts[code]})
        first_fault = self._faults[min(self._faults)] if self._faults else None
        return Outcome(
            document=document,
            ack_type=document["ackType"],
            counts=dict(counts),
            fault=self._stopped_by or first_fault,
            notify=self._stopped_by is not None or self._overlay_failed,
        )

    def _mapped(self, step: Step, records: Sequence[CheckedRecord]) -> list[_Mapped]:
        assert self._lookups is not None  # noqa: S101  (set by the only caller)
        assert self._target is not None  # noqa: S101  (set by the only caller)
        mapped = []
        for record in records:
            try:
                enrollment = enrollment_mapping.map_record(
                    record.record,
                    translate=self._lookups,
                    enrollment_source=self._target.enrollment_source,
                    pointer=f"/params/{record.position}",
                )
                overlaid = self._run.overlay(MAPPING, message=record.record, base=enrollment, step=step)
            except enrollment_mapping.UnableToMap as error:
                self._refuse(record, error.findings, step)
            except OverlayFailed as error:
                self._fail(record, error, step)
            else:
                mapped.append(_Mapped(record=record, enrollment=overlaid))
        self._settle()
        return mapped

    def _enroll(self, item: _Mapped) -> Exchange:
        # Runs in a thread of its own: what the client opened in the database there is closed there.
        assert self._target is not None  # noqa: S101  (send checks it)
        assert self._lookups is not None  # noqa: S101  (set together with the target)
        try:
            return dacs_enrollment.enroll(
                client=self._target.client,
                path=self._target.path,
                enrollment=item.enrollment,
                translate_status=self._lookups.status,
            )
        finally:
            connections.close_all()

    def _record(self, step: Step, ready: Sequence[tuple[CheckedRecord, Exchange]]) -> None:
        kept = []
        for record, exchange in ready:
            result = exchange.result
            self._answer(record, result)
            if result.fault is not None:
                self._faults[record.position] = result.fault
            succeeded = result.code is AckCode.SUCCESS
            kept.append(
                Exchanged(
                    request=exchange.request,
                    response=exchange.response,
                    label=record.message_id,
                    succeeded=succeeded,
                    media_type=exchange.media_type or "application/json",
                )
            )
            if not succeeded or self._run.traces_records:
                detail = result.fault.detail if result.fault else ""
                self._note(step, record, result.code, detail or result.value, seconds=round(exchange.seconds, 3))
        self._settle()
        step.exchanges(kept)

    def _refuse(self, record: CheckedRecord, findings: Sequence[Finding], step: Step) -> None:
        text = "; ".join(f"{finding.pointer}: {finding.message}" for finding in findings)[:900]
        entry = self._answer(record, RecordResult(code=AckCode.ERROR, value=text), errors=findings)
        self._note(step, record, AckCode.ERROR, entry["value"])

    def _fail(self, record: CheckedRecord, error: OverlayFailed, step: Step) -> None:
        """Answer a record that the site's overlay cannot be applied to: a fault of ours, which people are told of."""
        fault = applied_overlays.fault_of(error)
        self._faults[record.position] = fault
        self._overlay_failed = True
        pointers = [
            dataclasses.replace(finding, pointer=f"/params/{record.position}{finding.pointer}")
            for finding in error.findings
        ]
        self._answer(record, dacs_answers.failed(fault), errors=pointers)
        self._note(step, record, AckCode.FAILURE, fault.reason)

    def _answer(self, record: CheckedRecord, result: RecordResult, *, errors: Sequence[Finding] = ()) -> dict[str, Any]:
        at = self._run.clock()
        entry = acknowledgements.response(
            code=result.code,
            answer_id=result.id,
            value=result.value,
            message_id=record.message_id,
            dacs_message_id=result.id,
            at=at,
        )
        if errors:
            entry["errors"] = [finding.as_error() for finding in errors]
        self._answers[record.position] = entry
        if record.valid:
            self._unsettled[record.message_id] = entry
        return entry

    def _settle(self) -> None:
        """Write the answers that came since to the ledger."""
        enrollments.settle_records(run=self._run.row, answers=self._unsettled, at=self._run.clock())
        self._unsettled = {}

    def _note(self, step: Step, record: CheckedRecord, code: AckCode, text: str, **more: Any) -> None:
        if len(step.row.detail) < MAX_NOTES:
            step.note(
                {"position": record.position, "messageId": record.message_id, "code": str(code), "text": text, **more}
            )

    def _stop(self, fault: Fault, step: Step) -> None:
        self._stopped_by = fault
        step.fail(fault)

    def _counts(self, mapped: Sequence[_Mapped]) -> dict[str, int]:
        counts = Counter(
            self._answers[item.record.position]["responseCode"]
            for item in mapped
            if item.record.position in self._answers
        )
        return {str(code): counts[code] for code in AckCode if counts[code]}

    def _judge(self, step: Step, sent: int, total: int) -> None:
        if self._stopped_by is not None:
            unsent = total - sent
            reason = self._stopped_by.reason
            if unsent:
                reason = f"{reason}; stopped with {unsent} records unsent"
            step.fail(Fault(type=self._stopped_by.type, code=self._stopped_by.code, reason=reason))
        elif self._run.ended_because:
            step.warn(self._run.ended_because)
        elif any(code in step.row.counts for code in (AckCode.ERROR, AckCode.FAILURE)):
            step.warn("Not every record was accepted")
