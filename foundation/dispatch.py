"""Wake-up calls to the workers, sent only after the row that they speak of is committed."""

from __future__ import annotations

import functools
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError


logger = structlog.get_logger(__name__)


def after_commit(
    task_name: str,
    *,
    countdown: float | None = None,
    queue: str | None = None,
    expires: float | None = None,
    **kwargs: Any,
) -> None:
    """
    Send a task by name once the open transaction commits (at once when there is none).

    The message carries ids only. It is a wake-up call and never the truth: when the broker cannot be
    reached the loss is logged and the sweep finds the row that is due (`house.md` D1).

    :param queue: name of the queue of particular workers; the common one when not given.
    :param expires: seconds after which the call is of no use any more.
    """
    transaction.on_commit(functools.partial(_send, task_name, countdown, queue, expires, kwargs))


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
