"""Requeue: a file that was not sent gets its old name back, and the next run takes it (`integration.md` 3.9)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from integration import queries
from integration.choices import FileState
from integration.flows import registry
from integration.flows.scheduled import ScheduledFlow
from integration.models import TransferredFile
from integration.operations import file_transfers
from integration.operations.flows import packaged_flow
from lookups.queries import UnableToReadProperty, UnknownLookup
from outbound import queries as outbound_queries
from outbound.transports import store as stores
from outbound.transports.base import TransportError


logger = structlog.get_logger(__name__)

MAX_FILES = 1000
"""How many files one call takes: somebody waits while their places are asked."""


class UnableToRequeue(Exception):
    """The file cannot be put back now, and the text says why; nothing was changed."""


def requeue(*, file_id: int, by: str, reason: str = "", at: dt.datetime) -> TransferredFile:
    """
    Put a file that was not sent back into its queue.

    A person may have renamed it at the place already: then only the ledger learns of it.

    :raises UnknownFile: when the ledger has none of this id.
    :raises UnableToRequeue: when it is not one that was not sent, or its place refuses.
    """
    file = queries.transferred_file(file_id)
    if file.state != FileState.ERROR:
        raise UnableToRequeue(
            f"{file.name} is {file.get_state_display().lower()}: only a file that was not sent is put back."
        )
    if file.renamed_to:
        _give_old_name_back(file)
    why = f"requeued: {reason.strip()}" if reason.strip() else "requeued"
    file_transfers.put_back(file=file, by=by, reason=why, at=at)
    logger.info("file_requeued", file=file.pk, by=by)
    return queries.transferred_file(file_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What became of one file: `done`, `refused` with the reason, `unknown`, or `failed`."""

    file_id: int
    outcome: str
    message: str = ""


def requeue_many(*, file_ids: Sequence[int], by: str, reason: str, at: dt.datetime) -> list[FileResult]:
    """
    Put files back into their queues, each by itself; give a result per file, in the order in which they were named.

    :raises UnableToRequeue: when more than 1,000 files are named; nothing is done then.
    """
    wanted = list(dict.fromkeys(file_ids))
    if len(wanted) > MAX_FILES:
        raise UnableToRequeue(f"{len(wanted)} files were named; one call takes {MAX_FILES}.")
    return [_requeue_one(file_id, by=by, reason=reason, at=at) for file_id in wanted]


def _requeue_one(file_id: int, *, by: str, reason: str, at: dt.datetime) -> FileResult:
    try:
        requeue(file_id=file_id, by=by, reason=reason, at=at)
    except queries.UnknownFile as error:
        return FileResult(file_id=file_id, outcome="unknown", message=str(error))
    except UnableToRequeue as error:
        return FileResult(file_id=file_id, outcome="refused", message=str(error))
    except Exception as error:
        # Whatever it is, it is about this file and its place; the others wait for their turn.
        logger.exception("file_requeue_failed", file=file_id)
        return FileResult(file_id=file_id, outcome="failed", message=f"It went wrong ({type(error).__name__}).")
    return FileResult(file_id=file_id, outcome="done")


def _give_old_name_back(file: TransferredFile) -> None:
    try:
        connection = outbound_queries.connection(file.connection)
        with stores.open_store(connection, directory=file.place, namespace=_namespace(file), by_hand=True) as store:
            try:
                store.rename(file.renamed_to, file.name)
            except (stores.FileVanished, stores.NameTaken):
                if not any(listed.name == file.name for listed in store.list(file.name)):
                    raise
    except stores.FileVanished:
        raise UnableToRequeue(f"{file.renamed_to} is no longer there.") from None
    except (outbound_queries.UnknownConnection, UnknownLookup, UnableToReadProperty, TransportError) as error:
        raise UnableToRequeue(str(error)) from error


def _namespace(file: TransferredFile) -> str:
    flow = packaged_flow(registry.find(file.flow.identifier))
    return flow.source().namespace if isinstance(flow, ScheduledFlow) else ""
