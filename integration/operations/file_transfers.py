"""
Writes of the file ledger: each file of a prefix queue is sent once, and what happened to it can be read.

A row stands for a name in a place. It is claimed by one run by a conditional update, so that of two runs one sends it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from django.db import transaction
from django.db.models import F, Q

from integration.choices import RENAME_PENDING_FILE_STATES, SETTLED_FILE_STATES, UNFINISHED_STATES, FileState
from integration.models import FlowRun, TransferredFile, TransferredFileEvent
from outbound.texts import storable


NAME_LENGTH = 255
_REASON_LENGTH = 1000
_CHUNK = 500


class Listed(Protocol):
    """A file as its place lists it."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def modified_at(self) -> dt.datetime | None: ...

    @property
    def etag(self) -> str: ...


def observe(
    *, flow_id: int, connection: str, place: str, files: Sequence[Listed], run: FlowRun | None, at: dt.datetime
) -> dict[str, TransferredFile]:
    """
    Note what a listing showed, give the ledger's rows by name.

    A name that comes for the first time, with other content, or back from an earlier end, waits to be sent. One whose
    rename is pending keeps that, unless its size says that the content is another.
    """
    seen: dict[str, TransferredFile] = {}
    for start in range(0, len(files), _CHUNK):
        chunk = files[start : start + _CHUNK]
        with transaction.atomic():
            seen |= _observed(flow_id, connection, place, chunk, run, at)
    return seen


def note_absent(
    *,
    flow_id: int,
    connection: str,
    place: str,
    listed: Iterable[str],
    tags: Mapping[FileState, str],
    run: FlowRun,
    at: dt.datetime,
) -> int:
    """
    Settle the files that a listing no longer shows; give how many.

    One whose rename was pending has been renamed, by a run that ended before it could say so or by a person; another
    one vanished.

    :param tags: what SENT and ERROR put before a name.
    """
    here = set(listed)
    open_rows = TransferredFile.objects.filter(flow_id=flow_id, connection=connection, place=place).exclude(
        state__in=SETTLED_FILE_STATES
    )
    gone = [row for row in open_rows if row.name not in here]
    ends = {FileState.UPLOADED: FileState.SENT, FileState.REFUSED: FileState.ERROR}
    for row in gone:
        to = ends.get(FileState(row.state), FileState.VANISHED)
        with transaction.atomic():
            changed = TransferredFile.objects.filter(pk=row.pk, state=row.state).update(
                state=to, renamed_to=f"{tags[to]}{row.name}" if to in tags else "", changed_at=at
            )
            if changed:
                _event(row, to=to, run=run, at=at, reason="its name is no longer in the queue")
    return len(gone)


def claim(*, file: TransferredFile, run: FlowRun, at: dt.datetime) -> bool:
    """Take a waiting file for a run; False when another run that still works holds it. Counts as an attempt."""
    alive = FlowRun.objects.filter(state__in=UNFINISHED_STATES).exclude(pk=run.pk).values("pk")
    free = Q(state=FileState.WAITING) | (Q(state=FileState.IN_PROGRESS) & ~Q(run__in=alive))
    with transaction.atomic():
        taken = TransferredFile.objects.filter(free, pk=file.pk).update(
            state=FileState.IN_PROGRESS, run_id=run.pk, attempts=F("attempts") + 1, changed_at=at
        )
        if not taken:
            return False
        _event(file, to=FileState.IN_PROGRESS, run=run, at=at, reason="taken to be sent")
    file.refresh_from_db()
    return True


def settle(*, file: TransferredFile, to: FileState, run: FlowRun, reason: str, at: dt.datetime, **changes: Any) -> bool:
    """
    Write what became of a file that this run holds, or whose rename was pending; False when it is not this run's.

    :param changes: further columns, such as `sha256` or `renamed_to`.
    """
    held = Q(state=FileState.IN_PROGRESS, run_id=run.pk) | Q(state__in=RENAME_PENDING_FILE_STATES)
    with transaction.atomic():
        written = TransferredFile.objects.filter(held, pk=file.pk).update(
            state=to, run_id=run.pk, reason=storable(reason)[:_REASON_LENGTH], changed_at=at, **changes
        )
        if not written:
            return False
        _event(file, to=to, run=run, at=at, reason=reason)
    file.refresh_from_db()
    return True


