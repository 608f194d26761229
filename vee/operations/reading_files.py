"""
Files of readings: stored before they are acknowledged, then loaded in chunks that each commit by themselves.

A load that is killed is taken up again where its last chunk ended: the counters of the file are committed together
with the IMDs they count, and a reader gives the same items in the same order each time.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
import uuid
from collections.abc import Callable
from typing import IO, Any

import structlog
from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import F, Q

from foundation import leases
from foundation.dispatch import after_commit
from vee import choices, models, readers
from vee.choices import ReadingFileStatus
from vee.operations import column_profiles, direct, file_content, imd_store, one_pass, processing
from vee.operations.file_rows import Registration, Registry


logger = structlog.get_logger(__name__)

CHUNK = 4_000
# A file of so many chunks is through in seconds. What is left to others takes twice as much, and they may have files
# of their own, or not be there.
CHUNKS_OF_ITS_OWN = 4
MAX_ERRORS = 1_000


class UnableToReceiveFile(ValueError):
    """A file cannot be taken in; `field` is the option at fault."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code


class FileTooLarge(UnableToReceiveFile):
    """The file has more bytes than `UPLOAD_MAX_BYTES`."""


class UnableToLoadFile(Exception):
    """The file cannot be loaded now."""


class FileIsBeingLoaded(UnableToLoadFile):
    """Somebody else holds the file's lease."""


class FileIsLoaded(UnableToLoadFile):
    """The file was loaded to its end before."""


class LeaseLost(UnableToLoadFile):
    """The lease ran out and somebody else took the file over; this load stopped without effect on its last chunk."""


def receive_file(
    *,
    name: str,
    stream: IO[bytes],
    format: str,  # noqa: A002  (the field's own word)
    at: dt.datetime,
    by: Any = None,
    auto_register: bool = False,
    component_type: str | None = None,
    wake: bool = True,
) -> models.ReadingFile:
    """
    Store a file and its row, committed when this returns, and wake its load unless the caller loads it itself.

    The content goes under a name of our own; the sender's name is only a label.

    :raises UnableToReceiveFile: when the format or its column profile is not known, or the type is missing or unknown.
    :raises FileTooLarge: when the file is over the limit; nothing is stored.
    """
    registration_type = _checked_options(format, auto_register=auto_register, component_type=component_type)
    measured = file_content.measure(stream, limit=settings.UPLOAD_MAX_BYTES)
    if measured is None:
        raise FileTooLarge("file", "too_large", f"The file is larger than {settings.UPLOAD_MAX_BYTES} bytes.")
    identifier = uuid.uuid4()
    row = models.ReadingFile(
        id=identifier,
        name=file_content.label(name),
        format=format,
        size=measured.size,
        sha256=measured.sha256,
        auto_register=auto_register,
        component_type=registration_type,
        layout=_layout(format),
        uploaded_by=by if getattr(by, "pk", None) else None,
    )
    with measured.rewound() as content:
        row.content.save(f"{identifier.hex}.dat", File(content), save=False)
    try:
        with transaction.atomic():
            row.save(force_insert=True)
            if wake:
                after_commit("vee.tasks.load_reading_file", file_id=str(identifier))
    except BaseException:
        # Without its row the content would lie in the storage for good.
        row.content.storage.delete(str(row.content.name))
        raise
    return row


def _checked_options(
    wanted: str, *, auto_register: bool, component_type: str | None
) -> models.MeasuringComponentType | None:
    try:
        readers.check_format(wanted)
    except readers.FormatUnknown as error:
        raise UnableToReceiveFile("format", "unknown_format", str(error)) from None
    if not component_type:
        if auto_register:
            raise UnableToReceiveFile("type", "required", "auto_register needs the type of new measuring components.")
        return None
    found = models.MeasuringComponentType.objects.filter(identifier=component_type).first()
    if found is None:
        raise UnableToReceiveFile("type", "unknown_type", f"There is no measuring component type {component_type!a}.")
    return found


def _layout(wanted: str) -> dict[str, Any] | None:
    code = readers.profile_of(wanted)
    if code is None:
        return None
    try:
        return column_profiles.layout_snapshot(code=code)
    except models.ColumnProfile.DoesNotExist:
        raise UnableToReceiveFile("format", "unknown_profile", f"There is no column profile {code}.") from None


def load_file(*, file_id: uuid.UUID | str, at: dt.datetime, onward: bool = False) -> models.ReadingFile:
    """
    Load a file to its end, in chunks of about 4,000 IMDs per transaction, and give it with its final status.

    With `onward` what can be put through VEE at once is, in the transaction that stores it (`one_pass`), except for
    those chunks of a file of many that other workers have time for.

    LOADED when every row was accepted, PARTIAL when some were, FAILED when none was. Loading it again after a kill
    doubles nothing; `at` is the time of the load, the lease is prolonged by the time that has passed since.

    :raises models.ReadingFile.DoesNotExist: when there is no such file.
    :raises FileIsBeingLoaded: :raises FileIsLoaded: when it cannot be claimed.
    :raises LeaseLost: when somebody else took it over meanwhile.
    """
    token = _claim(file_id=file_id, at=at)
    file = models.ReadingFile.objects.select_related("component_type").get(pk=file_id)
    return _Load(file, token=token, at=at, onward=onward).run()


def _claim(*, file_id: uuid.UUID | str, at: dt.datetime) -> str:
    token = secrets.token_hex(16)
    abandoned = Q(lease_until__lte=at) | leases.is_impossible(at)
    free = Q(status=ReadingFileStatus.RECEIVED) | Q(abandoned, status=ReadingFileStatus.LOADING)
    claimed = models.ReadingFile.objects.filter(free, pk=file_id).update(
        status=ReadingFileStatus.LOADING, lease_token=token, lease_until=at + leases.LEASE, attempts=F("attempts") + 1
    )
    if claimed:
        return token
    status = models.ReadingFile.objects.values_list("status", flat=True).get(pk=file_id)
    if status == ReadingFileStatus.LOADING:
        raise FileIsBeingLoaded(f"The reading file {file_id} is being loaded by another worker.")
    raise FileIsLoaded(f"The reading file {file_id} is {status}.")


