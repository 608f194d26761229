"""Health for operators and load balancers: is the process there, and can it do its work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from celery import current_app
from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError

from foundation.models import BeatLease
from integration.beat import LEASE_NAME, LEASE_SECONDS


logger = structlog.get_logger(__name__)

_migrated = threading.Event()

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
        "migrations": check_migrations,
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


def check_migrations(at: datetime) -> dict[str, Any]:
    """
    See that the database has every migration of this release; more than those are well, as during a rollback.

    Once they are all there they stay: a process asks until then and not again.
    """
    if not _migrated.is_set():
        try:
            missing = _missing_migrations()
        except (DatabaseError, InterfaceError):
            return {"status": "unavailable"}
        if missing:
            logger.warning("migrations_not_applied", migrations=missing)
            return {"status": "unavailable"}
        _migrated.set()
    return {"status": "ok"}


def _missing_migrations() -> list[str]:
    loader = MigrationLoader(connection)
    wanted = set(loader.graph.nodes) - set(loader.applied_migrations)
    return sorted(f"{app}.{name}" for app, name in wanted)


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
        age = beat_age(at)
    except (DatabaseError, InterfaceError):
        return {"status": "unavailable", "age_seconds": None}
    if age is None:
        return {"status": "unavailable", "age_seconds": None}
    return {"status": "ok" if age <= LEASE_SECONDS else "unavailable", "age_seconds": round(age, 1)}


def beat_age(at: datetime) -> float | None:
    """Give how many seconds ago the scheduler renewed its lease, None when none ever did."""
    renewed_at = BeatLease.objects.filter(name=LEASE_NAME).values_list("renewed_at", flat=True).first()
    return None if renewed_at is None else max(0.0, (at - renewed_at).total_seconds())
