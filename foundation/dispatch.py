"""Wake-up calls to the workers, sent only after the row that they speak of is committed."""

from __future__ import annotations

import functools
from typing import Any

import structlog
from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError


logger = structlog.get_logger(__name__)


def after_commit(task_name: str, *, countdown: float | None = None, **kwargs: Any) -> None:
    """
    Send a task by name once the open transaction commits (at once when there is none).

    The message carries ids only. It is a wake-up call and never the truth: when the broker cannot be
    reached the loss is logged and the sweep finds the row that is due (`house.md` D1).
    """
    transaction.on_commit(functools.partial(_send, task_name, countdown, kwargs))


def _send(task_name: str, countdown: float | None, kwargs: dict[str, Any]) -> None:
    try:
        current_app.send_task(task_name, kwargs=kwargs, countdown=countdown)
    except (OperationalError, OSError):
        logger.warning("wake_up_not_sent", task=task_name, exc_info=True)
