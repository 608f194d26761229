"""
Messages with a file: known by `(drmsInstanceId, messageId)`, checked to the end, and stored before the 202.

The same message gets the original answer while it is worked on and after it went through; after a negative
acknowledgement it is a new attempt of the same run, which sends only what is missing.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
from typing import Any

import msgspec
import structlog
from django.core.files import File
from django.db import IntegrityError, transaction

from integration import queries
from integration.choices import UNFINISHED_STATES, AckType
from integration.flows import canonical, csv_blocks, csv_rows, run_payloads, runner
from integration.flows.attachments import Attachment
from integration.flows.contract import (
    ConfigurationMissing,
    FileRefused,
    Finding,
    MessageInProgress,
    MessageKeyReused,
    Reply,
)
from integration.flows.file_flow import FileFlow, FileKey
from integration.flows.run import Clock
from integration.models import Flow, FlowRun, StoredFile
from integration.operations import waking
from lookups.queries import UnknownLookup


logger = structlog.get_logger(__name__)

ACCEPTED_STATUS = 202


def receive(
    *,
    flow: Flow,
    packaged: FileFlow,
    document: Any,
    raw: bytes,
    attachment: Attachment,
    account: Any,
    correlation_id: str = "",
    clock: Clock,
) -> Reply:
    """
    Check a message with its file, store it, and give the answer; a worker goes on with it.

    :raises MessageRefused: when the request breaks the contract, or a value of it is in no lookup.
    :raises FileRefused: when the file as a whole is refused, or no row of it is valid.
    :raises MessageKeyReused: when the message came before with another request or file.
    :raises MessageInProgress: when the same message came at the same moment.
    :raises ConfigurationMissing: when a lookup that the flow needs is not there.
    """
    accepted = packaged.accept(document)
    key = packaged.key(accepted)
    digest = hashlib.sha256(f"{canonical.digest(document)}:{attachment.sha256}".encode()).hexdigest()
    earlier = _known(flow, key, digest)
    if earlier is not None:
        return _again(earlier, by=account.get_username(), at=clock())
    try:
        packaged.prepare(accepted, None)
    except UnknownLookup as error:
        raise ConfigurationMissing(str(error)) from None
    found = _scanned(packaged, accepted, key, attachment)
    stored = StoredFile(
        flow=flow,
        drms_instance_id=key.drms_instance_id,
        message_id=key.message_id,
        digest=digest,
        name=(key.file_name or attachment.name)[:255],
        size=attachment.size,
        sha256=attachment.sha256,
        rows=found.rows,
        refused_rows=found.refused,
    )
    at = clock()
    try:
        with transaction.atomic():
            row = runner.receive(
                flow=flow,
                body=raw,
                media_type="application/json",
                digest=digest,
                identifiers=packaged.identifiers(accepted),
                requested_by_id=account.pk,
                by=account.get_username(),
                reason="message received",
                correlation_id=correlation_id,
                leased=False,
                at=at,
            )
            stored.run, stored.received_at = row, at
            # The name on disk is ours; the sender's is a label.
            stored.content.save(f"{row.pk}.csv", File(attachment.stream), save=False)
            stored.save(force_insert=True)
            packaged.received(accepted, run=row, at=at)
            body = msgspec.json.encode(accepted_document(row, key.message_id))
            FlowRun.objects.filter(pk=row.pk).update(response_status=ACCEPTED_STATUS, progress_total=found.rows)
            run_payloads.keep_response(row, body, at=at)
            waking.wake_run(run_id=row.pk, flow=flow)
    except IntegrityError:
        _drop(stored)
        raise MessageInProgress(f"messageId {key.message_id} came a second time at the same moment.") from None
    except BaseException:
        _drop(stored)
        raise
    return Reply(status=ACCEPTED_STATUS, body=body, run_id=str(row.pk), location=address(row))


def accepted_document(row: FlowRun, message_id: str) -> dict[str, str]:
    """Give the body of a 202 (`integration.md` 2.4)."""
    return {"instanceId": str(row.pk), "messageId": message_id, "ackType": str(AckType.SUCCESS)}


def address(row: FlowRun) -> str:
    """Give where a run can be followed."""
    return f"/api/v1/flow-runs/{row.pk}/"


def accepted_again(row: FlowRun, flow: FileFlow) -> Any:
    """Read the stored request of a run once more."""
    return flow.accept(canonical.read(queries.stored_request(row.pk)))


def purge(*, at: dt.datetime) -> int:
    """
    Delete the contents of files that are older than their flow keeps payloads; give how many.

    The row stays, so that the message is still known. A run that has not ended keeps its file.
    """
    purged = 0
    for flow in Flow.objects.all():
        kept_since = at - dt.timedelta(days=flow.payload_retention_days)
        due = StoredFile.objects.filter(flow=flow, purged_at__isnull=True, received_at__lte=kept_since)
        for stored in due.exclude(run__state__in=UNFINISHED_STATES).iterator():
            with transaction.atomic():
                StoredFile.objects.filter(pk=stored.pk).update(purged_at=at)
                transaction.on_commit(functools.partial(_drop, stored))
            purged += 1
    return purged


def _known(flow: Flow, key: FileKey, digest: str) -> StoredFile | None:
    found = (
        StoredFile.objects.select_related("run__flow")
        .filter(flow=flow, drms_instance_id=key.drms_instance_id, message_id=key.message_id)
        .first()
    )
    if found is not None and found.digest != digest:
        message = f"messageId {key.message_id} of {key.drms_instance_id} came before with another request or file"
        raise MessageKeyReused(
            f"{message}. Nothing was stored.",
            findings=[Finding(pointer="/messageId", code="idempotency_key_reused", message=message)],
            message_id=key.message_id,
        )
    return found


def _again(stored: StoredFile, *, by: str, at: dt.datetime) -> Reply:
    row = stored.run
    body = msgspec.json.encode(accepted_document(row, stored.message_id))
    reply = Reply(status=ACCEPTED_STATUS, body=body, run_id=str(row.pk), repeated=True, location=address(row))
    if row.state in UNFINISHED_STATES or row.ack_type == AckType.SUCCESS:
        logger.info("message_repeated", flow=row.flow.name, run_id=str(row.pk))
        return reply
    if row.file_attempts.filter(ended_at__isnull=True).exists():
        # Its last attempt was ended by a person and is coming to rest: there will be an acknowledgement yet.
        return reply
    with transaction.atomic():
        if runner.requeue(row, by=by, reason="the message was sent again", at=at):
            waking.wake_run(run_id=row.pk, flow=row.flow)
            logger.info("message_resumed", flow=row.flow.name, run_id=str(row.pk))
    return reply


def _scanned(packaged: FileFlow, accepted: Any, key: FileKey, attachment: Attachment) -> csv_blocks.Scan:
    attachment.stream.seek(0)
    try:
        found = csv_blocks.scan(
            attachment.stream,
            layout=packaged.layout,
            refused=lambda block: packaged.refused(block, accepted),
            record_count=key.record_count,
        )
    except csv_rows.FileUnreadable as error:
        raise FileRefused(
            str(error),
            errors=[
                {
                    "pointer": f"/file/{error.line}" if error.line else "/file",
                    "code": error.code,
                    "message": str(error),
                    "line": error.line,
                    "column": error.column,
                }
            ],
            message_id=key.message_id,
        ) from None
    if not found.valid:
        raise FileRefused(
            f"Not one of the {found.rows} rows is valid.",
            errors=csv_rows.as_errors(found.faults),
            message_id=key.message_id,
        )
    attachment.stream.seek(0)
    return found


def _drop(stored: StoredFile) -> None:
    if stored.content.name:
        stored.content.storage.delete(stored.content.name)
