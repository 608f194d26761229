"""
What people do with an IMD: Perform VEE, Discard, Force Complete (`vee.md` 2.3, `reliability.md` V9, V10).

Each needs its right and a reason, locks the IMD, and completes its open To Dos in the same transaction.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any

from django.db import transaction

from foundation.kept_texts import kept
from vee import events
from vee.choices import ImdKind, ImdState
from vee.engine.fixed_point import UnableToKeepExactly
from vee.locks import lock_components, lock_imd
from vee.models import InitialMeasurement
from vee.operations import evidence, lifecycle, preparation, processing, progress, retries, todos
from vee.operations.acceptance import accept_current_values
from vee.operations.preparation import UnableToPrepare
from vee.storage import UnableToStoreMeasurements, note_changed_days


class UnableToAct(Exception):
    """The action was refused and nothing changed; the message says why."""


class ImdNotFound(UnableToAct):
    """There is no such IMD."""


class StateDoesNotAllow(UnableToAct):
    """The IMD is in a state in which this is not possible."""


class ReasonMissing(UnableToAct):
    """A reason is needed, of at most 500 characters."""


class NotPermitted(UnableToAct):
    """The person has no right to do this."""


class UnableToFinalize(UnableToAct):
    """The current values cannot become final measurements."""


@dataclasses.dataclass(frozen=True, slots=True)
class ActionResult:
    """What became of an action on one IMD of several: `error` is empty when it succeeded."""

    imd_id: int
    imd: InitialMeasurement | None = None
    error: str = ""


def perform_vee(*, imd_id: int, by: Any, reason: str, at: dt.datetime) -> InitialMeasurement:
    """
    Run VEE again, at once, from the received values plus edits; repairs an IMD in ERROR, releases manual data.

    :raises UnableToAct: NotPermitted, ReasonMissing, ImdNotFound, or StateDoesNotAllow.
    """
    reason = check_request(by=by, right="vee.perform_vee", reason=reason)
    with transaction.atomic():
        imd = _lock(imd_id)
        paths = {
            ImdState.EXCEPTION: [ImdState.EXCEPTION, ImdState.VEE_READY],
            ImdState.ERROR: [ImdState.ERROR, ImdState.PENDING],
            ImdState.PENDING: [],
        }
        if imd.state not in paths:
            raise StateDoesNotAllow(f"VEE cannot be performed on an IMD in state {imd.state}.")
        path = paths[ImdState(imd.state)]
        if path:
            _leave(imd, path=path, by=by, action=kept("Perform VEE"), reason=reason, at=at)
        elif _can_be_prepared(imd_id):
            lifecycle.move(
                imd=imd, path=[ImdState.PENDING, ImdState.VEE_READY], at=at, by=by.get_username(), reason=reason
            )
        processing.process_claimed(imd_ids=[imd_id], at=at)
        done: InitialMeasurement = InitialMeasurement.objects.get(pk=imd_id)
        return done


def discard(*, imd_id: int, by: Any, reason: str, at: dt.datetime) -> InitialMeasurement:
    """
    Put an IMD aside for good; it stays readable, and no measurement is made of it. Manual data may be withdrawn.

    :raises UnableToAct: NotPermitted, ReasonMissing, ImdNotFound, or StateDoesNotAllow.
    """
    reason = check_request(by=by, right="vee.discard_imd", reason=reason)
    with transaction.atomic():
        imd = _lock(imd_id)
        draft = imd.state == ImdState.PENDING and imd.kind == ImdKind.MANUAL
        if imd.state not in (ImdState.EXCEPTION, ImdState.ERROR) and not draft:
            raise StateDoesNotAllow(f"An IMD in state {imd.state} cannot be discarded.")
        _leave(imd, path=[imd.state, ImdState.DISCARDED], by=by, action="Discard", reason=reason, at=at)
        return imd


def force_complete(*, imd_id: int, by: Any, reason: str, at: dt.datetime) -> InitialMeasurement:
    """
    Make the current values final measurements as they are; no rule is run.

    :raises UnableToAct: NotPermitted, ReasonMissing, ImdNotFound, StateDoesNotAllow, or UnableToFinalize.
    """
    reason = check_request(by=by, right="vee.force_complete_imd", reason=reason)
    with transaction.atomic():
        imd = _lock(imd_id)
        if imd.state != ImdState.EXCEPTION:
            raise StateDoesNotAllow(f"An IMD in state {imd.state} cannot be force-completed.")
        lock_components(component_ids=[] if imd.measuring_component_id is None else [imd.measuring_component_id])
        path = [ImdState.EXCEPTION, ImdState.FORCE_COMPLETE, ImdState.COMPLETE]
        _leave(imd, path=path, by=by, action=kept("Force complete"), reason=reason, at=at)
        try:
            changes = accept_current_values(imd_id=imd_id, at=at)
            progress.advance(changes=changes)
            retries.rerun_related(component_ids={change.component_id for change in changes}, at=at)
        except (UnableToPrepare, UnableToKeepExactly, UnableToStoreMeasurements) as error:
            raise UnableToFinalize(str(error)) from None
        note_changed_days(changes=changes, at=at)
        events.announce_changes(changes=changes, at=at)
        return imd


ACTIONS: dict[str, Callable[..., InitialMeasurement]] = {
    "perform-vee": perform_vee,
    "discard": discard,
    "force-complete": force_complete,
}


def act_on_many(*, action: str, imd_ids: Sequence[int], by: Any, reason: str, at: dt.datetime) -> list[ActionResult]:
    """
    Do one action on several IMDs, each in its own transaction; a result per IMD, in order.

    :raises KeyError: when there is no such action.
    """
    operation = ACTIONS[action]
    results = []
    for imd_id in imd_ids:
        try:
            results.append(ActionResult(imd_id, operation(imd_id=imd_id, by=by, reason=reason, at=at)))
        except UnableToAct as error:
            results.append(ActionResult(imd_id, error=str(error)))
    return results


def check_request(*, by: Any, right: str, reason: str) -> str:
    """
    Check that the person has the right and gave a reason; give the reason without surrounding blanks.

    :raises NotPermitted: when the right is missing.
    :raises ReasonMissing: when the reason is empty or longer than 500 characters.
    """
    if not by.has_perm(right):
        raise NotPermitted("You have no right to do this.")
    reason = reason.strip()
    if not reason:
        raise ReasonMissing("Give a reason.")
    if len(reason) > 500:
        raise ReasonMissing("The reason is longer than 500 characters.")
    return reason


def _can_be_prepared(imd_id: int) -> bool:
    """Tell whether a PENDING IMD is fit for VEE; one that is not goes to ERROR, where it says why."""
    try:
        preparation.check(preparation.load_due(imd_ids=[imd_id])[0])
    except UnableToPrepare:
        return False
    return True


def _lock(imd_id: int) -> InitialMeasurement:
    try:
        return lock_imd(imd_id=imd_id)
    except InitialMeasurement.DoesNotExist:
        raise ImdNotFound(f"There is no IMD {imd_id}.") from None


def _leave(imd: InitialMeasurement, *, path: Sequence[str], by: Any, action: str, reason: str, at: dt.datetime) -> None:
    """Move a person's IMD on, and settle what was open about it."""
    who = by.get_username()
    lifecycle.move(imd=imd, path=path, at=at, by=who, reason=reason)
    evidence.close_exceptions(imd_ids=[imd.pk], at=at)
    todos.complete_todos(imd_ids=[imd.pk], by=who, completion=kept(f"{action}: {reason}"), at=at)
