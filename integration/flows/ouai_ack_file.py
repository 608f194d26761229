"""
OUAI's enrollment acknowledgement file, row by row, as what F1-SyncRequest takes (`integration.md` 3.11).

Plain Python.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from integration.flows.score_file import MAX_LINE, rows_of


# Below the base address of DACS.
SYNC_REQUEST_PATH = "/rest/apis/common/sync/syncRequest"
REQUIRED_COLUMNS = ("syncRequestId", "status")
SYNC_REQUEST_ID_LENGTH = 14
_COMMENT_LENGTH = 254
_PARAMETER_LENGTH = 2000


class FileUnreadable(ValueError):
    """The file as a whole cannot be read: it is no UTF-8, no table, or lacks a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AckRecord:
    """One row; `problem` says why it cannot be sent."""

    line: int
    sync_request_id: str
    succeeded: bool = False
    error_code: str = ""
    error_message: str = ""
    problem: str = ""


def read(content: IO[bytes]) -> Iterator[AckRecord]:
    """
    Give the rows from the start of the file, in constant memory; the file stays open.

    :raises FileUnreadable: saying where and why.
    """
    content.seek(0)
    text = io.TextIOWrapper(content, encoding="utf-8-sig", newline="")
    line = 1
    try:
        rows = rows_of(iter(lambda: text.readline(MAX_LINE + 1), ""))
        _, header = next(rows, (1, []))
        missing = [column for column in REQUIRED_COLUMNS if column not in header]
        if missing:
            raise FileUnreadable(f"The header lacks {', '.join(missing)}.")
        for line, cells in rows:
            yield _record(line, header, cells)
    except UnicodeDecodeError:
        raise FileUnreadable(f"It is not UTF-8 after line {line}.") from None
    except csv.Error as error:
        raise FileUnreadable(f"It cannot be read after line {line}: {error}.") from None
    finally:
        text.detach()


def sync_request(record: AckRecord, *, category: int, number: int) -> dict[str, Any]:
    """Give the document for a record that has no problem; an error carries OUAI's code and sentence as parameters."""
    if record.succeeded:
        return {"syncRequestId": record.sync_request_id, "hasError": False, "exceptionInfo": [], "externalIds": []}
    comment = record.error_message or record.error_code or "OUAI reported an error"
    parameters = [
        {"parameterSequence": sequence, "messageParameterValue": value[:_PARAMETER_LENGTH]}
        for sequence, value in ((1, record.error_code), (2, record.error_message))
    ]
    return {
        "syncRequestId": record.sync_request_id,
        "hasError": True,
        "exceptionInfo": [
            {
                "sequence": 1,
                "messageCategory": category,
                "messageNumber": number,
                "comments": f"OUAI: {comment}"[:_COMMENT_LENGTH],
                "messageParameters": parameters,
            }
        ],
        "externalIds": [],
    }


def _record(line: int, header: list[str], cells: list[str]) -> AckRecord:
    if len(cells) != len(header):
        problem = f"it has {len(cells)} cells, the header {len(header)}"
        return AckRecord(line=line, sync_request_id="", problem=problem)
    row = dict(zip(header, cells, strict=True))
    sync_request_id, status = row["syncRequestId"], row["status"].upper()
    problem = ""
    if not sync_request_id or len(sync_request_id) > SYNC_REQUEST_ID_LENGTH:
        problem = f"syncRequestId has 1 to {SYNC_REQUEST_ID_LENGTH} characters"
    elif not (sync_request_id.isascii() and sync_request_id.isalnum()):
        problem = "syncRequestId holds letters and digits only"
    elif status not in ("SUCCESS", "ERROR"):
        problem = f"the status {row['status'][:40]!r} is neither SUCCESS nor ERROR"
    return AckRecord(
        line=line,
        sync_request_id=sync_request_id[:SYNC_REQUEST_ID_LENGTH],
        succeeded=status == "SUCCESS",
        error_code=row.get("errorCode", ""),
        error_message=row.get("errorMessage", ""),
        problem=problem,
    )
