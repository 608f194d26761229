"""
One action on many runs, each by itself: a result per row, and no row twice (`reliability.md` R1).

Every row is decided under its own lock by its state, so that a double click, or two operators at once, resubmit it
once; the other one reads by whom it is in progress already.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from integration import queries
from integration.choices import ResubmitMode
from integration.models import FlowRun
from integration.operations import runs


logger = structlog.get_logger(__name__)

MAX_ROWS = 1000
"""How many runs one call takes: each is a transaction of its own, and somebody waits for the answer."""

ACTIONS: Mapping[str, Callable[..., FlowRun]] = {
    "resubmit": runs.resubmit,
    "replay": runs.replay,
    "discard": runs.discard,
    "restore": runs.restore,
    "abort": runs.abort,
}


class UnknownAction(ValueError):
    """There is no such action on many runs."""


class TooManyRows(ValueError):
    """More runs were named than one call takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowResult:
    """
    What became of one run: `done`, `refused` with the reason, `unknown`, or `failed`, and nothing of it was changed.

    `new_run_id` for a replay.
    """

    run_id: uuid.UUID
    outcome: str
    message: str = ""
    new_run_id: uuid.UUID | None = None


def act(
    *,
    action: str,
    run_ids: Sequence[uuid.UUID],
    by: Any,
    reason: str,
    mode: str = ResubmitMode.FAILED_STEP,
    at: dt.datetime,
) -> list[RowResult]:
    """
    Do something to many runs; give a result per run, in the order in which they were named.

    :param action: resubmit, replay, discard, restore or abort.
    :param mode: for resubmit: from the failed step, or from the start.
    :raises UnknownAction: when there is no such action.
    :raises TooManyRows: when more than 1,000 runs are named; nothing is done then.
    :raises ReasonMissing: when the reason is empty; nothing is done then.
    """
    operation = ACTIONS.get(action)
    if operation is None:
        raise UnknownAction(f"{action} is not one of {', '.join(ACTIONS)}.")
    wanted = list(dict.fromkeys(run_ids))
    if len(wanted) > MAX_ROWS:
        raise TooManyRows(f"{len(wanted)} runs were named; one call takes {MAX_ROWS}.")
    if not reason.strip():
        raise runs.ReasonMissing("Say why: the reason stays with each run.")
    more: dict[str, Any] = {"mode": ResubmitMode(mode)} if action == "resubmit" else {}
    results = [_act_on(operation, run_id, by=by, reason=reason, at=at, **more) for run_id in wanted]
    done = sum(result.outcome == "done" for result in results)
    logger.info("bulk_action", action=action, rows=len(results), done=done, by=by.get_username())
    return results


def _act_on(operation: Callable[..., FlowRun], run_id: uuid.UUID, **arguments: Any) -> RowResult:
    try:
        run = operation(run_id=run_id, **arguments)
    except queries.UnknownRun as error:
        return RowResult(run_id=run_id, outcome="unknown", message=str(error))
    except runs.UnableToAct as error:
        return RowResult(run_id=run_id, outcome="refused", message=str(error))
    except Exception as error:
        # Whatever it is, it is about this run: its transaction is undone, and the others wait for their turn.
        logger.exception("bulk_action_failed", run_id=str(run_id))
        message = f"It went wrong ({type(error).__name__}), and nothing of it was changed; the log says why."
        return RowResult(run_id=run_id, outcome="failed", message=message)
    return RowResult(run_id=run_id, outcome="done", new_run_id=run.pk if run.pk != run_id else None)
