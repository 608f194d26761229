"""What flows with a file share about the rows of a segment."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from foundation.times import format_instant
from integration.flows.csv_rows import Row
from integration.flows.file_flow import FileFlow, RowError, SegmentWork


def row_errors(flow: FileFlow, work: SegmentWork) -> list[RowError]:
    """Give the rows of a segment that are not valid, as they were when the file came."""
    at = format_instant(work.clock())
    return [
        RowError(line=row.line, id=record_id(row), value=f"line {row.line}: {row.problem[1]}", at=at)
        for row in flow.refused(work.block, work.accepted)
        if row.problem is not None
    ]


def record_id(row: Row) -> str:
    """Give the row's recordId, or its line when it has none that can be used."""
    return row.values.get("recordId", "")[:120] or str(row.line)


def document_of(response: bytes | None) -> Any:
    """Give an answer as JSON; None when it is none."""
    try:
        return msgspec.json.decode(response or b"null")
    except msgspec.DecodeError:
        return None


def segment_key(work: SegmentWork, body: bytes) -> str:
    """Give the idempotency key of a call: the same for the same rows of the same segment, whoever sends them."""
    return f"{work.run.pk}/{work.segment.number}/{hashlib.sha256(body).hexdigest()[:16]}"
