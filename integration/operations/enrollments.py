"""Writes of the enrollment ledger: each messageId is sent once, and answered the same ever after."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import IntegrityError, transaction

from foundation.bulk_writes import update_each
from integration.choices import SETTLED_RECORD_STATES, UNFINISHED_STATES, RecordState
from integration.flows.contract import Finding, MessageInProgress, MessageKeyReused
from integration.flows.enrollment_payload import CheckedRecord
from integration.models import EnrollmentRecord, FlowRun


def known_records(*, flow_id: int, records: Sequence[CheckedRecord], at: dt.datetime) -> dict[str, EnrollmentRecord]:
    """
    Give what the ledger holds of these records, by messageId.

    :raises MessageKeyReused: when a messageId came before with another body.
    :raises MessageInProgress: when a live run is working on one of them.
    """
    known = {
        row.message_id: row
        for row in EnrollmentRecord.objects.select_related("run").filter(
            flow_id=flow_id, message_id__in=[record.message_id for record in records if record.message_id]
        )
    }
    reused = [
        record for record in records if record.message_id in known and known[record.message_id].digest != record.digest
    ]
    if reused:
        raise MessageKeyReused(
            f"messageId {reused[0].message_id} came before with another body. Nothing was stored.",
            findings=[
                Finding(
                    pointer=f"/params/{record.position}/messageId",
                    code="idempotency_key_reused",
                    message=f"messageId {record.message_id} came before with another body",
                )
                for record in reused
            ],
            message_id=reused[0].message_id,
        )
    for row in known.values():
        if row.state == RecordState.IN_PROGRESS and _is_alive(row.run, at):
            raise MessageInProgress(f"messageId {row.message_id} is being worked on by run {row.run_id}.")
    return known


def claim_records(
    *, flow_id: int, run_id: uuid.UUID, records: Sequence[CheckedRecord], again: bool, at: dt.datetime
) -> None:
    """
    Take the records that are new, or that failed before, for a run.

    With `again` (a replay) refused records are taken too; what is a SUCCESS stays one, whatever the replay gives.

    :raises MessageKeyReused: when a messageId came before with another body.
    :raises MessageInProgress: when another run holds one of them, also one that took it just now.
    """
    valid = [record for record in records if record.valid]
    with transaction.atomic():
        known = known_records(flow_id=flow_id, records=records, at=at)
        for record in valid:
            row = known.get(record.message_id)
            if row is None or row.state == RecordState.SUCCESS or (row.state == RecordState.ERROR and not again):
                continue
            taken = EnrollmentRecord.objects.filter(pk=row.pk, state=row.state, run_id=row.run_id).update(
                state=RecordState.IN_PROGRESS, run_id=run_id, position=record.position, received_at=at
            )
            if not taken:
                raise MessageInProgress(f"messageId {record.message_id} was taken by another run just now.")
        try:
            with transaction.atomic():
                EnrollmentRecord.objects.bulk_create(
                    EnrollmentRecord(
                        flow_id=flow_id,
                        message_id=record.message_id,
                        digest=record.digest,
                        run_id=run_id,
                        position=record.position,
                        received_at=at,
                    )
                    for record in valid
                    if record.message_id not in known
                )
        except IntegrityError:
            raise MessageInProgress("Another request with one of these messageIds came at the same time.") from None


def settle_records(*, run: FlowRun, answers: Mapping[str, Mapping[str, Any]], at: dt.datetime) -> int:
    """Write the results of records, by messageId, that are (still) this run's; give how many those are."""
    return update_each(
        EnrollmentRecord,
        {
            message_id: {
                "state": answer["responseCode"],
                "response_code": answer["responseCode"],
                "answer_id": answer["id"][:120],
                "answer_value": answer["value"][:1000],
                "answer": dict(answer),
                "answered_at": at,
            }
            for message_id, answer in answers.items()
        },
        key="message_id",
        only={"flow": run.flow_id, "run": run.pk, "state": RecordState.IN_PROGRESS},
    )


def release_records(*, run_id: uuid.UUID, at: dt.datetime) -> int:
    """Put what an ended run left open to FAILURE, so that it is tried again when it comes again."""
    return EnrollmentRecord.objects.filter(run_id=run_id, state=RecordState.IN_PROGRESS).update(
        state=RecordState.FAILURE, response_code=RecordState.FAILURE, answered_at=at
    )


def settled_answers(*, flow_id: int, message_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Give the stored answers of records that are settled, by messageId."""
    rows = EnrollmentRecord.objects.filter(flow_id=flow_id, message_id__in=message_ids, state__in=SETTLED_RECORD_STATES)
    return {row.message_id: row.answer for row in rows if row.answer}


def is_settled(record: EnrollmentRecord | None) -> bool:
    """Whether a record has its final answer: only FAILURE, and what is unknown, is sent (again)."""
    return record is not None and record.state in SETTLED_RECORD_STATES


def _is_alive(run: FlowRun, at: dt.datetime) -> bool:
    # A run without a lease waits for a worker, such as a replay.
    return run.state in UNFINISHED_STATES and (run.lease_until is None or run.lease_until > at)
