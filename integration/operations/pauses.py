"""
Pausing for a while: a flow, all flows, or everything that uses a connection (`integration.md` 7, maintenance windows).

A paused one-way or scheduled flow still takes messages and keeps them; a paused request/response flow answers 503.
Runs at work go on to their end. Each pause is a row of its own, so that ending one restores exactly what it stopped.
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import IntegrityError, transaction

from foundation.dispatch import after_commit
from foundation.kept_texts import kept
from integration.choices import PauseScope
from integration.flows import registry
from integration.models import Flow, Pause
from integration.operations import waking
from outbound.operations.connections import hold_connection, release_connection
from outbound.queries import UnknownConnection


logger = structlog.get_logger(__name__)

SYSTEM = "system"


class UnableToPause(Exception):
    """The pause cannot be made as asked."""


class AlreadyPaused(UnableToPause):
    """There is an open pause of the same thing."""


class UnknownTarget(UnableToPause):
    """There is no such flow or connection."""


class AlreadyResumed(Exception):
    """The pause was ended before."""


class UnknownPause(LookupError):
    """There is no pause of this id."""


def pause(
    *,
    scope: str,
    target: str = "",
    by: str,
    reason: str,
    planned_end: dt.datetime | None = None,
    at: dt.datetime,
) -> Pause:
    """
    Stop something for a while; what waits is kept and worked on when nothing pauses it any more.

    :param target: the name of the flow or of the connection; empty for all flows.
    :param planned_end: when it ends by itself.
    :raises UnableToPause: its subclasses say why.
    """
    name = check(scope=scope, target=target, reason=reason, planned_end=planned_end, at=at)
    try:
        with transaction.atomic():
            made = Pause.objects.create(
                scope=scope,
                target=name,
                reason=reason.strip()[:1000],
                paused_by=by,
                paused_at=at,
                planned_end=planned_end,
            )
            if scope == PauseScope.CONNECTION:
                _hold(name)
    except IntegrityError:
        raise AlreadyPaused(f"{name or 'Everything'} is paused already.") from None
    logger.info("paused", scope=scope, target=name, by=by)
    return made


def check(*, scope: str, target: str, reason: str, planned_end: dt.datetime | None, at: dt.datetime) -> str:
    """
    Give the name of what a pause would hold.

    :raises UnableToPause: when it could not be made as asked; its subclasses say why.
    """
    if not reason.strip():
        raise UnableToPause("Say why: the reason stays with the pause.")
    if planned_end is not None and planned_end <= at:
        raise UnableToPause("The planned end has passed already.")
    name = _target(scope, target)
    open_one = Pause.objects.filter(scope=scope, target=name, resumed_at__isnull=True).first()
    if open_one is not None:
        who = kept(f" by {open_one.paused_by}")
        raise AlreadyPaused(f"{name or 'Everything'} is paused already{who}.")
    return name


def resume(*, pause_id: int, by: str, reason: str = "", at: dt.datetime) -> Pause:
    """
    End a pause, and wake workers for the runs that nothing holds any more.

    :raises AlreadyResumed: when it was ended before.
    :raises UnknownPause: when there is none.
    """
    with transaction.atomic():
        ended = Pause.objects.filter(pk=pause_id, resumed_at__isnull=True).update(
            resumed_at=at, resumed_by=by, resume_reason=reason.strip()[:1000]
        )
        row = Pause.objects.filter(pk=pause_id).first()
        if row is None:
            raise UnknownPause(f"There is no pause {pause_id}.")
        if not ended:
            raise AlreadyResumed(f"It was ended by {row.resumed_by} already.")
        if row.scope == PauseScope.CONNECTION:
            release_connection(name=row.target)
            after_commit("outbound.tasks.sweep")
        woken = sum(waking.wake_flow(flow=flow) for flow in Flow.objects.filter(active=True))
    logger.info("resumed", scope=row.scope, target=row.target, by=by, woken=woken)
    return row


def own_pause(*, flow_id: int) -> Pause | None:
    """Give the open pause of a flow alone; None when there is none."""
    name = Flow.objects.filter(pk=flow_id).values_list("name", flat=True).first()
    return Pause.objects.filter(scope=PauseScope.FLOW, target=name or "", resumed_at__isnull=True).first()


def pause_flow(*, flow_id: int, by: str, reason: str, at: dt.datetime) -> Pause:
    """
    Pause one flow.

    :raises UnableToPause: its subclasses say why.
    """
    flow = Flow.objects.get(pk=flow_id)
    return pause(scope=PauseScope.FLOW, target=flow.name, by=by, reason=reason, at=at)


def resume_flow(*, flow_id: int, by: str, reason: str, at: dt.datetime) -> Pause:
    """
    End the pause of one flow.

    :raises UnknownPause: when it is not paused by itself.
    :raises AlreadyResumed: when somebody else ended it in this moment.
    """
    own = own_pause(flow_id=flow_id)
    if own is None:
        raise UnknownPause("The flow is not paused by itself.")
    return resume(pause_id=own.pk, by=by, reason=reason, at=at)


def end_planned(*, at: dt.datetime) -> int:
    """End every pause whose planned end has come; give how many."""
    ended = 0
    for pause_id in Pause.objects.filter(resumed_at__isnull=True, planned_end__lte=at).values_list("pk", flat=True):
        try:
            resume(pause_id=pause_id, by=SYSTEM, reason="The planned end has come.", at=at)
        except AlreadyResumed:
            # A person was quicker.
            continue
        ended += 1
    return ended


def _target(scope: str, target: str) -> str:
    if scope == PauseScope.ALL:
        return ""
    if scope == PauseScope.FLOW:
        try:
            return registry.find(target).name
        except registry.UnknownFlow as error:
            raise UnknownTarget(str(error)) from None
    if scope != PauseScope.CONNECTION:
        raise UnknownTarget(f"{scope} is not something that can be paused; {', '.join(PauseScope.values)} are.")
    return target


def _hold(name: str) -> None:
    try:
        hold_connection(name=name)
    except UnknownConnection as error:
        raise UnknownTarget(str(error)) from None
