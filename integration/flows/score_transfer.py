"""One run over the queue of device score files: what was transferred, what was not, and what stopped it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from integration.choices import FileState
from integration.flows import derms_score, score_file
from integration.flows.acknowledgements import AckCode
from integration.flows.contract import Fault, Outcome
from integration.flows.derms_score import Sent, Verdict
from integration.flows.file_notices import Notices
from integration.flows.file_queue import Entry, FileQueue, Looked, Source, SourceUnusable
from integration.flows.file_staging import StagedFile
from integration.flows.run import Run
from integration.flows.step import Step
from integration.operations import file_transfers
from outbound import options
from outbound import queries as outbound_queries
from outbound.retry import FaultType
from outbound.transports import rest
from outbound.transports.base import TransportError
from outbound.transports.store import FileChanged, FileVanished


TARGET = "DERMS"
# "Target down" also when it fails at so many files in a row, as for records (C-19).
CONSECUTIVE_FAULTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    client: rest.RestClient
    path: str
    refuses_invalid: bool


class ScoreTransfer:
    """Its methods are the steps of both flows, in their order."""

    def __init__(self, run: Run, source: Source) -> None:
        self._run = run
        self._source = source
        self._queue = FileQueue(run, source)
        self._target: _Target | None = None
        self._stopped_by: Fault | None = None
        self._faults_in_a_row = 0
        self._done = 0
        self.transferred: list[str] = []
        self.not_transferred: list[tuple[str, str]] = []

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
            self._stop(_source_fault(self._source, error.error), step)
            return Looked()

    def wait(self, step: Step, looked: Looked) -> Looked:
        """Let the files that are new stand still, and look again."""
        step.count(new_files=len(looked.growing))
        if not self._queue.wait(looked.seconds_to_wait):
            step.warn(self._run.ended_because)
            return Looked()
        return self.look(step)

    def finish_renames(self, step: Step, entries: list[Entry]) -> list[Entry]:
        """Rename what an earlier run sent and could not rename, without sending it; give what turned out to be new."""
        replaced = []
        for entry in entries:
            if self.stopped:
                break
            try:
                if self._is_replaced(entry):
                    replaced.append(entry)
                    continue
                self._rename(entry, step, succeeded=entry.row.state == FileState.UPLOADED)
            except FileVanished:
                self._vanished(entry, step)
            except FileChanged as error:
                self._queue.note(step, entry.file.name, str(error))
            except SourceUnusable as error:
                self._stop(_source_fault(self._source, error.error), step)
        step.count(renamed=len(entries) - len(replaced), replaced_meanwhile=len(replaced))
        return replaced

    def transfer(self, step: Step, entries: list[Entry]) -> None:
        """Send the files one by one; stop when DERMS, or the place of the files, is not to be had."""
        try:
            self._target = _target()
        except outbound_queries.UnknownConnection as error:
            self._stop(Fault(type=FaultType.TECHNICAL, code="configuration", reason=str(error)), step)
            return
        except TransportError as error:
            self._stop(derms_score.fault_of(error), step)
            return
        for entry in entries:
            if self.stopped or not self._run.progress(done=self._done, total=len(entries)):
                break
            self._one(entry, step)
            self._done += 1
        self._run.progress(done=self._done, total=len(entries))
        step.count(
            transferred=len(self.transferred),
            not_transferred=len(self.not_transferred),
            untouched=len(entries) - self._done,
        )
        if self._run.ended_because and not self._stopped_by:
            step.warn(self._run.ended_because)

    def tell(self, step: Step, *, found: int) -> Outcome:
        """Mail the end of the run, and form its result."""
        notices = Notices(self._run, step, source=self._source)
        if self.transferred or self.not_transferred:
            notices.process_complete(
                transferred=self.transferred, not_transferred=self.not_transferred, stopped_by=self._stopped_by
            )
        elif not found and not self.stopped:
            notices.no_file()
        if self.not_transferred:
            notices.files_refused(self.not_transferred)
        return self._outcome(found)

    def _one(self, entry: Entry, step: Step) -> None:
        at = self._run.clock()
        if not file_transfers.claim(file=entry.row, run=self._run.row, at=at):
            self._queue.note(step, entry.file.name, "another run is sending it")
            step.warn("Another run is sending some of the files")
            return
        try:
            with self._queue.fetch(entry) as staged:
                self._send(entry, staged, step)
        except FileVanished:
            self._vanished(entry, step)
        except FileChanged as error:
            self._release(entry, str(error))
            self._queue.note(step, entry.file.name, str(error))
            step.warn("Some files are still being written")
        except SourceUnusable as error:
            self._release(entry, str(error))
            self._stop(_source_fault(self._source, error.error), step)
        except TransportError as error:
            # The place refuses this one file; what was found out about it is in the ledger already.
            self._release(entry, str(error))
            self._queue.note(step, entry.file.name, str(error))
            self.not_transferred.append((entry.file.name, str(error)))
            step.warn("Not every file was transferred")

    def _send(self, entry: Entry, staged: StagedFile, step: Step) -> None:
        assert self._target is not None  # noqa: S101  (transfer sets it)
        name = entry.file.name
        wrong = self._check(entry, staged, step)
        if wrong and self._target.refuses_invalid:
            sent = Sent(verdict=Verdict.REFUSED, reason=wrong)
        else:
            sent = derms_score.upload(
                client=self._target.client,
                path=self._target.path,
                name=name,
                message_id=entry.row.message_id,
                chunks=staged.chunks(while_reading=self._run.heartbeat),
                size=staged.size,
            )
        self._judge(entry, staged, sent, step)

    def _judge(self, entry: Entry, staged: StagedFile, sent: Sent, step: Step) -> None:
        name = entry.file.name
        succeeded = sent.verdict in (Verdict.ACCEPTED, Verdict.ALREADY_LOADED)
        self._faults_in_a_row = self._faults_in_a_row + 1 if sent.fault is not None else 0
        step.exchange(
            request=f"{name}: {staged.size} bytes, SHA-256 {staged.sha256}".encode(),
            response=sent.response,
            label=name,
            succeeded=succeeded,
            media_type=sent.media_type or "application/json",
        )
        if sent.verdict is Verdict.STOP:
            assert sent.fault is not None  # noqa: S101  (STOP always has one)
            self._release(entry, sent.reason)
            self._queue.note(step, name, sent.reason)
            self._stop(sent.fault, step)
            return
        if not succeeded or self._run.traces_records or sent.verdict is Verdict.ALREADY_LOADED:
            self._queue.note(step, name, sent.reason, seconds=round(sent.seconds, 3))
        file_transfers.settle(
            file=entry.row,
            to=FileState.UPLOADED if succeeded else FileState.REFUSED,
            run=self._run.row,
            reason=sent.reason,
            sha256=staged.sha256,
            at=self._run.clock(),
        )
        if succeeded:
            self.transferred.append(name)
        else:
            self.not_transferred.append((name, sent.reason))
            step.warn("Not every file was transferred")
        try:
            self._rename(entry, step, succeeded=succeeded)
        except FileVanished:
            self._vanished(entry, step, after=sent.reason)
        if sent.fault is not None and self._faults_in_a_row >= CONSECUTIVE_FAULTS:
            self._stop(sent.fault, step)

    def _check(self, entry: Entry, staged: StagedFile, step: Step) -> str:
        if score_file.is_packed(entry.file.name):
            return ""
        checked = score_file.check(staged.content)
        if not checked.wrong:
            return ""
        found = "; ".join(map(str, checked.findings[:5]))
        text = f"{checked.wrong} findings in {checked.rows} rows: {found}"
        self._queue.note(step, entry.file.name, text, findings=[str(finding) for finding in checked.findings])
        step.warn("Some files hold rows that break the format")
        return text

    def _rename(self, entry: Entry, step: Step, *, succeeded: bool) -> None:
        tag = self._source.sent_tag if succeeded else self._source.error_tag
        try:
            new = self._queue.rename(entry, tag, if_etag=entry.file.etag)
        except FileVanished:
            raise
        except (TransportError, SourceUnusable) as error:
            # Sent is sent: the ledger keeps it, and the next run renames it without sending it again.
            self._queue.note(step, entry.file.name, f"{tag} could not be put before its name: {error}")
            step.warn("Some files could not be renamed: the next run does it")
            return
        file_transfers.settle(
            file=entry.row,
            to=FileState.SENT if succeeded else FileState.ERROR,
            run=self._run.row,
            reason=entry.row.reason,
            renamed_to=new,
            at=self._run.clock(),
        )

    def _is_replaced(self, entry: Entry) -> bool:
        row, file = entry.row, entry.file
        if row.etag == file.etag and row.modified_at == file.modified_at:
            return False
        with self._queue.fetch(entry) as staged:
            if staged.sha256 == row.sha256:
                return False
        file_transfers.begin_again(
            file=row, listed=file, run=self._run.row, reason="the content is another", at=self._run.clock()
        )
        return True

    def _vanished(self, entry: Entry, step: Step, *, after: str = "") -> None:
        text = f"it vanished after {after}" if after else "it vanished before it could be fetched"
        file_transfers.settle(
            file=entry.row, to=FileState.VANISHED, run=self._run.row, reason=text, at=self._run.clock()
        )
        self._queue.note(step, entry.file.name, text)
        step.warn("Some files vanished")

    def _release(self, entry: Entry, reason: str) -> None:
        # What was sent, or refused, stays so: only its rename is still to be done.
        if entry.row.state == FileState.IN_PROGRESS:
            file_transfers.settle(
                file=entry.row, to=FileState.WAITING, run=self._run.row, reason=reason, at=self._run.clock()
            )

    def _stop(self, fault: Fault, step: Step) -> None:
        self._stopped_by = fault
        step.fail(fault)

    def _outcome(self, found: int) -> Outcome:
        code = AckCode.SUCCESS
        if self._stopped_by is not None or self._run.ended_because:
            code = AckCode.FAILURE
        elif self.not_transferred:
            code = AckCode.ERROR
        counts = {"transferred": len(self.transferred), "not_transferred": len(self.not_transferred), "found": found}
        document: dict[str, Any] = {
            "instanceId": str(self._run.row.pk),
            "ackType": str(code),
            "transferred": self.transferred,
            "notTransferred": [{"name": name, "reason": reason} for name, reason in self.not_transferred],
        }
        return Outcome(
            document=document,
            ack_type=str(code),
            counts=counts,
            fault=self._stopped_by,
            notify=self._stopped_by is not None,
        )


def _target() -> _Target:
    connection = outbound_queries.connection(TARGET)
    return _Target(
        client=rest.client(connection),
        path=options.value(connection.options, "device_score_path") or derms_score.SCORE_PATH,
        refuses_invalid=options.value(connection.options, "refuse_invalid_scores"),
    )


def _source_fault(source: Source, error: TransportError) -> Fault:
    return Fault(
        type=error.fault,
        code="source_unusable",
        reason=f"The files of connection {source.connection.name} cannot be read",
        detail=str(error),
    )
