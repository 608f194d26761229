"""
The deliveries by django-celery-outbox: a task per message through its table, its relay, Redis and a Celery worker.

`by_outbox.py migrate`, `… queue NUMBER`, `… relay`; the worker is `celery -A by_outbox worker`. Runs in the environment
of requirements/queue-peers.txt; DATABASE_URL, REDIS_URL, TARGET and PAYLOAD say where.
"""

from __future__ import annotations

import os
import sys
import threading
from urllib.parse import urlsplit

import requests
from django.conf import settings


_database = urlsplit(os.environ["DATABASE_URL"])
if not settings.configured:
    settings.configure(
        SECRET_KEY=os.environ["SECRET_KEY"],
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django_celery_outbox"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": _database.path.strip("/"),
                "HOST": _database.hostname,
                "PORT": _database.port,
                "USER": _database.username,
                "CONN_MAX_AGE": 60,
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        CELERY_OUTBOX_APP="by_outbox.app",
        LOGGING_CONFIG=None,
    )
    import django

    django.setup()

from django.core.management import call_command  # noqa: E402  Django has to be set up first
from django.db import transaction  # noqa: E402  Django has to be set up first
from django_celery_outbox import OutboxCelery  # noqa: E402  Django has to be set up first


app = OutboxCelery("peers", broker=os.environ["REDIS_URL"])
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.task_ignore_result = True
_local = threading.local()


@app.task(name="deliver", autoretry_for=(requests.RequestException,), max_retries=5)
def deliver(number: int) -> None:
    """Post one message over a pooled session of this process."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
    answer = _local.session.post(
        os.environ["TARGET"],
        data=os.environ["PAYLOAD"].encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": f"m-{number}"},
        timeout=60,
    )
    answer.raise_for_status()


def main(what: str, number: int) -> None:
    if what == "migrate":
        call_command("migrate", verbosity=0)
    elif what == "queue":
        with transaction.atomic():
            for each in range(number):
                deliver.delay(each)
    elif what == "relay":
        call_command("celery_outbox_relay", batch_size=200, idle_time=0.05, publish_concurrency=4)


if __name__ == "__main__":
    # The relay imports the application under its own name.
    sys.modules["by_outbox"] = sys.modules["__main__"]
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
