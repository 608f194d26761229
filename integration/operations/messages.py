"""Taking messages in, and working on runs."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from django.db import transaction

from integration import control_queries, queries
from integration.choices import Pattern, RunState
from integration.flows import canonical, registry, run_payloads, runner
from integration.flows.attachments import Attachment
from integration.flows.contract import Fault, FileMissing, Outcome, PackagedFlow, Reply
from integration.flows.file_flow import FileFlow
from integration.flows.run import Clock, Run
from integration.models import Flow, FlowRun
from integration.operations import (
    attachments,
    enrollments,
    errors,
    file_attempts,
    file_endings,
    housekeeping,
    waking,
)
from integration.operations.flows import FlowNotAvailable, flow_of, packaged_flow
from outbound.retry import FaultType


logger = structlog.get_logger(__name__)


class FlowUnknown(LookupError):
    """There is no such flow, or it is not served at this address."""


class FlowNotActive(Exception):
    """The flow is switched off."""


class FlowPaused(Exception):
    """The flow is paused, and its callers wait for an answer: they may come again later."""


def handle_message(
    *,
    identifier: str,
    uri: str,
    document: Any,
    raw: bytes,
    media_type: str,
    account: Any,
    correlation_id: str = "",
    attachment: Attachment | None = None,
    clock: Clock,
) -> Reply:
    """
    Take a message, store it, work on it, and give the answer.

    The request is committed before the target is called. The same message gets the original answer again.

    :raises FlowUnknown: when there is none, or it is not served there.
    :raises FlowNotAvailable: when this version cannot run it.
    :raises FlowNotActive: when it is switched off.
    :raises FlowPaused: when a request/response flow is paused; other flows keep the message until it ends.
    :raises MessageRefused: when the message breaks the contract as a whole; nothing is stored.
    :raises MessageKeyReused: when a business key came before with another body; nothing is stored.
    :raises MessageInProgress: when the same message is being worked on.
    :raises FileMissing: when the flow takes a message with a file and this is none, or the other way round.
    :raises FileRefused: when the file is refused as a whole.
    :raises ConfigurationMissing: when a flow that takes a file lacks a lookup.
    """
    flow, packaged = _callable_flow(identifier, uri)
    if isinstance(packaged, FileFlow):
        if attachment is None:
            raise FileMissing(f"{flow.display_name} takes a message with a file, as multipart/form-data or mixed.")
        return attachments.receive(
            flow=flow,
            packaged=packaged,
            document=document,
            raw=raw,
            attachment=attachment,
            account=account,
            correlation_id=correlation_id,
            clock=clock,
        )
    if attachment is not None:
        raise FileMissing(f"{flow.display_name} takes a JSON message without a file.")
    accepted = packaged.accept(document)
    at = clock()
    digest = canonical.digest(document)
    housekeeping.end_abandoned(at=at)
    earlier = packaged.recall(accepted, flow_id=flow.pk, digest=digest, at=at)
    if earlier is not None:
        logger.info("message_repeated", flow=flow.name, run_id=earlier.run_id)
        return earlier
    deferred = registry.find(flow.identifier).deferred
    with transaction.atomic():
        row = runner.receive(
            flow=flow,
            body=raw,
            media_type=media_type,
            digest=digest,
            identifiers=packaged.identifiers(accepted),
            requested_by_id=account.pk,
            by=account.get_username(),
            reason="message received",
            correlation_id=correlation_id,
            leased=not deferred,
            at=at,
        )
        packaged.claim(accepted, run_id=row.pk, flow_id=flow.pk, again=False, at=at)
        if deferred:
            return _accepted(row, packaged.identifiers(accepted), at=at)
    return _work(row, packaged, accepted, clock=clock)


def execute(*, run_id: uuid.UUID, clock: Clock) -> Reply | None:
    """
    Work on a run that waits, such as a replay; None when it is not waiting any more, or its flow is held.

    :raises UnknownRun: when there is no such run.
    """
    row = FlowRun.objects.select_related("flow").filter(pk=run_id).first()
    if row is None:
        raise queries.UnknownRun(f"There is no flow run {run_id}.")
    if row.state != RunState.RECEIVED:
        logger.info("run_not_waiting", run_id=str(run_id), state=row.state)
        return None
    if control_queries.is_held(row.flow):
        logger.info("run_held", run_id=str(run_id), flow=row.flow.name)
        return None
    packaged = packaged_flow(registry.find(row.flow.identifier))
    if isinstance(packaged, FileFlow):
        _begin(row, packaged, clock=clock)
        return None
    accepted = packaged.accept(canonical.read(queries.stored_request(row.pk)))
    try:
        return _work(row, packaged, accepted, clock=clock)
    except runner.RunTakenAway:
        logger.info("run_not_waiting", run_id=str(run_id))
        return None


def _accepted(row: FlowRun, identifiers: Sequence[tuple[str, str]], *, at: dt.datetime) -> Reply:
    """Answer 202 to the caller of a one-way flow; a worker goes on with the run."""
    message_id = next((value for name, value in identifiers if name == "messageId"), "")
    body = msgspec.json.encode(attachments.accepted_document(row, message_id))
    FlowRun.objects.filter(pk=row.pk).update(response_status=attachments.ACCEPTED_STATUS)
    run_payloads.keep_response(row, body, at=at)
    waking.wake_run(run_id=row.pk, flow=row.flow)
    return Reply(status=attachments.ACCEPTED_STATUS, body=body, run_id=str(row.pk), location=attachments.address(row))


def _begin(row: FlowRun, packaged: FileFlow, *, clock: Clock) -> None:
    with runner.bound(row):
        try:
            file_attempts.begin(row, flow=packaged, clock=clock)
        except runner.RunTakenAway:
            logger.info("run_not_waiting", run_id=str(row.pk))
            return
        file_endings.end_if_done(row, flow=packaged, at=clock())


def _work(row: FlowRun, packaged: PackagedFlow, accepted: Any, *, clock: Clock) -> Reply:
    with runner.bound(row):
        run = runner.start(row, clock=clock)
        try:
            outcome = packaged.run(run, accepted)
            body = msgspec.json.encode(outcome.document)
            runner.finish(
                run,
                status=outcome.status,
                response=body,
                ack_type=outcome.ack_type,
                counts=outcome.counts,
                fault=outcome.fault,
            )
        except Exception as error:
            # Whatever it was, the run must not stay open and people must hear of it; the caller gets the 500.
            logger.exception("run_failed_with_a_defect")
            _fail_defect(run, error)
            raise
        finally:
            enrollments.release_records(run_id=row.pk, at=clock())
        _report(run, outcome)
        return Reply(status=outcome.status, body=body, run_id=str(row.pk))


def _fail_defect(run: Run, error: Exception) -> None:
    fault = Fault(type=FaultType.TECHNICAL, code=type(error).__name__, reason=f"{type(error).__name__}: {error}"[:1000])
    at = run.clock()
    runner.fail(run.row, fault=fault, at=at)
    errors.report(flow=run.row.flow, source=run.row.flow.identifier, fault=fault, run=run.row, at=at)


def _report(run: Run, outcome: Outcome) -> None:
    if outcome.fault is not None and outcome.notify:
        errors.report(
            flow=run.row.flow, source=run.row.flow.identifier, fault=outcome.fault, run=run.row, at=run.clock()
        )


def _callable_flow(identifier: str, uri: str) -> tuple[Flow, PackagedFlow]:
    try:
        declaration = registry.find(identifier)
    except registry.UnknownFlow as error:
        raise FlowUnknown(str(error)) from None
    if not declaration.serves(uri):
        raise FlowUnknown(f"{declaration.display_name} is not served at {uri or 'this address'}.")
    if not declaration.available:
        raise FlowNotAvailable(f"{declaration.display_name} is not available in this version.")
    flow = flow_of(declaration)
    if not flow.active:
        raise FlowNotActive(f"{declaration.display_name} is not active. It can be activated in the admin.")
    paused = control_queries.pauses_of(flow) if flow.pattern == Pattern.SYNC else []
    if paused:
        raise FlowPaused(f"{declaration.display_name} is paused: {paused[0].reason}")
    return flow, packaged_flow(declaration)
