"""What people do with runs: replay, resubmit, abort, discard, restore."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django_fsm import can_proceed

from integration import queries
from integration.choices import UNFINISHED_STATES, Pattern, ResubmitMode, RunKind, RunState
from integration.flows import canonical, registry, runner
from integration.flows.contract import MessageInProgress, MessageKeyReused, MessageRefused, PackagedFlow
from integration.flows.file_flow import FileFlow
from integration.models import FlowRun, RunTransition
from integration.operations import cancellations, enrollments, file_attempts, file_endings, statistics, waking
from integration.operations.flows import packaged_flow


class UnableToAct(Exception):
    """What was asked is not possible with this run."""


class StateDoesNotAllow(UnableToAct):
    """The run's state does not allow it."""


class ReasonMissing(UnableToAct):
    """The action wants a reason."""


class NotRepeatable(UnableToAct):
    """The pattern of the flow, or its target, does not allow the message to go once more in this way."""


def replay(*, run_id: uuid.UUID, by: AbstractBaseUser, reason: str, at: dt.datetime) -> FlowRun:
    """
    Send the message of an ended run of a request/response flow to its target once more; the reply goes nowhere.

    Gives the new run, which a worker takes. Only for a flow whose target takes the same message twice as one.

    :raises UnableToAct: its subclasses say why it cannot be replayed.
    :raises UnknownRun: when there is none.
    """
    _refuse_without(reason)
    with transaction.atomic():
        original = _locked(run_id)
        if original.flow.pattern != Pattern.SYNC:
            raise NotRepeatable(f"{original.flow} is not request/response: resubmit it instead.")
        if not original.flow.idempotent:
            raise NotRepeatable(f"{original.flow} is not idempotent: its target would take the message twice.")
        if original.state not in (RunState.SUCCEEDED, RunState.FAILED, RunState.ABORTED):
            raise StateDoesNotAllow(f"A run that is {original.get_state_display().lower()} cannot be replayed.")
        _refuse_while_repeated(original)
        body = _request(original)
        packaged, accepted = _accepted_again(original, body)
        row = runner.receive(
            flow=original.flow,
            kind=RunKind.REPLAY,
            parent=original,
            body=body,
            media_type="application/json",
            digest=original.body_digest,
            identifiers=packaged.identifiers(accepted),
            requested_by_id=by.pk,
            by=by.get_username(),
            reason=reason,
            leased=False,
            at=at,
        )
        try:
            packaged.claim(accepted, run_id=row.pk, flow_id=original.flow_id, again=True, at=at)
        except (MessageInProgress, MessageKeyReused) as error:
            raise StateDoesNotAllow(str(error)) from None
        waking.wake_run(run_id=row.pk, flow=row.flow)
    return row


def resubmit(
    *,
    run_id: uuid.UUID,
    by: AbstractBaseUser,
    reason: str,
    mode: ResubmitMode = ResubmitMode.FAILED_STEP,
    at: dt.datetime,
) -> FlowRun:
    """
    Put a failed run of a one-way or scheduled flow to work again.

    A run with a file goes on with what is missing; with mode START everything of it is sent again.

    :raises NotRepeatable: for a request/response flow, whose caller is gone: that one is replayed.
    :raises UnableToAct: when the state does not allow it, or the request is gone.
    :raises UnknownRun: when there is none.
    """
    _refuse_without(reason)
    with transaction.atomic():
        row = _locked(run_id)
        if row.flow.pattern == Pattern.SYNC:
            raise NotRepeatable(
                f"{row.flow} is request/response: its caller has its answer already, so it cannot be resubmitted. "
                "Use replay: it sends the message to the target once more and discards the reply."
            )
        _request(row)
        _change(row, "requeue", by=by, reason=reason, at=at)
        packaged = packaged_flow(registry.find(row.flow.identifier))
        if mode == ResubmitMode.START and isinstance(packaged, FileFlow):
            file_attempts.reset(row, flow=packaged, at=at)
        waking.wake_run(run_id=row.pk, flow=row.flow)
    return row


