"""Reservation messages as DERMS sends them, and workers that do their work in this process."""

from __future__ import annotations

import json
import threading
from typing import Any

from django.db import connections
from django.utils import timezone

from integration.models import FlowRun
from integration.operations import messages, segments
from tests.factories import integration as factory


GUIDE = "/ic/api/integration/v1/flows/oracleutilities/OUTL_BA_DRMS_DACS_EVT_DVCRESV/1.0/event-reservation-to-dacs"
RESERVE = "/rest/apis/cross/service/programEventParticipation/reserveDevice"
HEALTH = "/rest/apis/common/healthCheck"
HEADER = "recordId,nicId,headEndSystemId,reservationStartDateTime,reservationEndDateTime"
BOUNDARY = "XtielineX"


def request(**changes: Any) -> dict[str, Any]:
    return {
        "drmsInstanceId": "NMS1",
        "messageId": "DRMS-RSV-1",
        "eventId": "EVT-2023-0417",
        "eventType": "ECONOMIC",
        "eventStatus": "SCHEDULED",
        "eventStartDateTime": "2027-06-02T00:00:00Z",
        "eventEndDateTime": "2027-06-02T03:00:00Z",
        **changes,
    }


def rows(count: int, *, start: int = 1) -> str:
    lines = [HEADER, *(f"{n},4119{n:08d},ECOBEE,," for n in range(start, start + count))]
    return "\n".join(lines) + "\n"


def multipart(
    document: Any,
    content: str | bytes,
    *,
    kind: str = "form-data",
    parts: tuple[str, ...] = ("request", "file"),
    types: tuple[str, str] = ("application/json", "text/csv"),
) -> tuple[bytes, str]:
    """Give body and content type."""
    body = b""
    contents = {
        "request": document if isinstance(document, bytes) else json.dumps(document).encode(),
        "file": content.encode() if isinstance(content, str) else content,
    }
    for name in parts:
        kind_of_part = types[0] if name == "request" else types[1]
        filename = '; filename="EVT_RSV.csv"' if name == "file" else ""
        disposition = f'form-data; name="{name}"{filename}' if kind == "form-data" else f"attachment{filename}"
        body += f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: {kind_of_part}\r\n\r\n".encode()
        body += contents[name] + b"\r\n"
    return body + f"--{BOUNDARY}--\r\n".encode(), f"multipart/{kind}; boundary={BOUNDARY}"


def post(client: Any, document: Any, content: str | bytes, *, address: str = GUIDE, **form: Any) -> Any:
    body, content_type = multipart(document, content, **form)
    return client.generic("POST", address, body, content_type=content_type)


def prepare(base_url: str, **connection: Any) -> None:
    from outbound.operations.configuration import install_defaults

    factory.prepare(base_url=base_url, **connection)
    install_defaults(at=factory.AT)


def properties(**values: str) -> None:
    """Set configuration properties, with `__` for a dot."""
    from django.contrib.auth import get_user_model

    from lookups.operations import apply_configuration

    apply_configuration(
        section={"OUTL-BRT-DACS_DRMS_ConfigProps": {name.replace("__", "."): value for name, value in values.items()}},
        by=get_user_model().objects.get(username="configurator"),
        at=factory.AT,
    )


def begin(run: FlowRun) -> None:
    messages.execute(run_id=run.pk, clock=timezone.now)


def work(run: FlowRun, *, workers: int = 1) -> None:
    """Work on what waits until nothing does, with so many workers."""

    def one() -> None:
        try:
            while segments.work_next(run_id=run.pk, clock=timezone.now):
                pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The claim of one worker may have found all places taken when the others were about to end.
    while segments.work_next(run_id=run.pk, clock=timezone.now):
        pass


def take_turn(run: FlowRun) -> int:
    """Work on a run as the task of a worker does: several segments side by side."""
    return segments.work(run_id=run.pk, clock=timezone.now)


def process(run: FlowRun, *, workers: int = 1) -> None:
    begin(run)
    work(run, workers=workers)
    run.refresh_from_db()
