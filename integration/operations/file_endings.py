"""The end of an attempt at a file: one acknowledgement, queued in the transaction that ends it (C-24)."""

from __future__ import annotations

import datetime as dt

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q, Sum
from django.urls import reverse

from foundation.kept_texts import kept
from integration.choices import AckType, RunState, SegmentState
from integration.flows import applied_overlays, canonical, registry, run_payloads, runner, shared_steps
from integration.flows.contract import Fault
from integration.flows.csv_blocks import ERRORS_KEPT
from integration.flows.file_flow import AttemptResult, FileFlow
from integration.models import FileAttempt, FlowRun, RunTransition, Segment, StoredFile
from integration.operations import errors, file_attempts
from integration.operations.attachments import accepted_again
from integration.operations.flows import packaged_flow
from lookups.queries import config_property, recipients
from outbound.operations.mail import UnableToQueueMail, queue_mail
from outbound.operations.messages import queue_message
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)

# A person ended it and knows; DERMS is told, nobody is mailed.
ABORTED = "aborted"
COMPLETE_FLAG = "notification.email.process.complete.flag"
COMPLETE_RECIPIENT, SENDER = "to.process.notification", "from"


def end_if_done(row: FlowRun, *, flow: FileFlow, at: dt.datetime) -> bool:
    """
    End the open attempt of a run when nothing of it is on its way and nothing more will start; True when it is ended.

    Of several that ask at once one ends it: it queues the acknowledgement and tells people.
    """
    with transaction.atomic():
        attempt = FileAttempt.objects.select_for_update(of=("self",)).filter(run=row, ended_at__isnull=True).first()
        if attempt is None:
            return True
        current = FlowRun.objects.select_related("flow").get(pk=row.pk)
        if attempt.planned_at is None and current.state == RunState.IN_PROGRESS:
            return False
        if current.state != RunState.IN_PROGRESS and attempt.stopped_at is None:
            _stopped_by_its_end(current, attempt, at=at)
        if not _at_rest(current, attempt, at=at):
            return False
        result = _result(current, attempt, flow=flow, at=at)
        _end(current, attempt, result, flow=flow)
    _tell(current, result)
    return True


def aborted(row: FlowRun, *, by: str, reason: str, at: dt.datetime) -> None:
    """
    Stop the attempt of a run that a person ended: nothing more starts, and DERMS is told once all is at rest.

    A run that nobody had begun yet gets an attempt that ends at once, so that DERMS hears of it.
    """
    packaged = packaged_flow(registry.find(row.flow.identifier))
    if not isinstance(packaged, FileFlow):
        return
    fault = Fault(type=FaultType.TECHNICAL, code=ABORTED, reason=f"The run was ended by {by}: {reason.strip()}")
    if not FileAttempt.objects.filter(run=row, ended_at__isnull=True).exists():
        FileAttempt.objects.create(run=row, number=row.file_attempts.count() + 1, parallel=1, started_at=at)
    file_attempts.stop(run_ids=[row.pk], fault=fault, at=at)
    end_if_done(row, flow=packaged, at=at)


def _stopped_by_its_end(row: FlowRun, attempt: FileAttempt, *, at: dt.datetime) -> None:
    ended = RunTransition.objects.filter(run=row).order_by("-pk").first()
    reason = f"The run was ended by {ended.by}: {ended.reason}" if ended else "The run was ended."
    file_attempts.stop(run_ids=[row.pk], fault=Fault(type=FaultType.TECHNICAL, code=ABORTED, reason=reason), at=at)
    attempt.refresh_from_db()


def _at_rest(row: FlowRun, attempt: FileAttempt, *, at: dt.datetime) -> bool:
    """Whether no segment is on its way and none will start; segments that will not start are put to SKIPPED."""
    open_ones = Segment.objects.filter(run=row)
    if attempt.stopped_at is None:
        return not open_ones.filter(state__in=[SegmentState.PENDING, SegmentState.IN_PROGRESS]).exists()
    if open_ones.filter(state=SegmentState.IN_PROGRESS, lease_until__gt=at).exists():
        return False
    open_ones.filter(state=SegmentState.PENDING).update(state=SegmentState.SKIPPED)
    open_ones.filter(Q(lease_until__lte=at) | Q(lease_until__isnull=True), state=SegmentState.IN_PROGRESS).update(
        state=SegmentState.FAILED,
        lease_token="",
        lease_until=None,
        fault_type=FaultType.TECHNICAL,
        fault_code="abandoned",
        fault_reason=kept("The process that sent it ended without an answer"),
        finished_at=at,
    )
    return True


