"""
A connection's HTTP session: sending a request, reading its answer, and what went wrong in words.

No redirects, no proxies or credentials from the environment, no cookies, no retries; certificates always verified;
every read and write under the deadline of the call.
"""

from __future__ import annotations

import contextlib
import http.cookiejar
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3

from outbound.models import Connection
from outbound.transports import in_process
from outbound.transports.addresses import Guard
from outbound.transports.base import (
    Answer,
    AnswerTooLarge,
    TargetBroke,
    TargetRedirected,
    TargetTimedOut,
    TransportError,
)
from outbound.transports.identity import connection_context
from outbound.transports.pools import guarded_adapter
from outbound.transports.rest_requests import PlainRequest
from outbound.transports.sockets import Deadline, causes, deadline
from outbound.transports.streams import CHUNK_BYTES, transfer_seconds
from outbound.transports.tls_failures import caller_refused


_CHUNK = 64 * 1024
_UNKNOWN_SIZE = 1 << 40
_NO_RETRIES = urllib3.Retry(0, read=False)
_T = TypeVar("_T")


class PlainResponse:
    """The answer to a `PlainRequest`, with what is used of a response of `requests`."""

    def __init__(self, raw: urllib3.BaseHTTPResponse) -> None:
        self.raw = raw
        self.status_code = raw.status
        self.headers: Mapping[str, str] = raw.headers

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # What was not read to its end cannot be used again.
        self.raw.close()
        self.raw.release_conn()


class Wire:
    """The session of one connection; may be shared by threads."""

    def __init__(self, connection: Connection, *, guard: Guard, max_body_bytes: int) -> None:
        self._base_url = connection.base_url.rstrip("/")
        self._read_timeout = float(connection.read_timeout)
        self._max_body_bytes = max_body_bytes
        self._shows_identity = connection.identity_certificate_id is not None
        self.tls_context = connection_context(connection)
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
        self._pool: urllib3.connectionpool.ConnectionPool | None = None
        self._adapter = guarded_adapter(
            guard=guard,
            connect_timeout=float(connection.connect_timeout),
            max_connections=connection.max_concurrency,
            context=self.tls_context,
            shows_identity=self._shows_identity,
        )
        if in_process.is_in_process(connection.base_url):
            self._session.mount(
                in_process.PREFIX,
                in_process.InProcessAdapter(connection=connection.name, username=connection.username),
            )
        self._session.mount("http://", self._adapter)
        self._session.mount("https://", self._adapter)

    def close(self) -> None:
        """Close the idle sockets."""
        self._session.close()

    def exchange(self, prepared: requests.PreparedRequest | PlainRequest, limit: Deadline) -> Answer:
        """
        Send a request and read its answer to the end.

        :raises TransportError: when there is no whole answer.
        """
        started = time.monotonic()
        with deadline(limit), self.sent(prepared, limit) as response:
            body = self.within(None, lambda: self.read(response))
            return Answer(
                status=response.status_code,
                headers=response.headers,
                body=body,
                elapsed_seconds=time.monotonic() - started,
            )

    @contextlib.contextmanager
    def sent(
        self, prepared: requests.PreparedRequest | PlainRequest, limit: Deadline
    ) -> Iterator[requests.Response | PlainResponse]:
        """
        Send a request and give the answer's head; its body is read while the block runs.

        :raises TransportError: when there is no answer, or a redirect.
        """

        def send() -> requests.Response | PlainResponse:
            with deadline(limit):
                if isinstance(prepared, PlainRequest):
                    return self._sent_plainly(prepared, limit)
                return self._session.send(
                    prepared, stream=True, allow_redirects=False, timeout=limit.remaining(), verify=True
                )

        with self.within(None, send) as response:
            if 300 <= response.status_code < 400:
                raise TargetRedirected(_redirect(response))
            yield response

    def _sent_plainly(self, request: PlainRequest, limit: Deadline) -> PlainResponse:
        pool: Any = self._pool
        if pool is None:
            # That of the session: the same sockets, guard and certificates.
            first = requests.Request("GET", self._base_url).prepare()
            pool = self._adapter.get_connection_with_tls_context(first, verify=True)
            self._adapter.cert_verify(pool, first.url or "", verify=True, cert=None)
            self._pool = pool
        raw = pool.urlopen(
            request.method,
            request.target,
            body=request.body,
            headers=request.headers,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            retries=_NO_RETRIES,
            timeout=limit.remaining(),
        )
        return PlainResponse(raw)

    def within(self, seconds: float | None, do: Callable[[], _T]) -> _T:
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

    def chunks(self, response: requests.Response | PlainResponse) -> Iterator[bytes]:
        """Give a long body in chunks, each within the read timeout."""
        declared = response.headers.get("Content-Length", "")
        size = int(declared[:20]) if declared.isdigit() else _UNKNOWN_SIZE
        whole = Deadline.after(transfer_seconds(read_timeout=self._read_timeout, size=size))
        while True:
            left = self.within(None, whole.remaining)
            chunk = self.within(min(left, self._read_timeout), lambda: response.raw.read(CHUNK_BYTES))
            if not chunk:
                return
            yield chunk

    def read(self, response: requests.Response | PlainResponse) -> bytes:
        """
        Give a body of ordinary length.

        :raises AnswerTooLarge: when it is over the limit.
        """
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


def _redirect(response: requests.Response | PlainResponse) -> str:
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
