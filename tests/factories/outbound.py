"""Connections, parameters and mails for tests."""

from __future__ import annotations

import datetime as dt
from typing import Any

from outbound.models import Connection, Mail
from outbound.operations.connections import save_connection


NOW = dt.datetime(2024, 3, 10, 12, 0, tzinfo=dt.UTC)


def make_connection(name: str = "DACS", *, at: dt.datetime = NOW, **values: Any) -> Connection:
    """Save a REST connection (or another transport) the way the product does."""
    secrets = {key: values.pop(key) for key in ("password", "private_key") if key in values}
    if values.get("transport", "rest") == "rest":
        values.setdefault("base_url", "http://127.0.0.1:9/")
    connection = Connection(name=name, **values)
    save_connection(connection=connection, secrets=secrets, at=at)
    return Connection.objects.get(pk=connection.pk)


def make_mail(*, at: dt.datetime = NOW, **values: Any) -> Mail:
    """Store a pending mail."""
    number = Mail.objects.count() + 1
    defaults: dict[str, Any] = {
        "to": ["operator@example.org"],
        "sender": "tieline@example.org",
        "subject": f"Mail {number}",
        "text": "Hello\n",
        "html": "<p>Hello</p>",
        "message_id": f"<{number}@example.org>",
        "created_at": at,
        "next_attempt_at": at,
    }
    return Mail.objects.create(**{**defaults, **values})
