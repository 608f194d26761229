"""The score file that X1-SDCSE writes (`integration.md` 3.9): its columns, its name, and totals that control it."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import IO, Any, NamedTuple


COLUMNS = (
    "recordId", "deviceId", "nicId", "headEndSystem", "programCode", "programSubscriptionId", "controlScore",
    "eligible", "ineligibilityReason", "communicationStatus", "cycleEventCount", "cycleEventLimit",
    "lastEventDateTime", "scoreDateTime",
)  # fmt: skip
SEPARATORS = {"COMMA": ",", "TAB": "\t"}
READ_BYTES = 1 << 20


class Packing(StrEnum):
    """How the file is packed."""

    NONE = "NONE"
    GZ = "GZ"
    ZIP = "ZIP"


class Row(NamedTuple):
    """One device in a subscription."""

    device: str
    nic_id: str
    head_end: str
    program: str
    subscription: str
    score: Decimal
    eligible: bool
    reason: str
    communication: str
    events: int
    limit: int
    last_event_at: dt.datetime | None
    scored_at: dt.datetime


@dataclass(slots=True, kw_only=True)
class Totals:
    """What the rows of a file add up to; scores in cents."""

    rows: int = 0
    eligible: int = 0
    score_cents: int = 0

    def add(self, row: Row) -> None:
        """Count a row."""
        self.rows += 1
        self.eligible += row.eligible
        self.score_cents += int(row.score * 100)


@dataclass(slots=True, kw_only=True)
class Written:
    """A file that was written: its totals, its size, and the SHA-256 of its bytes."""

    totals: Totals = field(default_factory=Totals)
    size: int = 0
    digest: str = ""


def file_name(*, prefix: str, batch_number: int, rerun_number: int, packing: Packing) -> str:
    """Give the name of an extract's file."""
    return f"{prefix}_{batch_number:04}_{rerun_number:02}.csv{suffix(packing)}"


def suffix(packing: Packing) -> str:
    """Give the ending of a packed file's name."""
    return "" if packing is Packing.NONE else f".{packing.lower()}"


def write(
    file: IO[bytes], rows: Iterable[Row], *, separator: str, packing: Packing, name: str, at: dt.datetime
) -> Written:
    """Write the rows to an empty file that can be read again, in constant memory; a row is numbered as it comes."""
    written = Written()
    with _packed(file, packing, name=name, at=at) as raw:
        text = io.TextIOWrapper(raw, encoding="utf-8", newline="", write_through=False)
        writer = csv.writer(text, delimiter=separator, lineterminator="\n")
        writer.writerow(COLUMNS)
        for row in rows:
            written.totals.add(row)
            writer.writerow(_cells(written.totals.rows, row))
        text.flush()
        text.detach()
    file.flush()
    digest = hashlib.sha256()
    file.seek(0)
    for chunk in iter(lambda: file.read(READ_BYTES), b""):
        digest.update(chunk)
        written.size += len(chunk)
    written.digest = digest.hexdigest()
    return written


@contextmanager
def _packed(file: IO[bytes], packing: Packing, *, name: str, at: dt.datetime) -> Iterator[Any]:
    inside = name.removesuffix(suffix(packing))
    if packing is Packing.GZ:
        with gzip.GzipFile(filename=inside, mode="wb", fileobj=file, mtime=int(at.timestamp())) as raw:
            yield raw
    elif packing is Packing.ZIP:
        entry = zipfile.ZipInfo(inside, date_time=at.timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        with zipfile.ZipFile(file, "w") as archive, archive.open(entry, "w", force_zip64=True) as raw:
            yield raw
    else:
        yield _Unclosed(file)


class _Unclosed(io.RawIOBase):
    """A file that whoever writes to it cannot close."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)


def _cells(number: int, row: Row) -> tuple[Any, ...]:
    return (
        number,
        row.device,
        row.nic_id,
        row.head_end,
        row.program,
        row.subscription,
        f"{row.score:.2f}",
        "Y" if row.eligible else "N",
        row.reason,
        row.communication,
        row.events,
        row.limit,
        "" if row.last_event_at is None else _instant(row.last_event_at),
        _instant(row.scored_at),
    )


def _instant(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
