"""The Celery application: Redis when REDIS_URL is set, the embedded SQLite broker otherwise."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery, signals

from foundation.garbage import collect_seldom


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integration.settings")

app = Celery("tieline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_ready.connect
@signals.worker_process_init.connect
def _collect_seldom(**_unused: Any) -> None:
    """Each process of a worker, when it has loaded what it works with; also one that works in threads."""
    collect_seldom()
