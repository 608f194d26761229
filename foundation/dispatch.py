"""Wake-up calls to the workers, sent only after the row that they speak of is committed."""

from __future__ import annotations

import functools
from typing import Any

import structlog
from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError


logger = structlog.get_logger(__name__)

# How far back a transaction's calls are looked through; a transaction may have thousands.
LATEST_CALLS = 16


def after_commit(
    task_name: str,
    *,
    countdown: float | None = None,
    queue: str | None = None,
    expires: float | None = None,
    once: bool = False,
    **kwargs: Any,
) -> None:
    """
    Send a task by name once the open transaction commits (at once when there is none).

    The message carries ids only. It is a wake-up call and never the truth: when the broker cannot be
    reached the loss is logged and the sweep finds the row that is due (`house.md` D1).

    :param queue: name of the queue of particular workers; the common one when not given.
    :param expires: seconds after which the call is of no use any more.
    :param once: not again when one of the last calls of this transaction is the same.
    """
    call = (task_name, countdown, queue, expires, kwargs)
    if once and call in _latest_calls():
        return
    transaction.on_commit(functools.partial(_send, *call))


def woken_for(task_name: str, *, queue: str | None = None) -> int:
    """Give how many of the last calls that wait for this transaction's commit go to a task, up to `LATEST_CALLS`."""
    return sum(call[0] == task_name and call[2] == queue for call in _latest_calls())


def _latest_calls() -> list[tuple[Any, ...]]:
    waiting = connection.run_on_commit[-LATEST_CALLS:]
    return [entry[1].args for entry in waiting if isinstance(entry[1], functools.partial) and entry[1].func is _send]


def _send(
    task_name: str, countdown: float | None, queue: str | None, expires: float | None, kwargs: dict[str, Any]
) -> None:
    routing: dict[str, Any] = {}
    if queue is not None:
        routing["queue"] = queue
    if expires is not None:
        routing["expires"] = expires
    try:
        current_app.send_task(task_name, kwargs=kwargs, countdown=countdown, **routing)
    except (OperationalError, OSError):
        logger.warning("wake_up_not_sent", task=task_name, exc_info=True)
