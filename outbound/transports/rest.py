"""
The one HTTP client of the product (`reliability.md` 2.3 and 5, SSRF and TLS).

No redirects, no proxies or credentials from the environment, no retries inside; certificates always verified;
one deadline over the whole call; bodies capped and checked for completeness; the connection's circuit breaker,
rate and concurrency limits around it. Clients are pooled per process and connection.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import http.cookiejar
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import requests
import structlog
import urllib3
from django.utils import timezone

from outbound import retry
from outbound.breaker import Breaker, Permit
from outbound.choices import AVAILABLE_TRANSPORTS, Transport
from outbound.guard import deployment_guard
from outbound.models import Connection
from outbound.transports.addresses import Guard, split_base_url
from outbound.transports.base import (
    Answer,
    AnswerTooLarge,
    ConnectionNotUsable,
    TargetBroke,
    TargetRedirected,
    TargetTimedOut,
    TransportError,
)
from outbound.transports.identity import connection_context
from outbound.transports.limits import Limiter
from outbound.transports.pools import guarded_adapter
from outbound.transports.sockets import Deadline, causes, deadline
from outbound.transports.streams import CHUNK_BYTES, Download, SizedChunks, SourceFailed, transfer_seconds
from outbound.transports.tls_failures import caller_refused


MAX_BODY_BYTES = 1024 * 1024
MAX_TIMEOUT_SECONDS = 300.0
_CHUNK = 64 * 1024
_UNKNOWN_SIZE = 1 << 40
_T = TypeVar("_T")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_ENCODER = msgspec.json.Encoder(decimal_format="number")


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
        self._base_url = connection.base_url.rstrip("/")
        self._read_timeout = float(connection.read_timeout)
        self._clock = clock
        self._max_body_bytes = max_body_bytes
        self._breaker = breaker or Breaker(connection_id=connection.pk, name=connection.name)
        self._limiter = Limiter(
            max_concurrency=connection.max_concurrency,
            rate=float(connection.rate_limit_per_second) if connection.rate_limit_per_second else None,
        )
        self._auth = auth
        self._authorization = _basic(connection.username, connection.password)
        self.tls_context = connection_context(connection)
        self._shows_identity = connection.identity_certificate_id is not None
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        adapter = guarded_adapter(
            guard=guard,
            connect_timeout=float(connection.connect_timeout),
            max_connections=connection.max_concurrency,
            context=self.tls_context,
            shows_identity=self._shows_identity,
        )
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

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
    ) -> Answer:
        """
        Make one call; every HTTP status but a redirect is an answer.

        :param path: appended to the connection's base address.
        :param json: sent as a JSON document, decimals as exact numbers; or `body`, sent as it is.
        :param timeout: seconds for the whole call, at most 300; the connection's read timeout when not given.
        :raises TransportError: its subclasses say what happened and whether the target may have acted.
        """
        limit = Deadline.after(min(timeout or self._read_timeout, MAX_TIMEOUT_SECONDS))
        prepared = self._prepare(method, path, json=json, body=body, headers=headers, idempotency_key=idempotency_key)
        with self._limiter.place(timeout=limit.remaining()):
            permit = self._breaker.admit(at=self._clock(), hold_seconds=MAX_TIMEOUT_SECONDS)
            return self._call(prepared, limit, permit)

    def request_unguarded_by_breaker(self, method: str, path: str, *, timeout: float | None = None) -> Answer:
        """
        Make one call even when the breaker is open: a person's test of the connection.

        Its outcome moves the breaker like any other: a success closes it.

        :raises TransportError: as `request` does, but never CircuitOpen.
        """
        limit = Deadline.after(min(timeout or self._read_timeout, MAX_TIMEOUT_SECONDS))
        prepared = self._prepare(method, path)
        return self._call(prepared, limit, self._breaker.admit_by_hand(at=self._clock()))

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
        prepared = self._prepare(method, path, body=body, headers=headers, idempotency_key=idempotency_key)
        with self._limiter.place(timeout=self._read_timeout):
            permit = self._breaker.admit(at=self._clock(), hold_seconds=MAX_TIMEOUT_SECONDS)
            try:
                return self._call(prepared, limit, permit)
            except SourceFailed as failed:
                raise (failed.__cause__ or failed) from None

    @contextlib.contextmanager
    def stream_download(self, path: str, *, headers: Mapping[str, str] | None = None) -> Iterator[Download]:
        """
        Make a GET whose body is read in chunks, each within the read timeout; a body cut short is an error.

        :raises TransportError: as `request` does, also from the chunks.
        """
        prepared = self._prepare("GET", path, headers=headers)
        with self._limiter.place(timeout=self._read_timeout):
            permit = self._breaker.admit(at=self._clock(), hold_seconds=MAX_TIMEOUT_SECONDS)
            with self._accounted(permit), contextlib.ExitStack() as held:
                started = time.monotonic()
                response = held.enter_context(self._sent(prepared, Deadline.after(self._read_timeout)))
                good = response.status_code < 300
                body = b"" if good else self._within(self._read_timeout, lambda: self._read(response))
                answer = Answer(
                    status=response.status_code,
                    headers=response.headers,
                    body=body,
                    elapsed_seconds=time.monotonic() - started,
                )
                self._tell_breaker(permit, answer.status)
                yield Download(answer=answer, chunks=self._chunks(response) if good else iter(()))

    def close(self) -> None:
        """Close the idle sockets."""
        self._session.close()

    def _call(self, prepared: requests.PreparedRequest, limit: Deadline, permit: Permit) -> Answer:
        with self._accounted(permit):
            answer = self._exchange(prepared, limit)
        self._tell_breaker(permit, answer.status)
        return answer

    @contextlib.contextmanager
    def _accounted(self, permit: Permit) -> Iterator[None]:
        try:
            yield
        except TransportError as error:
            if error.credentials:
                self._breaker.refused_credentials(permit, at=self._clock(), reason=str(error))
            elif error.fault is retry.FaultType.REMOTE:
                self._breaker.failed(permit, at=self._clock(), reason=str(error))
            else:
                self._breaker.release(permit)
            raise
        except BaseException:
            self._breaker.release(permit)
            raise

    def _tell_breaker(self, permit: Permit, status: int) -> None:
        if retry.is_credential_status(status):
            self._breaker.refused_credentials(permit, at=self._clock(), reason=f"HTTP {status}")
        elif retry.counts_against_connection(status):
            self._breaker.failed(permit, at=self._clock(), reason=f"HTTP {status}")
        else:
            self._breaker.succeeded(permit, at=self._clock())

    def _prepare(
        self,
        method: str,
        path: str,
        *,
        json: Any = None,
        body: bytes | SizedChunks | None = None,
        headers: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
    ) -> requests.PreparedRequest:
        if method not in _METHODS:
            raise ValueError(f"{method} is not a method that connections use")
        if json is not None and body is not None:
            raise ValueError("json and body exclude each other")
        sent: dict[str, str] = {
            "User-Agent": "Tieline",
            "Accept": "application/json, */*;q=0.5",
            "Accept-Encoding": "identity",
        }
        if json is not None:
            body = _ENCODER.encode(json)
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        if idempotency_key:
            sent["Idempotency-Key"] = idempotency_key
        correlation = structlog.contextvars.get_contextvars().get("correlation_id")
        if correlation:
            sent["X-Correlation-Id"] = str(correlation)
        if self._authorization:
            sent["Authorization"] = self._authorization
        url = f"{self._base_url}/{path.lstrip('/')}" if path else self._base_url
        return requests.Request(method, url, headers=sent, data=body, auth=self._auth).prepare()

    def _exchange(self, prepared: requests.PreparedRequest, limit: Deadline) -> Answer:
        started = time.monotonic()
        with deadline(limit), self._sent(prepared, limit) as response:
            body = self._within(None, lambda: self._read(response))
            return Answer(
                status=response.status_code,
                headers=response.headers,
                body=body,
                elapsed_seconds=time.monotonic() - started,
            )

    @contextlib.contextmanager
    def _sent(self, prepared: requests.PreparedRequest, limit: Deadline) -> Iterator[requests.Response]:
        def send() -> requests.Response:
            with deadline(limit):
                return self._session.send(
                    prepared, stream=True, allow_redirects=False, timeout=limit.remaining(), verify=True
                )

        with self._within(None, send) as response:
            if 300 <= response.status_code < 400:
                raise TargetRedirected(_redirect(response))
            yield response

    def _within(self, seconds: float | None, do: Callable[[], _T]) -> _T:
        """Do one thing with the target, its errors in words; under a deadline of its own when `seconds` are given."""
        started = time.monotonic()
        try:
            if seconds is None:
                return do()
            with deadline(Deadline.after(seconds)):
                return do()
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            refused = caller_refused(error, target=urlsplit(self._base_url).netloc, shows_identity=self._shows_identity)
            raise (refused or _explain(error, self._base_url, time.monotonic() - started)) from error

    def _chunks(self, response: requests.Response) -> Iterator[bytes]:
        declared = response.headers.get("Content-Length", "")
        size = int(declared[:20]) if declared.isdigit() else _UNKNOWN_SIZE
        whole = Deadline.after(transfer_seconds(read_timeout=self._read_timeout, size=size))
        while True:
            left = self._within(None, whole.remaining)
            chunk = self._within(min(left, self._read_timeout), lambda: response.raw.read(CHUNK_BYTES))
            if not chunk:
                return
            yield chunk

    def _read(self, response: requests.Response) -> bytes:
        declared = response.headers.get("Content-Length", "")
        if declared.isdigit() and int(declared[:20]) > self._max_body_bytes:
            raise AnswerTooLarge(
                f"The answer (HTTP {response.status_code}) declares {declared} bytes, over the limit of "
                f"{self._max_body_bytes}."
            )
        body = bytearray()
        for chunk in response.raw.stream(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > self._max_body_bytes:
                raise AnswerTooLarge(
                    f"The answer (HTTP {response.status_code}) is over the limit of {self._max_body_bytes} bytes."
                )
        return bytes(body)


def _basic(username: str, password: str) -> str:
    if not username:
        return ""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _redirect(response: requests.Response) -> str:
    location = response.headers.get("Location", "")
    try:
        host = urlsplit(location).hostname or "the same host"
    except ValueError:
        host = "an unreadable address"
    return (
        f"The target answered HTTP {response.status_code}, a redirect to {host}. Redirects are not followed: "
        "set the connection's base address to where the target really is."
    )


def _explain(error: Exception, base_url: str, elapsed: float) -> TransportError:
    host = urlsplit(base_url).netloc
    chain = list(causes(error))
    if any(isinstance(found, TimeoutError | urllib3.exceptions.TimeoutError) for found in chain):
        return TargetTimedOut(f"{host} did not finish its answer within the deadline ({elapsed:.1f} s).")
    if any(isinstance(found, urllib3.exceptions.IncompleteRead) for found in chain):
        return TargetBroke(f"{host} cut its answer short.")
    innermost = str(chain[-1]) or type(chain[-1]).__name__
    return TargetBroke(f"{host} broke off: {innermost}.")


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


def usable(connection: Connection, transport: Transport) -> None:
    """
    Refuse a connection that cannot be used with a transport.

    :raises ConnectionNotUsable: saying why, and what to do.
    """
    if not connection.enabled:
        raise ConnectionNotUsable(f"Connection {connection.name} is switched off.")
    if connection.transport not in AVAILABLE_TRANSPORTS:
        raise ConnectionNotUsable(
            f"Connection {connection.name} uses {connection.transport}, which is not available in this version."
        )
    if connection.transport != transport:
        raise ConnectionNotUsable(f"Connection {connection.name} uses {connection.transport}, not {transport}.")


def _forget_inherited_clients() -> None:
    # A child process must not share its parent's sockets; they are dropped, not shut down.
    global _lock
    _lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_forget_inherited_clients)
