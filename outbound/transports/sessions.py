"""What SFTP and FTP share: a session under deadlines, with the connection's breaker and limits around it."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, ClassVar, Self

from django.utils import timezone

from outbound.breaker import Breaker, Permit
from outbound.choices import DEFAULT_PORTS, Transport
from outbound.guard import deployment_guard
from outbound.models import Connection
from outbound.retry import FaultType
from outbound.transports.base import ConnectionNotUsable, TargetBroke, TransportError
from outbound.transports.limits import Limiter
from outbound.transports.sockets import Deadline, deadline


_limiters: dict[tuple[Any, ...], Limiter] = {}
_lock = threading.Lock()
_TIDY_SECONDS = 5.0


class Session:
    """A login at a file server. Used by one thread at a time."""

    library_errors: ClassVar[tuple[type[Exception], ...]] = (OSError,)

    def __init__(
        self,
        connection: Connection,
        *,
        directory: str = "",
        by_hand: bool = False,
        clock: Callable[[], dt.datetime] = timezone.now,
    ) -> None:
        self.name = connection.name
        self.host = connection.host
        self.port = connection.port or DEFAULT_PORTS[Transport(connection.transport)]
        self.place = f"{self.host}:{self.port}"
        self.directory = _checked_directory(directory or connection.directory)
        self._connection = connection
        self._guard = deployment_guard()
        self._connect_timeout = float(connection.connect_timeout)
        self._read_timeout = float(connection.read_timeout)
        self._breaker = Breaker(connection_id=connection.pk, name=connection.name)
        self._clock = clock
        self._held = contextlib.ExitStack()
        self._closed = False
        if not connection.username:
            raise ConnectionNotUsable(f"Connection {connection.name} names no user to log in.")
        self._log_in(by_hand=by_hand)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the server; may be called more than once."""
        if not self._closed:
            self._closed = True
            try:
                self._disconnect()
            finally:
                self._held.close()

    def _connect(self) -> None:
        raise NotImplementedError

    def _disconnect(self) -> None:
        raise NotImplementedError

    def _explain(self, error: Exception) -> TransportError:
        raise NotImplementedError

    def _log_in(self, *, by_hand: bool) -> None:
        at = self._clock()
        try:
            if by_hand:
                permit = self._breaker.admit_by_hand(at=at)
            else:
                self._held.enter_context(_limiter(self._connection).place(timeout=self._read_timeout))
                permit = self._breaker.admit(at=at, hold_seconds=self._read_timeout + self._connect_timeout)
            with self._step(permit=permit):
                self._connect()
        except BaseException:
            self.close()
            raise

    @contextlib.contextmanager
    def _step(self, *, permit: Permit | None = None, whole: Deadline | None = None) -> Iterator[Deadline]:
        """
        Do one thing with the server: under a deadline, its errors in words, its outcome told to the breaker.

        :param whole: the deadline of the transfer that this is a step of.
        :raises TransportError: saying what went wrong.
        """
        mine = permit or Permit()
        try:
            self._check_open(permit)
            seconds = self._read_timeout if whole is None else min(self._read_timeout, whole.remaining())
            with deadline(Deadline.after(seconds)) as limit:
                yield limit
        except TransportError as error:
            self._account(mine, error)
            raise
        except self.library_errors as error:
            told = self._explain(error)
            self._account(mine, told)
            raise told from error
        except BaseException:
            self._breaker.release(mine)
            raise
        self._breaker.succeeded(mine, at=self._clock())

    def _quietly(self, do: Callable[[], object]) -> None:
        """Tidy up after something that has been told already: what goes wrong now tells nobody anything."""
        with (
            contextlib.suppress(TransportError, *self.library_errors),
            deadline(Deadline.after(min(self._read_timeout, _TIDY_SECONDS))),
        ):
            do()

    def _check_open(self, permit: Permit | None) -> None:
        if self._closed and permit is None:
            raise TargetBroke(f"The session with {self.place} has ended.", sent=False)

    def _account(self, permit: Permit, error: TransportError) -> None:
        if error.credentials:
            self._breaker.refused_credentials(permit, at=self._clock(), reason=str(error))
        elif error.fault is FaultType.REMOTE and not error.held:
            self._breaker.failed(permit, at=self._clock(), reason=str(error))
        elif error.fault is FaultType.BUSINESS:
            self._breaker.succeeded(permit, at=self._clock())
        else:
            self._breaker.release(permit)


def _limiter(connection: Connection) -> Limiter:
    """Give this process's limits of a connection; changed limits start afresh."""
    key = (connection.pk, connection.name, connection.max_concurrency, connection.rate_limit_per_second)
    with _lock:
        if key not in _limiters:
            for stale in [known for known in _limiters if known[:2] == key[:2]]:
                del _limiters[stale]
            rate = float(connection.rate_limit_per_second) if connection.rate_limit_per_second else None
            _limiters[key] = Limiter(max_concurrency=connection.max_concurrency, rate=rate)
        return _limiters[key]


def _checked_directory(directory: str) -> str:
    if any(not character.isprintable() for character in directory):
        raise ConnectionNotUsable("The directory holds characters that have no place in a path.")
    return directory