class _Load:
    """One load of one file by the holder of its lease."""

    def __init__(self, file: models.ReadingFile, *, token: str, at: dt.datetime, onward: bool) -> None:
        self._file = file
        self._onward = onward
        self._chunks = 0
        self._token = token
        self._at = at
        self._begun = time.monotonic()
        self._layout = column_profiles.layout_of_snapshot(file.layout) if file.layout else None
        self._registry = Registry(Registration.of(file, layout=self._layout), at=at)
        self._errors = file.errors.count()
        self._imds: list[imd_store.NewImd] = []
        self._faults: list[readers.RowError] = []
        self._rows_in_chunk = 0

    def run(self) -> models.ReadingFile:
        message = ""
        try:
            with leases.kept(self._renew), self._file.content.open("rb") as stream:
                self._read(stream)
        except readers.FileUnreadable as error:
            message = error.message
        except FileNotFoundError:
            message = "The content of the file is no longer in the storage."
            logger.warning("reading_file_content_missing", reading_file=str(self._file.pk))
        self._commit(final=True, message=message)
        return self._file

    def _renew(self) -> None:
        held = models.ReadingFile.objects.filter(pk=self._file.pk, lease_token=self._token)
        held.update(lease_until=self._now + leases.LEASE)

    def _read(self, stream: IO[bytes]) -> None:
        to_skip = self._file.rows_read
        waiting: list[readers.Item] = []
        items = readers.open_reader(
            format=self._file.format,
            stream=stream,
            name=self._file.name,
            zone_of=self._registry.zone_of,
            clock_of=self._registry.clock_of,
            layout=self._layout,
        )
        for item in items:
            if to_skip >= item.rows:
                to_skip -= item.rows
                continue
            if to_skip:
                item = file_content.without_first_rows(item, to_skip)
                to_skip = 0
            waiting.append(item)
            if len(waiting) >= CHUNK:
                self._take_all(waiting)
        self._take_all(waiting)

    def _take_all(self, waiting: list[readers.Item]) -> None:
        """Take the items that wait, having looked up all their components at once."""
        self._registry.look_up(item.component for item in waiting if not isinstance(item, readers.RowError))
        for item in waiting:
            self._take(item)
            if self._rows_in_chunk >= CHUNK:
                self._commit()
        waiting.clear()

    def _take(self, item: readers.Item) -> None:
        file = self._file
        if not isinstance(item, readers.RowError):
            outcome = self._registry.prepare(item)
            if not isinstance(outcome, readers.RowError):
                self._imds += outcome
                file.rows_accepted += item.rows
                if isinstance(item, readers.IntervalReadings):
                    file.intervals += len(item.values)
                file.rows_read += item.rows
                self._rows_in_chunk += len(outcome)
                return
            item = outcome
        self._faults.append(item)
        file.rows_rejected += item.rows
        file.rows_read += item.rows
        self._rows_in_chunk += 1

    @property
    def _now(self) -> dt.datetime:
        return self._at + dt.timedelta(seconds=time.monotonic() - self._begun)

    def _commit(self, *, final: bool = False, message: str = "") -> None:
        # Others help with a file of many chunks: while one of them is idle, reading on is worth more than processing.
        onward = self._onward and (self._chunks < CHUNKS_OF_ITS_OWN or processing.something_waits())
        self._chunks += 1
        self._commit_chunk(one_pass.store_and_process if onward else imd_store.store, final=final, message=message)

    @transaction.atomic
    def _commit_chunk(self, store: Callable[..., Any], *, final: bool, message: str) -> None:
        file = self._file
        changes: dict[str, Any] = {
            name: getattr(file, name) for name in ("rows_read", "rows_accepted", "rows_rejected", "intervals")
        }
        changes["lease_until"] = self._now + leases.LEASE
        if final:
            changes.update(
                status=_final_status(file, message),
                message=message[:500],
                finished_at=self._now,
                lease_token="",
                lease_until=None,
            )
        held = models.ReadingFile.objects.filter(pk=file.pk, lease_token=self._token).update(**changes)
        if not held:
            raise LeaseLost(f"Another worker took the reading file {file.pk} over.")
        self._registry.create_components()
        records, imds = direct.process(
            records=self._registry.resolved(self._imds), by="system", at=self._at, reading_file=file
        )
        store(records=records, by="system", at=self._at, reading_file=file)
        imds += len(records)
        if imds:
            file.imds += imds
            models.ReadingFile.objects.filter(pk=file.pk).update(imds=file.imds)
        self._store_errors()
        for name, value in changes.items():
            setattr(file, name, value)
        self._imds, self._faults, self._rows_in_chunk = [], [], 0

    def _store_errors(self) -> None:
        kept = self._faults[: max(0, MAX_ERRORS - self._errors)]
        models.ReadingFileError.objects.bulk_create(
            [
                models.ReadingFileError(
                    file=self._file, line=fault.line, code=fault.code[:60], message=fault.message[:500]
                )
                for fault in kept
            ]
        )
        self._errors += len(kept)


def _final_status(file: models.ReadingFile, message: str) -> choices.ReadingFileStatus:
    if not file.rows_accepted:
        return ReadingFileStatus.FAILED
    if file.rows_rejected or message:
        return ReadingFileStatus.PARTIAL
    return ReadingFileStatus.LOADED