def begin_again(*, file: TransferredFile, listed: Listed, run: FlowRun | None, reason: str, at: dt.datetime) -> None:
    """Let a name wait with a new round and a new message id: its content is another, or a person put it back."""
    with transaction.atomic():
        _event(file, to=FileState.WAITING, run=run, at=at, reason=reason)
        _renew(file, listed, at=at)
        file.save()


def mark_records(*, file: TransferredFile, run: FlowRun, done: int) -> bool:
    """Note how many records of a file are behind it; False when it is not this run's any more."""
    file.records_done = done
    return bool(
        TransferredFile.objects.filter(pk=file.pk, state=FileState.IN_PROGRESS, run_id=run.pk).update(records_done=done)
    )


def put_back(*, file: TransferredFile, by: str, reason: str, at: dt.datetime) -> None:
    """Note that a person gave a file its old name back: it waits again, under a new message id."""
    with transaction.atomic():
        _event(file, to=FileState.WAITING, run=None, at=at, reason=reason, by=by)
        _renew(file, file, at=at)
        file.save()


def _observed(
    flow_id: int, connection: str, place: str, files: Sequence[Listed], run: FlowRun | None, at: dt.datetime
) -> dict[str, TransferredFile]:
    known = {
        row.name: row
        for row in TransferredFile.objects.select_for_update().filter(
            flow_id=flow_id, connection=connection, place=place, name__in=[file.name for file in files]
        )
    }
    new = [
        TransferredFile(
            flow_id=flow_id,
            connection=connection,
            place=place,
            name=file.name,
            size=file.size,
            etag=file.etag,
            modified_at=file.modified_at,
            size_seen_at=at,
            message_id=_message_id(connection, place, file, round_number=1),
            first_seen_at=at,
            changed_at=at,
        )
        for file in files
        if file.name not in known
    ]
    TransferredFile.objects.bulk_create(new)
    _events(new, to=FileState.WAITING, run=run, at=at, reason="found")
    for file in files:
        if file.name in known:
            _seen_again(known[file.name], file, run=run, at=at)
    return known | {row.name: row for row in new}


def _seen_again(row: TransferredFile, file: Listed, *, run: FlowRun | None, at: dt.datetime) -> None:
    same = row.size == file.size and row.etag == file.etag
    if row.state in RENAME_PENDING_FILE_STATES and row.size == file.size:
        # Only the content itself tells whether it was replaced by something as long; whoever renames it looks.
        return
    if same and row.state in SETTLED_FILE_STATES and (row.state != FileState.ERROR or row.renamed_to):
        begin_again(file=row, listed=file, run=run, reason="the name is back in the queue", at=at)
    elif not same:
        begin_again(file=row, listed=file, run=run, reason="the content is another", at=at)


def _renew(row: TransferredFile, listed: Listed, *, at: dt.datetime) -> None:
    if (row.size, row.etag) != (listed.size, listed.etag):
        row.size_seen_at = at
    if row.state != FileState.WAITING:
        row.round += 1
    row.size, row.etag, row.modified_at = listed.size, listed.etag, listed.modified_at
    row.state, row.reason, row.renamed_to, row.sha256, row.records_done = FileState.WAITING, "", "", "", 0
    row.message_id = _message_id(row.connection, row.place, listed, round_number=row.round)
    row.changed_at = at


def _message_id(connection: str, place: str, file: Listed, *, round_number: int) -> str:
    identity = "\n".join((connection, place, file.name, str(file.size), file.etag))
    return f"FILE-{hashlib.sha256(identity.encode()).hexdigest()[:32]}-{round_number}"


def _event(
    row: TransferredFile, *, to: FileState, run: FlowRun | None, at: dt.datetime, reason: str, by: str = "system"
) -> None:
    _events([row], to=to, run=run, at=at, reason=reason, by=by, before=row.state)


def _events(
    rows: Iterable[TransferredFile],
    *,
    to: FileState,
    run: FlowRun | None,
    at: dt.datetime,
    reason: str,
    by: str = "system",
    before: str = "",
) -> None:
    TransferredFileEvent.objects.bulk_create(
        TransferredFileEvent(
            file=row, run=run, from_state=before, to_state=to, at=at, by=by, reason=storable(reason)[:_REASON_LENGTH]
        )
        for row in rows
    )
