"""
The one HTTP client of the product (`reliability.md` 2.3 and 5, SSRF and TLS).

One deadline over the whole call; the connection's circuit breaker, rate and concurrency limits around it. What is sent
is made in `rest_requests`, sent and read in `rest_wire`. Clients are pooled per process and connection.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import requests
from django.utils import timezone

from foundation import tracing
from outbound import retry
from outbound.breaker import Breaker, CallsBreaker, Permit
from outbound.choices import Transport
from outbound.guard import deployment_guard
from outbound.models import Connection
from outbound.transports.addresses import Guard, split_base_url
from outbound.transports.base import Answer, TransportError
from outbound.transports.limits import Limiter
from outbound.transports.rest_requests import PlainRequest, RequestMaker
from outbound.transports.rest_wire import Wire
from outbound.transports.sockets import Deadline
from outbound.transports.streams import Download, SizedChunks, SourceFailed, transfer_seconds
from outbound.transports.usable import usable


MAX_BODY_BYTES = 1024 * 1024
MAX_TIMEOUT_SECONDS = 300.0


class RestClient:
    """
    Calls one connection's target.

    May be shared by threads. A thread of one's own that calls it uses a database connection of its own (for the
    circuit breaker), which that thread closes when it ends.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        guard: Guard,
        breaker: Breaker | None = None,
        clock: Callable[[], dt.datetime] = timezone.now,
        max_body_bytes: int = MAX_BODY_BYTES,
        auth: requests.auth.AuthBase | None = None,
    ) -> None:
        split_base_url(connection.base_url)
        self.name = connection.name
        self._read_timeout = float(connection.read_timeout)
        self._clock = clock
        self.breaker = breaker or Breaker(connection_id=connection.pk, name=connection.name)
        self._limiter = Limiter(
            max_concurrency=connection.max_concurrency,
            rate=float(connection.rate_limit_per_second) if connection.rate_limit_per_second else None,
        )
        self._requests = RequestMaker(connection, auth=auth)
        self._wire = Wire(connection, guard=guard, max_body_bytes=max_body_bytes)
        self.tls_context = self._wire.tls_context

    def __repr__(self) -> str:
        return f"<RestClient {self.name}>"

    def request(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
        breaker: CallsBreaker | None = None,
    ) -> Answer:
        """
        Make one call; every HTTP status but a redirect is an answer.

        :param path: appended to the connection's base address.
        :param json: sent as a JSON document, decimals as exact numbers; or `body`, sent as it is.
        :param timeout: seconds for the whole call, at most 300; the connection's read timeout when not given.
        :param breaker: asked and told in place of the client's own, for a thread that has no database.
        :raises TransportError: its subclasses say what happened and whether the target may have acted.
        """
        seconds = min(timeout or self._read_timeout, MAX_TIMEOUT_SECONDS)
        limit = Deadline.after(seconds)
        with self._traced(method) as span:
            prepared = self._requests.make(
                method, path, json=json, body=body, headers=headers, idempotency_key=idempotency_key
            )
            with self._limiter.place(timeout=limit.remaining()):
                mine = breaker or self.breaker
                permit = mine.admit(at=self._clock(), hold_seconds=seconds)
                return self._call(prepared, limit, permit, breaker=mine, span=span)

    def request_unguarded_by_breaker(self, method: str, path: str, *, timeout: float | None = None) -> Answer:
        """
        Make one call even when the breaker is open: a person's test of the connection.

        Its outcome moves the breaker like any other: a success closes it.

        :raises TransportError: as `request` does, but never CircuitOpen.
        """
        limit = Deadline.after(min(timeout or self._read_timeout, MAX_TIMEOUT_SECONDS))
        with self._traced(method) as span:
            prepared = self._requests.make(method, path)
            return self._call(prepared, limit, self.breaker.admit_by_hand(at=self._clock()), span=span)

    def stream_upload(
        self,
        method: str,
        path: str,
        chunks: Iterable[bytes],
        size: int,
        headers: Mapping[str, str] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Answer:
        """
        Make one call whose body is streamed: in constant memory, with its length announced.

        It may last the read timeout and a second for each 64 KiB, an hour at most.

        :param size: how many bytes the chunks are together; anything else is an error, and no complete body.
        :raises TransportError: as `request` does; what reading the chunks raises is raised as it is.
        """
        limit = Deadline.after(transfer_seconds(read_timeout=self._read_timeout, size=size))
        body = SizedChunks(chunks, size) if size else b"".join(chunks)
        with self._traced(method) as span, self._limiter.place(timeout=self._read_timeout):
            prepared = self._requests.make(method, path, body=body, headers=headers, idempotency_key=idempotency_key)
            permit = self.breaker.admit(at=self._clock(), hold_seconds=MAX_TIMEOUT_SECONDS)
            try:
                return self._call(prepared, limit, permit, span=span)
            except SourceFailed as failed:
                raise (failed.__cause__ or failed) from None

    @contextlib.contextmanager
    def stream_download(self, path: str, *, headers: Mapping[str, str] | None = None) -> Iterator[Download]:
        """
        Make a GET whose body is read in chunks, each within the read timeout; a body cut short is an error.

        :raises TransportError: as `request` does, also from the chunks.
        """
        with self._traced("GET") as span, self._limiter.place(timeout=self._read_timeout):
            prepared = self._requests.make("GET", path, headers=headers)
            permit = self.breaker.admit(at=self._clock(), hold_seconds=MAX_TIMEOUT_SECONDS)
            with self._accounted(permit), contextlib.ExitStack() as held:
                started = time.monotonic()
                response = held.enter_context(self._wire.sent(prepared, Deadline.after(self._read_timeout)))
                good = response.status_code < 300
                body = b"" if good else self._wire.within(self._read_timeout, lambda: self._wire.read(response))
                answer = Answer(
                    status=response.status_code,
                    headers=response.headers,
                    body=body,
                    elapsed_seconds=time.monotonic() - started,
                )
                self._tell_breaker(permit, answer.status)
                span.answered(answer.status, is_error=answer.status >= 400)
                yield Download(answer=answer, chunks=self._wire.chunks(response) if good else iter(()))

    def close(self) -> None:
        """Close the idle sockets."""
        self._wire.close()

    def _call(
        self,
        prepared: requests.PreparedRequest | PlainRequest,
        limit: Deadline,
        permit: Permit,
        *,
        breaker: CallsBreaker | None = None,
        span: tracing.Span,
    ) -> Answer:
        with self._accounted(permit, breaker=breaker):
            answer = self._wire.exchange(prepared, limit)
        self._tell_breaker(permit, answer.status, breaker=breaker)
        span.answered(answer.status, is_error=answer.status >= 400)
        return answer

    def _traced(self, method: str) -> contextlib.AbstractContextManager[tracing.Span]:
        return tracing.working(
            f"{method} {self.name}", kind="CLIENT", http__request__method=method, server__address=self.name
        )

    @contextlib.contextmanager
    def _accounted(self, permit: Permit, *, breaker: CallsBreaker | None = None) -> Iterator[None]:
        breaker = breaker or self.breaker
        try:
            yield
        except TransportError as error:
            if error.credentials:
                breaker.refused_credentials(permit, at=self._clock(), reason=str(error))
            elif error.fault is retry.FaultType.REMOTE:
                breaker.failed(permit, at=self._clock(), reason=str(error))
            else:
                breaker.release(permit)
            raise
        except BaseException:
            breaker.release(permit)
            raise

    def _tell_breaker(self, permit: Permit, status: int, *, breaker: CallsBreaker | None = None) -> None:
        breaker = breaker or self.breaker
        if retry.is_credential_status(status):
            breaker.refused_credentials(permit, at=self._clock(), reason=f"HTTP {status}")
        elif retry.counts_against_connection(status):
            breaker.failed(permit, at=self._clock(), reason=f"HTTP {status}")
        else:
            breaker.succeeded(permit, at=self._clock())


_clients: dict[tuple[int, Any], tuple[tuple[Any, ...], RestClient]] = {}
_lock = threading.Lock()


def client(connection: Connection) -> RestClient:
    """
    Give this process's client of a connection; a changed connection gets a new one.

    :raises ConnectionNotUsable: when the connection is off, no REST connection, or incomplete.
    :raises TargetNotAllowed: when its base address can never be called.
    """
    usable(connection, Transport.REST)
    guard = deployment_guard()
    identity = (connection.pk, connection.name)
    fingerprint = (*connection.wire_settings(), guard)
    with _lock:
        kept = _clients.get(identity)
        if kept is not None and kept[0] == fingerprint:
            return kept[1]
        made = RestClient(connection, guard=guard)
        _clients[identity] = (fingerprint, made)
    return made


def _forget_inherited_clients() -> None:
    # A child process must not share its parent's sockets; they are dropped, not shut down.
    global _lock
    _lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_forget_inherited_clients)