def _result(row: FlowRun, attempt: FileAttempt, *, flow: FileFlow, at: dt.datetime) -> AttemptResult:
    totals = Segment.objects.filter(run=row).aggregate(succeeded=Sum("succeeded"), refused=Sum("refused"))
    told: list[dict[str, object]] = []
    for found in Segment.objects.filter(run=row, refused__gt=0).order_by("number").values_list("errors", flat=True):
        told.extend(found[: ERRORS_KEPT - len(told)])
        if len(told) >= ERRORS_KEPT:
            break
    succeeded, refused = totals["succeeded"] or 0, totals["refused"] or 0
    fault = file_attempts.fault_of_attempt(attempt)
    record_count = StoredFile.objects.get(run=row).rows
    if fault is None and succeeded + refused < record_count:
        # Segments were skipped from outside, such as by a cancellation.
        fault = flow.why_not_now(accepted_again(row, flow), run=row) or Fault(
            type=FaultType.TECHNICAL, code="incomplete", reason="Not every segment was sent"
        )
    if fault is None and refused:
        plural = kept("row was") if refused == 1 else kept("rows were")
        fault = Fault(type=FaultType.BUSINESS, code="rows_refused", reason=f"{refused} {plural} refused")
        # Without a fault that stopped the attempt, a row that is no ERROR was one that an overlay failed on.
        failed = next((entry for entry in told if entry.get("code") == AckType.FAILURE), None)
        if failed is not None:
            reason = f"{fault.reason}, one of them because {failed['value']}"
            fault = Fault(type=FaultType.TECHNICAL, code=applied_overlays.FAULT_CODE, reason=reason)
    return AttemptResult(
        run=row,
        number=attempt.number,
        record_count=record_count,
        succeeded=succeeded,
        refused=refused,
        errors=told,
        fault=fault,
        at=at,
    )


def _end(row: FlowRun, attempt: FileAttempt, result: AttemptResult, *, flow: FileFlow) -> None:
    accepted = accepted_again(row, flow)
    acknowledgement = flow.acknowledge(accepted, result)
    message_id = f"{acknowledgement.message_type}-{row.pk}-{attempt.number}"
    FileAttempt.objects.filter(pk=attempt.pk, ended_at__isnull=True).update(
        ended_at=result.at,
        ack_type=acknowledgement.ack_type,
        ack_message_id=message_id,
        succeeded=result.succeeded,
        refused=result.refused,
    )
    queue_message(
        message_type=acknowledgement.message_type,
        external_system=acknowledgement.external_system,
        payload=acknowledgement.document,
        message_id=message_id,
        at=result.at,
    )
    body = canonical.write(acknowledgement.document)
    run_payloads.keep_response(row, body, label="acknowledgement", at=result.at)
    counts = {
        "SUCCESS": result.succeeded,
        "ERROR": result.refused,
        "NOT_SENT": max(result.record_count - result.succeeded - result.refused, 0),
    }
    segments = Segment.objects.filter(run=row)
    shared_steps.close_step(
        row,
        file_attempts.SEND_STEP,
        counts={
            "segments": segments.count(),
            **{str(state): segments.filter(state=state).count() for state in SegmentState},
            "rows": result.succeeded,
            "refused": result.refused,
        },
        fault=result.fault if result.fault and result.fault.code != "rows_refused" else None,
        warning=result.fault.reason if result.fault else "",
        at=result.at,
    )
    shared_steps.open_step(row, "Acknowledge to DERMS", at=result.at)
    shared_steps.close_step(
        row,
        "Acknowledge to DERMS",
        counts={"rows_told": len(acknowledgement.document.get("responses", ()))},
        fault=None,
        warning="",
        at=result.at,
    )
    flow.ended(accepted, result)
    runner.conclude(
        row,
        ack_type=acknowledgement.ack_type,
        counts={name: count for name, count in counts.items() if count},
        fault=result.fault,
        at=result.at,
    )


def _tell(row: FlowRun, result: AttemptResult) -> None:
    """Mail the people concerned; trouble with that never touches the run."""
    if result.fault is not None:
        if result.fault.code in ("event_cancelled", ABORTED):
            return
        errors.report(
            flow=row.flow,
            source=row.flow.identifier,
            fault=result.fault,
            run=row,
            business_too=True,
            at=result.at,
        )
        return
    errors.recovered(run=row, at=result.at)
    to, sender = recipients(COMPLETE_RECIPIENT), recipients(SENDER)
    if not config_property(COMPLETE_FLAG) or not to or not sender:
        logger.info("completion_not_mailed", run_id=str(row.pk))
        return
    file = StoredFile.objects.get(run=row)
    try:
        queue_mail(
            to=to,
            sender=sender[0],
            template="notice",
            context={
                "title": kept(f"{row.flow.display_name}: {file.name} is complete"),
                "lines": [f"All {result.record_count} rows of the file were processed."],
                "facts": {
                    **{identifier.name: identifier.value for identifier in row.identifiers.all()[:10]},
                    "File": file.name,
                    "Rows": str(result.record_count),
                },
                "link": _address(row),
            },
            at=result.at,
        )
    except UnableToQueueMail:
        logger.exception("completion_not_mailed", run_id=str(row.pk))


def _address(row: FlowRun) -> str:
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse('admin:integration_flowrun_change', args=[row.pk])}"