def abort(*, run_id: uuid.UUID, by: AbstractBaseUser, reason: str, at: dt.datetime) -> FlowRun:
    """
    End a run that waits or works; what was sent stays sent, and its caller gets the answers that there are.

    :raises UnableToAct: when the state does not allow it, or the reason is missing.
    :raises UnknownRun: when there is none.
    """
    _refuse_without(reason)
    with transaction.atomic():
        row = _locked(run_id)
        waiting = row.state == RunState.RECEIVED
        _change(row, "abort", by=by, reason=reason, at=at, ended=True)
        file_endings.aborted(row, by=by.get_username(), reason=reason, at=at)
        if waiting:
            enrollments.release_records(run_id=row.pk, at=at)
            cancellations.release(run_id=row.pk, at=at)
    return row


def discard(*, run_id: uuid.UUID, by: AbstractBaseUser, reason: str, at: dt.datetime) -> FlowRun:
    """
    Put a failed or aborted run aside; `restore` brings it back.

    :raises UnableToAct: when the state does not allow it, or the reason is missing.
    :raises UnknownRun: when there is none.
    """
    _refuse_without(reason)
    with transaction.atomic():
        row = _locked(run_id)
        _change(row, "discard", by=by, reason=reason, at=at)
    return row


def restore(*, run_id: uuid.UUID, by: AbstractBaseUser, reason: str, at: dt.datetime) -> FlowRun:
    """
    Bring a discarded run back to the state that it was discarded from.

    :raises UnableToAct: when the state does not allow it, or the reason is missing.
    :raises UnknownRun: when there is none.
    """
    _refuse_without(reason)
    with transaction.atomic():
        row = _locked(run_id)
        discarded = row.transitions.filter(to_state=RunState.DISCARDED).order_by("-pk").first()
        before = discarded.from_state if discarded else RunState.FAILED
        _change(row, "restore", before, by=by, reason=reason, at=at)
    return row


def _locked(run_id: uuid.UUID) -> FlowRun:
    row = FlowRun.objects.select_for_update(of=("self",)).select_related("flow").filter(pk=run_id).first()
    if row is None:
        raise queries.UnknownRun(f"There is no flow run {run_id}.")
    return row


def _change(
    row: FlowRun, name: str, *arguments: str, by: AbstractBaseUser, reason: str, at: dt.datetime, ended: bool = False
) -> None:
    before = row.state
    transition = getattr(row, name)
    if not can_proceed(transition):
        if name == "requeue" and row.state in UNFINISHED_STATES:
            raise StateDoesNotAllow(f"It is already in progress by {_who_resubmitted(row)}.")
        raise StateDoesNotAllow(f"A run that is {row.get_state_display().lower()} cannot be {_PAST[name]}.")
    transition(*arguments)
    row.lease_until = None
    if ended:
        row.finished_at = at
    row.save()
    if ended:
        statistics.count_ended(run=row, at=at)
    RunTransition.objects.create(
        run=row, from_state=before, to_state=row.state, at=at, by=by.get_username(), reason=reason.strip()[:1000]
    )


def _who_resubmitted(row: FlowRun) -> str:
    again = row.transitions.filter(from_state=RunState.FAILED, to_state=RunState.RECEIVED).order_by("-pk").first()
    return again.by if again else "the product"


_PAST = {"requeue": "resubmitted", "abort": "aborted", "discard": "discarded", "restore": "restored"}


def _refuse_without(reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing("Say why: the reason stays with the run.")


def _refuse_while_repeated(original: FlowRun) -> None:
    child = original.children.filter(state__in=UNFINISHED_STATES).select_related("requested_by").first()
    if child is not None:
        who = child.requested_by.get_username() if child.requested_by else "somebody"
        raise StateDoesNotAllow(f"It is already being replayed by {who} (run {child.pk}).")


def _accepted_again(original: FlowRun, body: bytes) -> tuple[PackagedFlow, Any]:
    packaged = packaged_flow(registry.find(original.flow.identifier))
    try:
        return packaged, packaged.accept(canonical.read(body))
    except MessageRefused as error:
        raise NotRepeatable(f"The stored request would be refused today: {error}") from None


def _request(row: FlowRun) -> bytes:
    try:
        return queries.stored_request(row.pk)
    except queries.RequestPurged as error:
        raise NotRepeatable(str(error)) from None
