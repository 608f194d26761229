"""What the tests of scheduled file flows share: a peer on loopback that takes any body, and running a flow."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from integration.models import FlowRun
from integration.operations import messages, scheduled_runs
from lookups.operations import apply_configuration
from outbound.models import Connection, Parameter
from tests.factories import integration as factory


BUSINESS = "business@example.org"


@dataclass
class Taken:
    """A request that a peer got."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """A DERMS or DACS that answers 200, or by what a test says of a name in the request."""

    base_url: str = ""
    answers: dict[str, int] = field(default_factory=dict)
    otherwise: int = 200
    taken: list[Taken] = field(default_factory=list)

    def names(self) -> list[str]:
        """The files that came, by Content-Disposition."""
        return [taken.headers["Content-Disposition"].split('"')[1] for taken in self.taken]


@contextlib.contextmanager
def peer() -> Iterator[Peer]:
    known = Peer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PATCH(self) -> None:
            self.do_POST()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known.taken.append(Taken(self.command, self.path, dict(self.headers), body))
            said = f"{self.path} {self.headers.get('Content-Disposition', '')}"
            status = next((code for part, code in known.answers.items() if part in said), known.otherwise)
            answer = json.dumps({"ackType": "SUCCESS" if status < 300 else "ERROR"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    known.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield known
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def prepare(*, settle: str = "0", **properties: str) -> None:
    """Install what the flows need; files count at once unless a test is about their standing still."""
    factory.prepare()
    Parameter.objects.update_or_create(name="FILE_SETTLE_SECONDS", defaults={"value": settle})
    configure(**properties)


def configure(**properties: str) -> None:
    """Set properties, with double underscores for dots, and the people who are told."""
    by = get_user_model().objects.get(username="configurator")
    values = {name.replace("__", "."): value for name, value in properties.items()}
    people = {"from": "tieline@example.org", "to": "ops@example.org", "to.process.notification": BUSINESS}
    apply_configuration(
        section={"OUTL-BRT-DACS_DRMS_ConfigProps": values, "OUTL-BRT-DACS_DRMS_Email_ID": people},
        by=by,
        at=timezone.now(),
    )


def connect(name: str, base_url: str, **options: Any) -> Connection:
    """A REST connection to a peer."""
    return Connection.objects.create(name=name, base_url=base_url, read_timeout=5, options=options)


def run(flow: str) -> FlowRun:
    """Run a flow by hand, in this process."""
    return scheduled_runs.run_here(identifier=flow, by="tester", clock=timezone.now)


def row(number: int = 1, **changes: str) -> str:
    """A row of a score file."""
    values = {
        "recordId": str(number),
        "deviceId": f"7712{number:08d}",
        "programSubscriptionId": "901245778310",
        "controlScore": "33.43",
        "eligible": "Y",
    }
    return ",".join({**values, **changes}.values())


def score_file(*rows: str) -> bytes:
    """A clean score file, unless rows are given."""
    header = "recordId,deviceId,programSubscriptionId,controlScore,eligible"
    return ("\n".join([header, *(rows or [row()])]) + "\n").encode()


def prepare_parameter(settle: str) -> None:
    """Say how long the size of a file must stand still."""
    Parameter.objects.update_or_create(name="FILE_SETTLE_SECONDS", defaults={"value": settle})


def work(waiting: FlowRun) -> None:
    """Do what a worker does with a run that waits."""
    messages.execute(run_id=waiting.pk, clock=timezone.now)


def configure_people(table: str, people: dict[str, str]) -> None:
    """Name recipients of a table."""
    by = get_user_model().objects.get(username="configurator")
    apply_configuration(section={table: people}, by=by, at=timezone.now())
