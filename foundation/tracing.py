"""
Traces by OpenTelemetry from a request through the tasks that it wakes to the calls that they make.

Off unless `OTEL_EXPORTER_OTLP_ENDPOINT` names a collector; then the packages of `requirements/tracing.txt` are needed,
and everything else is set by OpenTelemetry's own environment variables. While it is off nothing of it is imported and
each place costs one comparison. Spans carry names, methods, statuses and the correlation id, never addresses with
values, payloads or credentials.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from celery import signals
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse

from foundation import correlation


PARENT = "traceparent"
LENGTH = 55
"""How long the W3C form of a parent is."""

_QUIET = ("/health/", "/metrics")
_tracer: Any = None
_api: Any = None
_tasks: dict[str, contextlib.ExitStack] = {}


class Span:
    """What a place may say of its work; says nothing while traces are off."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def answered(self, status: int, *, is_error: bool) -> None:
        """Note the HTTP status that the work ended with."""
        if self._span is not None:
            self._span.set_attribute("http.response.status_code", status)
            if is_error:
                self._failed(str(status))

    def failed(self, kind: str) -> None:
        """Note that the work failed, by the name of the error alone: its words may hold what others answered."""
        if self._span is not None:
            self._failed(kind)

    def named(self, name: str, **attributes: str) -> None:
        """Name the work by what is known of it only now."""
        if self._span is not None:
            self._span.update_name(name)
            self._span.set_attributes(attributes)

    def _failed(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(_api.StatusCode.ERROR)


_OFF = Span()


def begin(exporter: Any = None) -> Any:
    """
    Take traces from now on; give the provider, which its owner shuts down.

    :param exporter: where finished spans go at once, for tests; otherwise in batches to the collector.
    :raises ImproperlyConfigured: when the packages are not installed.
    """
    global _tracer, _api
    try:
        from opentelemetry import trace as _trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    except ImportError as error:
        raise ImproperlyConfigured(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set and OpenTelemetry is not installed: "
            "pip install -r requirements/tracing.txt"
        ) from error
    # What the environment says of the service (OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES) comes before our name.
    named_by_site = Resource.create().attributes.get(SERVICE_NAME, "")
    ours = {} if not str(named_by_site).startswith("unknown_service") else {SERVICE_NAME: "tieline"}
    provider = TracerProvider(resource=Resource.create(ours))
    # Batches survive a fork: the processor starts its thread anew in each child.
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter()) if exporter is None else SimpleSpanProcessor(exporter)
    )
    _api, _tracer = _trace, provider.get_tracer("tieline")
    signals.before_task_publish.connect(_task_published, dispatch_uid="foundation.tracing.published")
    signals.task_prerun.connect(_task_begun, dispatch_uid="foundation.tracing.begun")
    signals.task_failure.connect(_task_failed, dispatch_uid="foundation.tracing.failed")
    signals.task_postrun.connect(_task_ended, dispatch_uid="foundation.tracing.ended")
    return provider


def end() -> None:
    """Take no traces any more."""
    global _tracer
    _tracer = None


def parent() -> str:
    """Give the work in hand in the W3C form that goes along with a call or a message; empty while traces are off."""
    if _tracer is None:
        return ""
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(PARENT, "")


def headers() -> dict[str, str]:
    """Give the header of a call that lets its target go on with the trace."""
    value = parent()
    return {PARENT: value} if value else {}


@contextlib.contextmanager
def continuing(value: str) -> Iterator[None]:
    """Let spans inside belong to a trace that began elsewhere, as `parent` gave it; what is no parent is none."""
    if _tracer is None or not value:
        yield
        return
    from opentelemetry import context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    token = context.attach(TraceContextTextMapPropagator().extract({PARENT: value}))
    try:
        yield
    finally:
        context.detach(token)


@contextlib.contextmanager
def working(name: str, *, kind: str, **attributes: Any) -> Iterator[Span]:
    """
    Let the work inside be a span.

    :param kind: SERVER, CONSUMER or CLIENT.
    """
    if _tracer is None:
        yield _OFF
        return
    if correlation.current():
        attributes[f"tieline.{correlation.NAME}"] = correlation.current()
    with _tracer.start_as_current_span(
        name,
        kind=getattr(_api.SpanKind, kind),
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        mine = Span(span)
        try:
            yield mine
        except BaseException as error:
            mine.failed(type(error).__name__)
            raise


class TracingMiddleware:
    """Make each request a span, of its caller's trace when it sends `traceparent`; named by its route alone."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(_QUIET):
            return self.get_response(request)
        method = str(request.method)
        with (
            continuing(request.headers.get(PARENT, "")),
            working(method, kind="SERVER", http__request__method=method) as span,
        ):
            response = self.get_response(request)
            route = "" if request.resolver_match is None else f"/{request.resolver_match.route}"
            span.named(f"{method} {route}".strip(), **{"http.route": route})
            span.answered(response.status_code, is_error=response.status_code >= 500)
            return response


def _task_published(headers: Mapping[str, Any] | None = None, **_: Any) -> None:
    value = parent()
    if value and isinstance(headers, dict):
        headers[PARENT] = value


def _task_begun(task_id: str, task: Any, **_: Any) -> None:
    if _tracer is None:
        return
    stack = contextlib.ExitStack()
    # Of a message the headers are the request's own; of a task that is run in place they are beside it.
    sent = task.request.get(PARENT) or (task.request.headers or {}).get(PARENT)
    stack.enter_context(continuing(str(sent or "")))
    stack.enter_context(working(f"task {task.name}", kind="CONSUMER", messaging__system="celery"))
    _tasks[task_id] = stack


def _task_failed(exception: BaseException, **_: Any) -> None:
    if _tracer is not None:
        Span(_api.get_current_span()).failed(type(exception).__name__)


def _task_ended(task_id: str, **_: Any) -> None:
    stack = _tasks.pop(task_id, None)
    if stack is not None:
        stack.close()
