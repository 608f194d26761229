"""Starting a run of a scheduled flow, by hand or because it is time: at most one at a time (`reliability.md` F5)."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import msgspec
import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction

from integration import control_queries, queries
from integration.choices import UNFINISHED_STATES, Pattern
from integration.flows import canonical, registry, runner
from integration.flows.run import Clock
from integration.models import Flow, FlowRun
from integration.operations import housekeeping, messages, waking
from integration.operations.flows import FlowNotAvailable, flow_of, packaged_flow


logger = structlog.get_logger(__name__)

SCHEDULER = "schedule"


class NotScheduled(Exception):
    """The flow runs when it gets a message, not on schedule."""


class RunInProgress(Exception):
    """A run of the flow is in progress; `run_id` is its id."""

    def __init__(self, message: str, *, run_id: uuid.UUID) -> None:
        super().__init__(message)
        self.run_id = run_id


class FlowHeld(Exception):
    """The flow is paused: a run would wait until it is resumed."""


def start_scheduled(
    *,
    identifier: str,
    by: AbstractBaseUser | AnonymousUser | str,
    at: dt.datetime,
    by_hand: bool = False,
    message: Any = None,
    leased: bool = False,
) -> FlowRun:
    """
    Store a run and wake a worker for it.

    :param by: the account that asked, or a name when it was none.
    :param by_hand: somebody waits for it: files that are new get their time within this run.
    :param message: what came with the request, if anything did.
    :param leased: this process goes on with it at once, and no worker is woken.
    :raises UnknownFlow: when there is none of this code or name.
    :raises NotScheduled: when it is not a scheduled flow.
    :raises FlowNotAvailable: when this version cannot run it.
    :raises FlowNotActive: when it is switched off.
    :raises MessageRefused: when the message is none that starts a run.
    :raises RunInProgress: when a run of it waits or works.
    """
    declaration = registry.find(identifier)
    if declaration.pattern != Pattern.SCHEDULED:
        raise NotScheduled(f"{declaration.display_name} is not a scheduled flow: it runs when it gets a message.")
    if not declaration.available:
        raise FlowNotAvailable(f"{declaration.display_name} is not available in this version.")
    packaged = packaged_flow(declaration)
    packaged.accept(message)
    body = msgspec.json.encode({"byHand": True} if by_hand else {})
    accepted = packaged.accept(canonical.read(body))
    flow = flow_of(declaration)
    housekeeping.end_abandoned(at=at)
    name = by if isinstance(by, str) else by.get_username()
    with transaction.atomic():
        # Two starts meet here: the flow's row decides.
        flow = Flow.objects.select_for_update().get(pk=flow.pk)
        if not flow.active:
            raise messages.FlowNotActive(f"{declaration.display_name} is not active. It can be activated in the admin.")
        _refuse_while_unfinished(flow)
        row = runner.receive(
            flow=flow,
            body=body,
            media_type="application/json",
            # Each start is a message of its own, however alike they are.
            digest=canonical.digest({"start": str(uuid.uuid4())}),
            identifiers=packaged.identifiers(accepted),
            requested_by_id=None if isinstance(by, str) else by.pk,
            by=name,
            reason="started by hand" if by_hand else "it was time",
            leased=leased,
            at=at,
        )
        if not leased:
            waking.wake_run(run_id=row.pk, flow=flow)
    logger.info("scheduled_run_started", flow=flow.name, run_id=str(row.pk), by=name)
    return row


def run_here(*, identifier: str, by: str, clock: Clock) -> FlowRun:
    """
    Run a scheduled flow in this process and give the run with its steps when it has ended.

    :raises FlowHeld: when it is paused.
    :raises Exception: what `start_scheduled` raises.
    """
    declaration = registry.find(identifier)
    if declaration.pattern == Pattern.SCHEDULED and declaration.available:
        flow = flow_of(declaration)
        pauses = control_queries.pauses_of(flow)
        if pauses:
            raise FlowHeld(f"{declaration.display_name} is paused: {pauses[0].reason}")
    row = start_scheduled(identifier=identifier, by=by, at=clock(), by_hand=True, leased=True)
    messages.execute(run_id=row.pk, clock=clock)
    return queries.run_detail(row.pk)


def run_when_due(*, identifier: str, at: dt.datetime) -> FlowRun | None:
    """Start a run that nobody waits for; None when one is in progress, or the flow is switched off."""
    try:
        return start_scheduled(identifier=identifier, by=SCHEDULER, at=at)
    except (RunInProgress, messages.FlowNotActive) as error:
        logger.info("scheduled_run_skipped", flow=identifier, reason=str(error))
        return None


def _refuse_while_unfinished(flow: Flow) -> None:
    unfinished = FlowRun.objects.filter(flow=flow, state__in=UNFINISHED_STATES).order_by("started_at").first()
    if unfinished is not None:
        raise RunInProgress(f"{flow.display_name} is in progress: run {unfinished.pk}.", run_id=unfinished.pk)
