"""One run over OUAI's acknowledgement files: each record goes to DACS once, a file gets its tag after its last."""

from __future__ import annotations

import urllib.parse
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

from integration.choices import FileState
from integration.flows import ouai_ack_file, peer_calls
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault, Outcome
from integration.flows.file_queue import Entry, FileQueue, Looked, Source, SourceUnusable
from integration.flows.file_staging import StagedFile
from integration.flows.ouai_ack_file import AckRecord, FileUnreadable
from integration.flows.run import Run
from integration.flows.step import Step
from integration.operations import errors, file_transfers
from outbound import queries as outbound_queries
from outbound.retry import FaultType, classify_status
from outbound.transports import rest
from outbound.transports.base import TransportError
from outbound.transports.store import FileChanged, FileVanished


TARGET = "DACS"
DUPLICATE = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbers:
    """What an error of OUAI is called at DACS."""

    category: int
    number: int


class OuaiAcknowledging:
    """Its methods are the steps of the flow, in their order."""

    def __init__(self, run: Run, source: Source, numbers: Numbers) -> None:
        self._run = run
        self._source = source
        self._numbers = numbers
        self._queue = FileQueue(run, source)
        self._client: rest.RestClient | None = None
        self._stopped_by: Fault | None = None
        self._counts: Counter[str] = Counter()
        self._troubles: list[str] = []
        self._records_seen = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.close()

    @property
    def stopped(self) -> bool:
        """Whether nothing more is to be sent."""
        return self._stopped_by is not None or bool(self._run.ended_because)

    def look(self, step: Step) -> Looked:
        """List the files, oldest first."""
        try:
            return self._queue.look(step)
        except SourceUnusable as error:
            self._stop(self._source_fault(error), step)
            return Looked()

    def wait(self, step: Step, looked: Looked) -> Looked:
        """Let the files that are new stand still, and look again."""
        step.count(new_files=len(looked.growing))
        if not self._queue.wait(looked.seconds_to_wait):
            step.warn(self._run.ended_because)
            return Looked()
        return self.look(step)

    def finish_renames(self, step: Step, entries: list[Entry]) -> None:
        """Rename the files whose records all went out in an earlier run."""
        for entry in entries:
            if self.stopped:
                break
            self._rename(entry, step)

    def acknowledge(self, step: Step, entries: list[Entry]) -> None:
        """Send the records of each file; stop when DACS, or the place of the files, is not to be had."""
        try:
            self._client = rest.client(outbound_queries.connection(TARGET))
        except outbound_queries.UnknownConnection as error:
            self._stop(Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error)), step)
            return
        except TransportError as error:
            self._stop(peer_calls.fault_of(error, peer=TARGET)[0], step)
            return
        for entry in entries:
            if self.stopped or not self._run.heartbeat():
                break
            self._one(entry, step)
        step.count(**self._counts)
        if self._run.ended_because and not self._stopped_by:
            step.warn(self._run.ended_because)

    def conclude(self, step: Step, *, found: int) -> Outcome:
        """Tell of records and files that DACS did not take, and form the result."""
        if self._troubles:
            self._report_troubles()
            step.count(troubles=len(self._troubles))
        code = AckCode.SUCCESS
        if self._stopped_by is not None or self._run.ended_because:
            code = AckCode.FAILURE
        elif self._troubles:
            code = AckCode.ERROR
        document: dict[str, Any] = {
            "instanceId": str(self._run.row.pk),
            "ackType": str(code),
            **self._counts,
            "found": found,
        }
        return Outcome(
            document=document,
            ack_type=str(code),
            counts={**self._counts, "found": found},
            fault=self._stopped_by,
            notify=self._stopped_by is not None,
        )

    def _one(self, entry: Entry, step: Step) -> None:
        if not file_transfers.claim(file=entry.row, run=self._run.row, at=self._run.clock()):
            self._queue.note(step, entry.file.name, "another run is sending it")
            step.warn("Another run is sending some of the files")
            return
        try:
            with self._queue.fetch(entry) as staged:
                self._records(entry, staged, step)
        except FileUnreadable as error:
            self._trouble(entry, str(error), step)
            self._settle(entry, FileState.ERROR, str(error))
        except FileVanished as error:
            self._settle(entry, FileState.VANISHED, str(error))
            self._queue.note(step, entry.file.name, "it vanished")
            step.warn("Some files vanished")
        except FileChanged as error:
            self._release(entry, str(error))
            self._queue.note(step, entry.file.name, str(error))
            step.warn("Some files are still being written")
        except SourceUnusable as error:
            self._release(entry, str(error))
            self._stop(self._source_fault(error), step)
        except TransportError as error:
            self._release(entry, str(error))
            self._trouble(entry, str(error), step)

    def _records(self, entry: Entry, staged: StagedFile, step: Step) -> None:
        # Once to its end before the first record goes: a file that breaks off in the middle is not begun.
        total = sum(1 for _ in ouai_ack_file.read(staged.content))
        before = entry.row.records_done
        for position, record in enumerate(ouai_ack_file.read(staged.content), start=1):
            if position <= before:
                continue
            if not self._run.progress(done=self._records_seen + position - 1, total=self._records_seen + total):
                self._release(entry, self._run.ended_because)
                return
            if not self._send(entry, record, step):
                self._release(entry, self._stopped_by.reason if self._stopped_by else "")
                return
            file_transfers.mark_records(file=entry.row, run=self._run.row, done=position)
        self._records_seen += total
        self._run.progress(done=self._records_seen, total=self._records_seen)
        self._settle(entry, FileState.UPLOADED, f"{total} records", sha256=staged.sha256)
        self._counts["files"] += 1
        self._rename(entry, step)

    def _send(self, entry: Entry, record: AckRecord, step: Step) -> bool:
        if record.problem:
            self._counts["invalid"] += 1
            self._trouble(entry, f"line {record.line}: {record.problem}", step, line=record.line)
            return True
        assert self._client is not None  # noqa: S101  (acknowledge sets it)
        document = ouai_ack_file.sync_request(record, category=self._numbers.category, number=self._numbers.number)
        call = peer_calls.call(
            client=self._client,
            peer=TARGET,
            method="PATCH",
            path=f"{ouai_ack_file.SYNC_REQUEST_PATH}/{urllib.parse.quote(record.sync_request_id, safe='')}",
            document=document,
            idempotency_key=f"{entry.row.message_id}-{record.line}",
        )
        succeeded = call.fault is None and (200 <= call.status < 300 or call.status == DUPLICATE)
        step.exchange(
            request=call.request,
            response=call.response,
            label=record.sync_request_id,
            succeeded=succeeded,
            media_type=call.media_type,
        )
        return self._judge(entry, record, call, step)

    def _judge(self, entry: Entry, record: AckRecord, call: peer_calls.Call, step: Step) -> bool:
        said = call.fault.reason if call.fault else peer_calls.status_text(call.status, peer=TARGET)
        text = f"line {record.line}, {record.sync_request_id}: {said}"
        if call.fault is not None:
            self._queue.note(step, entry.file.name, text)
            self._stop(call.fault, step)
            return False
        if call.status == DUPLICATE:
            # DACS has it already: the guide of OUAI wants no mail for it, and the next record.
            self._counts["duplicates"] += 1
            self._queue.note(step, entry.file.name, text)
            return True
        kind = classify_status(call.status)
        if kind is None:
            self._counts["acknowledged"] += 1
            if self._run.traces_records:
                self._queue.note(step, entry.file.name, text)
            return True
        if kind is FaultType.BUSINESS:
            self._counts["refused"] += 1
            self._trouble(entry, text, step, line=record.line)
            return True
        self._queue.note(step, entry.file.name, text)
        reason = peer_calls.status_text(call.status, peer=TARGET)
        self._stop(Fault(type=kind, code=str(call.status), reason=reason), step)
        return False

    def _rename(self, entry: Entry, step: Step) -> None:
        try:
            new = self._queue.rename(entry, self._source.sent_tag, if_etag=entry.file.etag)
        except FileVanished:
            self._settle(entry, FileState.VANISHED, "it vanished after its records were sent")
        except (TransportError, SourceUnusable) as error:
            self._queue.note(step, entry.file.name, f"it could not be renamed: {error}")
            step.warn("Some files could not be renamed: the next run does it")
        else:
            self._settle(entry, FileState.SENT, entry.row.reason, renamed_to=new)

    def _settle(self, entry: Entry, to: FileState, reason: str, **changes: Any) -> None:
        file_transfers.settle(file=entry.row, to=to, run=self._run.row, reason=reason, at=self._run.clock(), **changes)

    def _release(self, entry: Entry, reason: str) -> None:
        # A file whose records all went out only waits for its rename.
        if entry.row.state == FileState.IN_PROGRESS:
            self._settle(entry, FileState.WAITING, reason)

    def _trouble(self, entry: Entry, text: str, step: Step, **more: Any) -> None:
        self._troubles.append(f"{entry.file.name}: {text}")
        self._queue.note(step, entry.file.name, text, **more)
        step.warn("Not every record went to DACS")

    def _stop(self, fault: Fault, step: Step) -> None:
        self._stopped_by = fault
        step.fail(fault)

    def _source_fault(self, error: SourceUnusable) -> Fault:
        return Fault(
            type=error.error.fault,
            code="source_unusable",
            reason=f"The files of connection {self._source.connection.name} cannot be read",
            detail=str(error),
        )

    def _report_troubles(self) -> None:
        reason, others = self._troubles[0], len(self._troubles) - 1
        if others:
            reason = f"{reason} (and {others} more)"
        flow = self._run.row.flow
        errors.report(
            flow=flow,
            source=flow.identifier,
            fault=Fault(type=FaultType.BUSINESS, code="records_not_sent", reason=reason[:1000]),
            run=self._run.row,
            business_too=True,
            at=self._run.clock(),
        )
