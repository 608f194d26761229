"""
A prefix queue: files whose names start with a prefix are to be sent, and get another start once they were.

That is the whole queueing mechanism of the guide (`integration.md` 3.9): no file is deleted, and a person puts one
back by giving it its old name. What is half written is left alone: a file counts once its size has stood still.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from integration.choices import RENAME_PENDING_FILE_STATES, FileState
from integration.flows.file_staging import StagedFile, stage
from integration.flows.run import Run
from integration.flows.step import Step
from integration.models import TransferredFile
from integration.operations import file_transfers
from outbound.models import Connection
from outbound.queries import parameter
from outbound.retry import FaultType
from outbound.transports import store as stores
from outbound.transports.base import TransportError


SETTLE_PARAMETER = "FILE_SETTLE_SECONDS"
MAX_NOTES = 200
# A renamed file whose new name is taken gets a number; after so many its rename stays pending.
_NAMES_TRIED = 9
_WAIT_STEP_SECONDS = 0.5

Given = TypeVar("Given")


class SourceUnusable(Exception):
    """The place of the files cannot be reached or used; the run stops. The cause is the transport's error."""

    def __init__(self, error: TransportError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where the files lie, and what names they have before and after."""

    connection: Connection
    directory: str
    namespace: str
    prefix: str
    sent_tag: str
    error_tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file as it is listed now, and what the ledger knows of it."""

    file: stores.RemoteFile
    row: TransferredFile


@dataclass(slots=True, kw_only=True)
class Looked:
    """What a listing gave, each part oldest first."""

    ready: list[Entry] = field(default_factory=list)
    rename_pending: list[Entry] = field(default_factory=list)
    growing: list[Entry] = field(default_factory=list)
    set_aside: list[Entry] = field(default_factory=list)
    left_alone: int = 0
    seconds_to_wait: float = 0.0

    @property
    def found(self) -> int:
        """How many files the queue holds, whatever becomes of them now."""
        return len(self.ready) + len(self.rename_pending) + len(self.growing) + len(self.set_aside) + self.left_alone


class FileQueue:
    """The queue of one run. Opens its place when it is first asked, and once more when a session broke."""

    def __init__(self, run: Run, source: Source) -> None:
        self._run = run
        self._source = source
        self._place = source.directory or source.connection.directory
        self._store: stores.RemoteStore | None = None

    def close(self) -> None:
        """Let go of the place."""
        if self._store is not None:
            store, self._store = self._store, None
            store.close()

    def look(self, step: Step) -> Looked:
        """
        List the queue and say what may be taken.

        :raises SourceUnusable: when the place cannot be listed.
        """
        source = self._source
        listed = self._asked(lambda store: store.list(source.prefix))
        files = [file for file in listed if self._is_queued(file.name)]
        at = self._run.clock()
        rows = file_transfers.observe(
            flow_id=self._run.row.flow_id,
            connection=source.connection.name,
            place=self._place,
            files=files,
            run=self._run.row,
            at=at,
        )
        file_transfers.note_absent(
            flow_id=self._run.row.flow_id,
            connection=source.connection.name,
            place=self._place,
            listed=rows,
            tags={FileState.SENT: source.sent_tag, FileState.ERROR: source.error_tag},
            run=self._run.row,
            at=at,
        )
        settle = float(parameter(SETTLE_PARAMETER))
        looked = Looked()
        for file in stores.oldest_first(files):
            self._sort(Entry(file=file, row=rows[file.name]), looked, settle=settle, at=at, step=step)
        step.count(
            found=looked.found, ready=len(looked.ready), growing=len(looked.growing), left_alone=looked.left_alone
        )
        return looked

    def wait(self, seconds: float) -> bool:
        """Wait for files to stand still, for a person who started the run; False when the run was ended meanwhile."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not self._run.heartbeat():
                return False
            time.sleep(min(left, _WAIT_STEP_SECONDS))
        return True

    def fetch(self, entry: Entry) -> StagedFile:
        """
        Bring a file here whole, to a file without a name; the caller closes it.

        :raises FileVanished: when it is gone.
        :raises FileChanged: when it is not the one that was listed.
        :raises SourceUnusable: when it cannot be read to its end, also at a second try.
        """
        name, size = entry.file.name, entry.file.size
        return self._asked(lambda store: stage(self._beating(store.open_read(name)), name=name, size=size))

    def rename(self, entry: Entry, tag: str, *, if_etag: str) -> str:
        """
        Put a tag before the name, never over another file; give the new name.

        :raises TransportError: when the file could not be renamed; it keeps its name.
        :raises SourceUnusable: when the place cannot be reached.
        """
        name = entry.file.name
        for number in range(1, _NAMES_TRIED + 1):
            new = f"{tag}{name}" if number == 1 else f"{tag}{number}-{name}"
            try:
                self._renamed(name, new, if_etag)
            except stores.NameTaken:
                if number == _NAMES_TRIED:
                    raise
            else:
                return new
        raise AssertionError("unreachable: the last name either works or raises")

    def _is_queued(self, name: str) -> bool:
        tags = [tag for tag in (self._source.sent_tag, self._source.error_tag) if tag]
        # A prefix that is part of a tag would find renamed files again.
        return name.startswith(self._source.prefix) and not name.startswith(tuple(tags))

    def _sort(self, entry: Entry, looked: Looked, *, settle: float, at: dt.datetime, step: Step) -> None:
        file, row = entry.file, entry.row
        stood_still = (at - row.size_seen_at).total_seconds()
        if file.is_partial or file.size == 0:
            looked.left_alone += 1
            why = "left alone: it is empty" if file.size == 0 else "left alone: it is being written"
            self.note(step, file.name, why)
        elif row.state in RENAME_PENDING_FILE_STATES:
            looked.rename_pending.append(entry)
        elif row.state == FileState.ERROR:
            looked.set_aside.append(entry)
            self.note(step, file.name, f"set aside until it is put back: {row.reason}")
        elif stood_still < settle:
            looked.growing.append(entry)
            looked.seconds_to_wait = max(looked.seconds_to_wait, settle - stood_still)
        else:
            looked.ready.append(entry)

    def note(self, step: Step, name: str, text: str, **more: object) -> None:
        """Add a line about a file to a step's detail, as long as there is room."""
        if len(step.row.detail) < MAX_NOTES:
            step.note({"file": stores.shown(name).strip("'\""), "text": text, **more})

    def _renamed(self, old: str, new: str, etag: str) -> None:
        tried_before = False

        def rename(store: stores.RemoteStore) -> None:
            nonlocal tried_before
            again, tried_before = tried_before, True
            try:
                store.rename(old, new, if_etag=etag or None)
            except stores.FileVanished:
                # The session broke during the first try, and nobody knew whether it was done: it was.
                if not again:
                    raise

        self._asked(rename)

    def _asked(self, ask: Callable[[stores.RemoteStore], Given]) -> Given:
        # A session that broke, or that the server ended while a file was on its way to the target, is opened anew once.
        for last in (False, True):
            try:
                return ask(self._opened())
            except TransportError as error:
                if error.fault is FaultType.BUSINESS:
                    raise
                self._drop()
                if last or error.held or error.permanent or error.credentials:
                    raise SourceUnusable(error) from error
        raise AssertionError("unreachable: the second try either gives or raises")

    def _opened(self) -> stores.RemoteStore:
        if self._store is None:
            self._store = stores.open_store(
                self._source.connection, directory=self._source.directory, namespace=self._source.namespace
            )
        return self._store

    def _drop(self) -> None:
        try:
            self.close()
        except TransportError:
            # It is broken, which is why it is let go.
            self._store = None

    def _beating(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._run.heartbeat()
            yield chunk


def names(entries: Sequence[Entry]) -> list[str]:
    """Give the names of entries."""
    return [entry.file.name for entry in entries]
