"""One trace from a request through the queue and the tasks to the call; off unless a collector is named."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import structlog
from celery import shared_task
from celery.signals import before_task_publish
from django.conf import settings as site
from django.core.exceptions import ImproperlyConfigured
from django.test import Client

from foundation import tracing
from outbound.models import OutboundMessage
from outbound.transports import rest
from outbound.transports.base import TransportError
from tests.database.outbound.servers import Peer, answer, reset
from tests.factories.messages import attempt, make_message
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
MIDDLEWARE = "foundation.tracing.TracingMiddleware"


@shared_task(name="tests.traced")
def traced(*, fails: bool = False, **_: Any) -> str:
    if fails:
        raise ValueError("a secret of a customer")
    return tracing.parent()


@pytest.fixture
def spans(settings: Any) -> Iterator[Any]:
    """What was traced, in memory."""
    memory = pytest.importorskip(
        "opentelemetry.sdk.trace.export.in_memory_span_exporter",
        reason="OpenTelemetry is not installed here: requirements/tracing.txt",
    )
    place = settings.MIDDLEWARE.index("django_structlog.middlewares.RequestMiddleware") + 1
    settings.MIDDLEWARE = [*settings.MIDDLEWARE[:place], MIDDLEWARE, *settings.MIDDLEWARE[place:]]
    exporter = memory.InMemorySpanExporter()
    provider = tracing.begin(exporter)
    yield exporter
    tracing.end()
    provider.shutdown()


def by_kind(spans: Any) -> dict[str, Any]:
    return {span.kind.name: span for span in spans.get_finished_spans()}


def id_of(span: Any) -> str:
    return f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-{span.context.trace_flags:02x}"


class TestOff:
    def test_nothing_goes_along_and_nothing_is_kept(self, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url)

        done = attempt(make_message())

        assert (done.status, done.traceparent) == ("SUCCESS", "")
        assert "traceparent" not in peer.seen[0].headers

    def test_it_is_off_as_shipped(self) -> None:
        shown = subprocess.run(
            [
                sys.executable,
                "-c",
                "import django; django.setup(); from foundation import tracing; print(tracing._tracer)",
            ],
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "OTEL_EXPORTER_OTLP_ENDPOINT": ""},
            capture_output=True,
            text=True,
            check=True,
        )

        assert shown.stdout.strip() == "None"
        assert MIDDLEWARE not in site.MIDDLEWARE


class TestRequests:
    def test_a_request_is_a_span_of_its_caller_s_trace_named_by_its_route(self, spans: Any, client: Client) -> None:
        client.get("/api/v1/imds/4711/?search=secret", headers={"traceparent": CALLER, "X-Correlation-Id": "c-1"})

        (span,) = spans.get_finished_spans()
        assert span.kind.name == "SERVER"
        assert f"{span.parent.trace_id:032x}" == CALLER.split("-")[1]
        assert "4711" not in span.name
        assert span.name.startswith("GET /api/v1/")
        assert span.attributes["tieline.correlation_id"] == "c-1"
        assert span.attributes["http.response.status_code"] == 401
        assert "imds" in span.attributes["http.route"]
        assert "secret" not in span.to_json()

    @pytest.mark.parametrize("sent", ["", "x", "00-0-0-00", CALLER + "0" * 5000])
    def test_what_is_no_trace_begins_a_new_one(self, spans: Any, client: Client, sent: str) -> None:
        client.get("/api/v1/nothing-here/", headers={"traceparent": sent})

        (span,) = spans.get_finished_spans()
        assert span.parent is None

    def test_health_and_metrics_are_none(self, spans: Any, client: Client) -> None:
        client.get("/health/live")

        assert spans.get_finished_spans() == ()


class TestTasks:
    def test_a_task_goes_on_with_the_trace_of_what_woke_it(self, spans: Any) -> None:
        headers: dict[str, Any] = {}
        with tracing.working("outer", kind="SERVER"):
            before_task_publish.send(sender="tests.traced", headers=headers, body=((), {}, {}))
        traced.apply(headers=headers)

        found = by_kind(spans)
        assert found["CONSUMER"].name == "task tests.traced"
        assert found["CONSUMER"].parent.span_id == found["SERVER"].context.span_id

    def test_nothing_of_it_is_left_for_the_next_one(self, spans: Any) -> None:
        traced.apply(headers={"traceparent": CALLER})
        traced.apply()

        first, second = spans.get_finished_spans()
        assert (f"{first.context.trace_id:032x}", second.parent) == (CALLER.split("-")[1], None)
        assert tracing.parent() == ""

    def test_a_task_that_fails_says_so_and_not_with_which_words(self, spans: Any) -> None:
        traced.apply(kwargs={"fails": True})

        (span,) = spans.get_finished_spans()
        assert (span.status.status_code.name, span.attributes["error.type"]) == ("ERROR", "ValueError")
        assert "customer" not in span.to_json()


class TestCalls:
    def test_a_call_takes_the_trace_along(self, spans: Any, peer: Peer) -> None:
        client = rest.client(make_connection("DERMS", base_url=peer.url))

        with tracing.working("outer", kind="SERVER"):
            client.request("POST", "/event?secret=1", body=b"{}")

        found = by_kind(spans)
        assert peer.seen[0].headers["traceparent"] == id_of(found["CLIENT"])
        assert found["CLIENT"].parent.span_id == found["SERVER"].context.span_id
        assert (found["CLIENT"].name, found["CLIENT"].attributes["http.response.status_code"]) == ("POST DERMS", 200)
        assert "secret" not in found["CLIENT"].to_json()

    @pytest.mark.parametrize(("behave", "kind"), [(answer(503), "503"), (reset, "TargetBroke")])
    def test_one_that_fails_says_so(self, spans: Any, peer: Peer, behave: Any, kind: str) -> None:
        peer.behave = behave
        client = rest.client(make_connection("DERMS", base_url=peer.url))

        try:
            client.request("POST", "/event", body=b"{}")
        except TransportError:
            assert kind == "TargetBroke"

        (span,) = spans.get_finished_spans()
        assert (span.status.status_code.name, span.attributes["error.type"]) == ("ERROR", kind)

    def test_a_message_takes_the_trace_of_what_queued_it_through_the_queue(self, spans: Any, peer: Peer) -> None:
        make_connection("DERMS", base_url=peer.url)
        with structlog.contextvars.bound_contextvars(correlation_id="c-7"), tracing.working("outer", kind="SERVER"):
            message = make_message()

        with tracing.working("task of something else", kind="CONSUMER"):
            attempt(OutboundMessage.objects.get(pk=message.pk))

        found = by_kind(spans)
        assert message.traceparent == id_of(found["SERVER"])
        assert found["CLIENT"].parent.span_id == found["SERVER"].context.span_id
        assert found["CLIENT"].attributes["tieline.correlation_id"] == "c-7"
        assert found["CONSUMER"].context.trace_id != found["CLIENT"].context.trace_id


class TestCollector:
    def test_a_named_collector_gets_the_spans(self, tmp_path: Any) -> None:
        pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="requirements/tracing.txt")
        got: list[tuple[str, bytes]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        program = (
            "import django; django.setup()\n"
            "from django.conf import settings\n"
            "from django.test import Client\n"
            "settings.ALLOWED_HOSTS = ['testserver']\n"
            "print(Client().get('/api/v1/nothing-here/').status_code)\n"
        )
        with HTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            shown = subprocess.run(
                [sys.executable, "-c", program],
                env={
                    **os.environ,
                    "DJANGO_SETTINGS_MODULE": "tests.settings",
                    "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
                    "TIELINE_VAR": str(tmp_path),
                },
                capture_output=True,
                text=True,
                check=True,
            )
            server.shutdown()
            thread.join()

        assert shown.stdout.strip() == "404"
        ((path, body),) = got
        assert path == "/v1/traces"
        assert b"tieline" in body
        assert b"http.route" in body

    def test_without_the_packages_the_start_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "opentelemetry", None)

        with pytest.raises(ImproperlyConfigured, match=r"pip install -r requirements/tracing\.txt"):
            tracing.begin()
