"""One id from a request through the tasks that it wakes to the calls that they make, in every log line on the way."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse


NAME = "correlation_id"
HEADER = "X-Correlation-Id"
LENGTH = 100
_USABLE = re.compile(rf"[A-Za-z0-9._:-]{{1,{LENGTH}}}")


def current() -> str:
    """Give the id of the work in hand; empty when there is none, as in a task of the schedule."""
    return str(structlog.contextvars.get_contextvars().get(NAME, ""))


@contextlib.contextmanager
def bound(correlation_id: str) -> Iterator[None]:
    """Let the work inside have an id of its own; empty: none, whatever the id of the work around it is."""
    before = current()
    if correlation_id == before:
        yield
        return
    _set(correlation_id)
    try:
        yield
    finally:
        _set(before)


def bind_to_request(sender: type[Any], request: HttpRequest, **kwargs: Any) -> None:
    """
    Give a request the id that its caller sent, else one of its own.

    What a caller sends is taken when it is a plain word of at most 100 characters: it goes into log lines and headers.
    """
    for header in (HEADER, "X-Request-Id"):
        sent = request.headers.get(header, "")
        if _USABLE.fullmatch(sent):
            _set(sent)
            return
    _set(str(structlog.contextvars.get_contextvars().get("request_id", "")))


def tell_caller(sender: type[Any], response: HttpResponse, **kwargs: Any) -> None:
    """Put the id into the answer, so that a caller can name it."""
    if current() and HEADER not in response:
        response[HEADER] = current()


def _set(correlation_id: str) -> None:
    if correlation_id:
        structlog.contextvars.bind_contextvars(**{NAME: correlation_id})
    else:
        structlog.contextvars.unbind_contextvars(NAME)
