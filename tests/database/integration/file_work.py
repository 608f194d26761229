"""Sending a message with a file, and doing what the workers do with it."""

from __future__ import annotations

import csv
import io
import json
import threading
import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from integration.flows import health_check
from integration.models import FlowRun
from integration.operations import messages, segments
from lookups.operations import apply_configuration
from outbound.models import OutboundMessage
from outbound.operations.message_configuration import install_message_defaults
from tests.factories import integration as factory
from tests.factories.outbound import make_connection


def prepare(*, base_url: str, properties: dict[str, str] | None = None, **connection: Any) -> None:
    """Install what a file flow needs: lookups, flows, message types, connections DACS and DERMS."""
    factory.prepare(base_url=base_url, **connection)
    install_message_defaults(at=factory.AT)
    make_connection("DERMS", base_url=base_url)
    health_check.forget()
    recipients = {"from": "tieline@example.org", "to": "ops@example.org", "to.process.notification": "biz@example.org"}
    apply_configuration(
        section={"OUTL-BRT-DACS_DRMS_Email_ID": recipients, "OUTL-BRT-DACS_DRMS_ConfigProps": properties or {}},
        by=get_user_model().objects.get(username="configurator"),
        at=factory.AT,
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode()


def send(client: APIClient, address: str, document: dict[str, Any], content: bytes, *, name: str = "rows.csv") -> Any:
    """Post the parts `request` and `file`."""
    return client.post(
        address,
        {
            "request": SimpleUploadedFile("request.json", json.dumps(document).encode(), "application/json"),
            "file": SimpleUploadedFile(name, content, "text/csv"),
        },
        format="multipart",
    )


def begin(run_id: str) -> None:
    """Do what the worker does that takes the run: health check and segments."""
    messages.execute(run_id=uuid.UUID(run_id), clock=timezone.now)


def work(run_id: str, *, workers: int = 1) -> FlowRun:
    """Take the run and send all of its segments, with so many workers at once; give the run as it is then."""
    begin(run_id)
    threads = [threading.Thread(target=worker, args=(run_id,)) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return FlowRun.objects.get(pk=run_id)


def worker(run_id: str) -> None:
    """Send segments until there is none to take."""
    try:
        while segments.work_next(run_id=uuid.UUID(run_id), clock=timezone.now):
            pass
    finally:
        connections.close_all()


def acknowledgements(message_type: str) -> list[dict[str, Any]]:
    """The acknowledgements that were queued, in order."""
    rows = OutboundMessage.objects.filter(message_type__code=message_type).order_by("pk")
    return [json.loads(bytes(row.payload)) for row in rows]
