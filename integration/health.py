"""Health for operators and load balancers: is the process there, and can it do its work."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from celery import current_app
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from foundation.models import BeatLease
from integration.beat import LEASE_NAME, LEASE_SECONDS


logger = structlog.get_logger(__name__)

BROKER_TIMEOUT_SECONDS = 2
"""A broker that has not answered by then counts as away: whoever asks has a timeout of its own."""


@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """Answer that the process is there; a supervisor restarts it when this fails."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """
    Answer whether the work can be done: 200 when every dependency is well, else 503 and which one is not.

    No reason is given beyond the word, as the address needs no account; the log has the details.
    """
    at = timezone.now()
    checks: dict[str, Callable[[datetime], dict[str, Any]]] = {
        "database": check_database,
        "broker": check_broker,
        "beat": check_beat,
    }
    dependencies = {name: check(at) for name, check in checks.items()}
    well = all(result["status"] == "ok" for result in dependencies.values())
    return JsonResponse(
        {"status": "ok" if well else "unavailable", "dependencies": dependencies}, status=200 if well else 503
    )


def check_database(at: datetime) -> dict[str, Any]:
    """Ask the database a question that needs no table."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except (DatabaseError, InterfaceError):
        logger.warning("database_not_ready", exc_info=True)
        return {"status": "unavailable"}
    return {"status": "ok"}


def check_broker(at: datetime) -> dict[str, Any]:
    """Connect to the broker afresh: a pooled connection may have gone stale unnoticed."""
    timeouts = {"socket_timeout": BROKER_TIMEOUT_SECONDS, "socket_connect_timeout": BROKER_TIMEOUT_SECONDS}
    try:
        with current_app.connection_for_read(transport_options=timeouts) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=BROKER_TIMEOUT_SECONDS)
    except (OperationalError, OSError):
        logger.warning("broker_not_ready", exc_info=True)
        return {"status": "unavailable"}
    return {"status": "ok"}


def check_beat(at: datetime) -> dict[str, Any]:
    """See when the scheduler that holds the lease renewed it; without one, nothing due is picked up by itself."""
    try:
        lease = BeatLease.objects.filter(name=LEASE_NAME).first()
    except (DatabaseError, InterfaceError):
        return {"status": "unavailable", "age_seconds": None}
    if lease is None or lease.renewed_at is None:
        return {"status": "unavailable", "age_seconds": None}
    age = max(0.0, (at - lease.renewed_at).total_seconds())
    return {"status": "ok" if age <= LEASE_SECONDS else "unavailable", "age_seconds": round(age, 1)}
