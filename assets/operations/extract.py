"""
X1-SDCSE: the scores of all devices as a file, where the score flow looks for it (`integration.md` 3.9, 8.4).

The file is written here first and its totals are compared with those of the scores; only then it is placed, under a
`.part` name until it is whole. A rerun has the same batch number and the next rerun number, so a file never takes the
place of another one.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from assets import queries, score_queries
from assets.choices import BatchStatus
from assets.engine import score_rows
from assets.engine.score_rows import Packing, Row, Written
from assets.models import BatchRun, ControlScore
from assets.operations import batch_work, scoring
from assets.operations.batch_work import UnableToRunBatch, Work
from assets.operations.status import SYSTEM
from lookups.queries import config_property
from outbound import queries as outbound_queries
from outbound.choices import Transport
from outbound.models import Connection
from outbound.transports import store as stores
from outbound.transports.base import TransportError


BATCH = "X1-SDCSE"
CONNECTIONS = ("DACS_SFTP", "DACS_FTP", "DACS_OS")
"""Where the score flows look for files, in their order."""
CHUNK = 10_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where the file goes: a directory of this machine, or the place of a connection."""

    directory: Path | None
    connection: Connection | None
    place: str = ""
    namespace: str = ""

    def __str__(self) -> str:
        return str(self.directory) if self.connection is None else f"{self.connection.name} {self.place}".strip()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How the file looks."""

    prefix: str
    separator: str
    packing: Packing


def run(*, by: Any = SYSTEM, at: dt.datetime) -> BatchRun | None:
    """
    Extract the scores; give the run, None when the DACS side is switched off. Without any score no file is placed.

    :raises BatchInProgress: when a run is at work.
    """
    if not queries.is_on():
        return None
    with batch_work.running(batch_code=BATCH, by=by, at=at) as work:
        _extract(work, at=at)
    return work.run


def _extract(work: Work, *, at: dt.datetime) -> None:
    target, form = _target(), _form()
    scored = _scored()
    run = work.run
    name = score_rows.file_name(
        prefix=form.prefix, batch_number=run.batch_number, rerun_number=run.rerun_number, packing=form.packing
    )
    with tempfile.TemporaryFile() as file:
        written = score_rows.write(file, _rows(work), separator=form.separator, packing=form.packing, name=name, at=at)
        work.counts = {**dataclasses.asdict(written.totals), "bytes": written.size}
        _check(written, scored)
        if not written.totals.rows:
            return
        work.beat()
        _place(target, name, file, written)
    run.file_name, run.digest = name, written.digest
    work.counts["placed"] = str(target)


def _scored() -> BatchRun:
    """
    Give the run that the scores are from.

    :raises UnableToRunBatch: when it is at work or failed: the scores are of two runs then.
    """
    found = BatchRun.objects.filter(batch_code=scoring.BATCH).order_by("batch_number", "rerun_number").last()
    if found is None:
        raise UnableToRunBatch(f"There is nothing to extract: {scoring.BATCH} has never run.")
    if found.status != BatchStatus.COMPLETE:
        raise UnableToRunBatch(f"{found} is not complete ({found.get_status_display()}): run {scoring.BATCH} first.")
    return found


def _rows(work: Work) -> Iterator[Row]:
    last = 0
    while True:
        work.beat()
        found = (
            ControlScore.objects.filter(pk__gt=last)
            .order_by("pk")
            .values_list(
                "pk",
                "membership__device__device__identifier",
                "membership__device__nic_id",
                "membership__device__head_end_system__name",
                "program__code",
                "membership__subscription__usage_subscription__identifier",
                "score",
                "eligible",
                "reason",
                "communication_status",
                "event_count",
                "event_limit",
                "last_event_at",
                "scored_at",
            )[:CHUNK]
        )
        count = 0
        for pk, *values in found:
            last, count = pk, count + 1
            yield Row._make(values)
        if count < CHUNK:
            return


def _check(written: Written, scored: BatchRun) -> None:
    """
    Compare the file with the scores and with the run that made them.

    :raises UnableToRunBatch: when a total differs: somebody changed scores meanwhile.
    """
    of_file = dataclasses.asdict(written.totals)
    of_run = {
        "rows": scored.counts.get("devices"),
        "eligible": scored.counts.get("eligible"),
        "score_cents": scored.counts.get("score_cents"),
    }
    for what, expected in (("the scores", score_queries.totals()), (f"{scored}", of_run)):
        wrong = [
            f"{name} {of_file[name]} instead of {expected[name]}" for name in of_file if of_file[name] != expected[name]
        ]
        if wrong:
            raise UnableToRunBatch(
                f"The file was not placed: its totals differ from those of {what} ({', '.join(wrong)})."
            )


def _form() -> Form:
    separator = str(config_property("dacsSide.scoreExtract.separator")).strip().upper()
    packing = str(config_property("dacsSide.scoreExtract.packing")).strip().upper()
    if separator not in score_rows.SEPARATORS:
        raise UnableToRunBatch(
            f"Property dacsSide.scoreExtract.separator is {separator or 'empty'}: it has to be COMMA or TAB."
        )
    if packing not in {each.value for each in Packing}:
        raise UnableToRunBatch(
            f"Property dacsSide.scoreExtract.packing is {packing or 'empty'}: it has to be NONE, GZ or ZIP."
        )
    return Form(
        prefix=str(config_property("dacs.dvcScore.extract.filename.prefix")),
        separator=score_rows.SEPARATORS[separator],
        packing=Packing(packing),
    )


def _target() -> Target:
    local = str(config_property("dacsSide.scoreExtract.localDirectory")).strip()
    if local:
        directory = Path(local)
        if not directory.is_absolute() or not directory.is_dir():
            raise UnableToRunBatch(
                f"Property dacsSide.scoreExtract.localDirectory: {local} is no directory of this machine."
            )
        return Target(directory=directory, connection=None)
    connection = _connection(str(config_property("dacsSide.scoreExtract.connection")).strip())
    if connection.transport == Transport.OBJECT_STORAGE:
        return Target(
            directory=None,
            connection=connection,
            place=str(config_property("dacs.os.dvcScore.bucketname")),
            namespace=str(config_property("dacs.os.namespace")),
        )
    return Target(
        directory=None, connection=connection, place=str(config_property("dacs.dvcScore.ftp.input.directory"))
    )


def _connection(name: str) -> Connection:
    for candidate in [name] if name else CONNECTIONS:
        try:
            return outbound_queries.connection(candidate)
        except outbound_queries.UnknownConnection:
            continue
    wanted = f"named {name}" if name else f"named {' or '.join(CONNECTIONS)}"
    raise UnableToRunBatch(
        f"There is no connection {wanted}: make one, or name another in dacsSide.scoreExtract.connection."
    )


def _place(target: Target, name: str, file: IO[bytes], written: Written) -> None:
    """
    Put the file under its name, and see that the place kept all of it.

    :raises UnableToRunBatch: when it cannot be placed; no file of this name is there then.
    """
    try:
        kept = (
            _on_this_machine(target.directory, name, file) if target.directory else _away(target, name, file, written)
        )
    except (OSError, TransportError) as error:
        raise UnableToRunBatch(f"{name} could not be placed at {target}: {error}") from error
    if kept != written.size:
        raise UnableToRunBatch(f"{target} kept {kept} of the {written.size} bytes of {name}.")


def _on_this_machine(directory: Path, name: str, file: IO[bytes]) -> int:
    working, whole = directory / stores.partial_name(name), directory / stores.check_name(name)
    try:
        with working.open("xb") as copy:
            for chunk in _bytes(file):
                copy.write(chunk)
            copy.flush()
            os.fsync(copy.fileno())
        # A link is refused where the name is taken; a rename would overwrite.
        os.link(working, whole)
    finally:
        working.unlink(missing_ok=True)
    return whole.stat().st_size


def _away(target: Target, name: str, file: IO[bytes], written: Written) -> int:
    assert target.connection is not None  # noqa: S101  (narrows the type)
    with stores.open_store(target.connection, directory=target.place, namespace=target.namespace) as store:
        store.put(name, _bytes(file), size=written.size)
        return next((found.size for found in store.list(name) if found.name == name), 0)


def _bytes(file: IO[bytes]) -> Iterator[bytes]:
    file.seek(0)
    while chunk := file.read(score_rows.READ_BYTES):
        yield chunk
