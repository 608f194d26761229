"""Handing a mail to an SMTP server: guarded socket, one deadline, certificates verified."""

from __future__ import annotations

import contextlib
import io
import smtplib
import socket
import ssl
from collections.abc import Iterator, Sequence
from typing import Any

from outbound import options
from outbound.breaker import Breaker
from outbound.choices import DEFAULT_PORTS, Transport
from outbound.guard import deployment_guard
from outbound.models import Connection
from outbound.transports.addresses import Guard
from outbound.transports.base import (
    ConnectionNotUsable,
    CredentialsRefused,
    MessageDeferred,
    MessageRefused,
    TargetBroke,
    TargetTimedOut,
    TransportError,
)
from outbound.transports.identity import connection_context
from outbound.transports.sockets import (
    Deadline,
    DeadlineReader,
    apply_deadline,
    causes,
    deadline,
    open_socket,
)
from outbound.transports.tls_failures import tls_refusal
from outbound.transports.usable import usable


_AUTHENTICATION_CODES = frozenset({530, 534, 535, 538})
_SERVICE_CLOSING = 421


class _GuardedSMTP(smtplib.SMTP):
    def __init__(self, *, guard: Guard, connect_timeout: float, wrap: ssl.SSLContext | None) -> None:
        self._guard = guard
        self._connect_timeout = connect_timeout
        self._wrap = wrap
        super().__init__(local_hostname="tieline", timeout=connect_timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        self._host = host  # what STARTTLS verifies the certificate against
        sock = open_socket(host=host, port=port, guard=self._guard, connect_timeout=self._connect_timeout)
        return self._wrap.wrap_socket(sock, server_hostname=host) if self._wrap else sock

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(DeadlineReader(self.sock))
        return super().getreply()

    def send(self, s: Any) -> None:
        if self.sock is not None:
            apply_deadline(self.sock)
        super().send(s)


class SmtpClient:
    """Sends mails through one connection of transport `email`."""

    def __init__(self, connection: Connection, *, guard: Guard, breaker: Breaker | None = None) -> None:
        self.name = connection.name
        self.host = connection.host
        self.port = connection.port or DEFAULT_PORTS[Transport.EMAIL]
        self.breaker = breaker or Breaker(connection_id=connection.pk, name=connection.name)
        self._username = connection.username
        self._password = connection.password
        self._read_timeout = float(connection.read_timeout)
        self._connect_timeout = float(connection.connect_timeout)
        self._guard = guard
        self._starttls = options.value(connection.options, "starttls")
        self._implicit_tls = options.value(connection.options, "implicit_tls")
        self._context = connection_context(connection)
        self._shows_identity = connection.identity_certificate_id is not None

    def __repr__(self) -> str:
        return f"<SmtpClient {self.name}>"

    def send(self, *, sender: str, recipients: Sequence[str], message: bytes) -> dict[str, str]:
        """
        Hand one message over and give the recipients that were refused while others were accepted.

        :param message: the whole message with its headers, line ends CRLF.
        :raises MessageRefused: when the server refuses it for good.
        :raises TransportError: when it could not be handed over.
        """
        with self._session() as smtp:
            refused = smtp.sendmail(sender, list(recipients), message)
        return {address: _reply(code, text) for address, (code, text) in refused.items()}

    def greet(self) -> str:
        """
        Connect, secure the line and log in without sending anything; say what was negotiated.

        :raises TransportError: when any of it fails.
        """
        with self._session() as smtp:
            smtp.noop()
            cipher = smtp.sock.version() if isinstance(smtp.sock, ssl.SSLSocket) else None
            secured = f"encrypted with {cipher}" if cipher else "not encrypted"
            return f"{secured}, {'logged in' if self._username else 'no login'}"

    @contextlib.contextmanager
    def _session(self) -> Iterator[_GuardedSMTP]:
        smtp = _GuardedSMTP(
            guard=self._guard,
            connect_timeout=self._connect_timeout,
            wrap=self._context if self._implicit_tls else None,
        )
        with deadline(Deadline.after(self._read_timeout)):
            try:
                smtp.connect(self.host, self.port)
                self._secure(smtp)
                if self._username:
                    smtp.login(self._username, self._password)
                yield smtp
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    smtp.quit()  # the message is handed over; how the server says good-bye changes nothing
            except TransportError:
                raise
            except (smtplib.SMTPException, OSError) as error:
                raise self._explain(error) from error
            finally:
                smtp.close()

    def _secure(self, smtp: _GuardedSMTP) -> None:
        smtp.ehlo_or_helo_if_needed()
        if self._implicit_tls or self._starttls == "never":
            return
        if smtp.has_extn("starttls"):
            smtp.starttls(context=self._context)
            smtp.ehlo()
        elif self._starttls == "required" or self._username:
            raise ConnectionNotUsable(
                f"{self.host}:{self.port} offers no STARTTLS"
                + (", and credentials are not sent over an unencrypted line" if self._username else "")
                + ". Set the option starttls to 'never' if that is meant."
            )

    def _explain(self, error: Exception) -> TransportError:
        place = f"{self.host}:{self.port}"
        if isinstance(error, smtplib.SMTPAuthenticationError):
            return CredentialsRefused(f"{place} refused the login: {_reply(error.smtp_code, error.smtp_error)}")
        if isinstance(error, smtplib.SMTPRecipientsRefused):
            return self._refused(error.recipients)
        if isinstance(error, smtplib.SMTPNotSupportedError):
            return ConnectionNotUsable(f"{place} cannot do what is asked: {error}")
        if isinstance(error, smtplib.SMTPResponseException):
            reply = _reply(error.smtp_code, error.smtp_error)
            if error.smtp_code in _AUTHENTICATION_CODES:
                return CredentialsRefused(f"{place} refused the login: {reply}")
            if error.smtp_code >= 500:
                return MessageRefused(f"{place} refused the mail: {reply}")
            kind = TargetBroke if error.smtp_code == _SERVICE_CLOSING else MessageDeferred
            return kind(f"{place} cannot take the mail now: {reply}", sent=False)
        refused = tls_refusal(error, target=place, shows_identity=self._shows_identity)
        if refused is not None:
            return refused
        if any(isinstance(found, TimeoutError) for found in causes(error)):
            return TargetTimedOut(f"{place} did not answer within {self._read_timeout:g} s.")
        return TargetBroke(f"{place} broke off: {error}.")

    def _refused(self, recipients: dict[str, tuple[int, bytes]]) -> TransportError:
        reasons = "; ".join(f"{address}: {_reply(*reply)}" for address, reply in recipients.items())
        if all(code >= 500 for code, _ in recipients.values()):
            return MessageRefused(f"{self.host}:{self.port} refused every recipient: {reasons}")
        return MessageDeferred(f"{self.host}:{self.port} cannot take the recipients now: {reasons}")


def _reply(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", errors="replace") if isinstance(text, bytes) else text
    return f"{code} {' '.join(words.split())}"[:300]


def client(connection: Connection) -> SmtpClient:
    """
    Give a client of a connection of transport `email`.

    :raises ConnectionNotUsable: when the connection is off or of another transport.
    """
    usable(connection, Transport.EMAIL)
    return SmtpClient(connection, guard=deployment_guard())
