"""*Test connection*: call a target as the product would, and say in words how that went."""

from __future__ import annotations

import datetime as dt
import ssl
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from foundation.crypto import UnableToDecrypt
from foundation.kept_texts import kept
from outbound import options, queries, retry
from outbound.choices import DEFAULT_PORTS, FILE_TRANSPORTS, Transport
from outbound.guard import deployment_guard
from outbound.models import Connection, ConnectionHealth
from outbound.texts import storable
from outbound.transports import email as smtp
from outbound.transports import in_process, rest
from outbound.transports.addresses import resolve, split_base_url
from outbound.transports.base import (
    CredentialsRefused,
    IdentityRefused,
    TargetNotAllowed,
    TargetRedirected,
    TargetTimedOut,
    TargetUnreachable,
    TransportError,
)
from outbound.transports.ftp import FtpStore
from outbound.transports.identity import connection_context
from outbound.transports.object_storage import ObjectStore
from outbound.transports.sftp import HostKeyRefused, SftpStore
from outbound.transports.sockets import Deadline, deadline, open_socket
from outbound.transports.store import open_store
from outbound.transports.usable import usable


_DEADLINE_SECONDS = 20.0
_CERTIFICATE_WARNING = dt.timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that was looked at, and what was seen."""

    name: str
    ok: bool
    seen: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionTest:
    """The outcome: a sentence, what was looked at in order, and what to do when it is not well."""

    connection: str
    ok: bool
    summary: str
    advice: str = ""
    steps: tuple[Step, ...] = field(default=())
    tested_at: dt.datetime

    def as_document(self) -> dict[str, Any]:
        """Give the outcome as plain JSON."""
        return {**asdict(self), "steps": [asdict(step) for step in self.steps], "tested_at": self.tested_at.isoformat()}


class _Failed(Exception):
    def __init__(self, summary: str, advice: str) -> None:
        super().__init__(summary)
        self.advice = advice


def test_connection(*, name: str, by: Any, at: dt.datetime) -> ConnectionTest:
    """
    Test a connection and record the outcome with its health; a good test closes an open breaker.

    Sends no message: `rest` asks the health path (or the base address) with GET, `email` greets and logs in, what
    transfers files logs in and counts what lies there.

    :raises UnknownConnection: when there is none of this name.
    """
    steps: list[Step] = []
    try:
        connection = queries.connection(name)
    except UnableToDecrypt:
        outcome = ConnectionTest(
            connection=name,
            ok=False,
            summary="The stored password or key cannot be decrypted. Nothing was sent.",
            advice="Put the key that it was encrypted with back into FIELD_ENCRYPTION_KEYS, or enter the secret anew.",
            tested_at=at,
        )
    else:
        try:
            summary = _test(connection, steps)
            outcome = ConnectionTest(connection=name, ok=True, summary=summary, steps=tuple(steps), tested_at=at)
        except _Failed as failure:
            outcome = ConnectionTest(
                connection=name,
                ok=False,
                summary=str(failure),
                advice=failure.advice,
                steps=tuple(steps),
                tested_at=at,
            )
    ConnectionHealth.objects.filter(connection__name=name).update(
        last_tested_at=at, last_tested_by=str(by or ""), last_test_result=outcome.as_document()
    )
    return outcome


# pytest collects by name what tests import.
test_connection.__test__ = False  # type: ignore[attr-defined]


def _test(connection: Connection, steps: list[Step]) -> str:
    try:
        if connection.transport == Transport.EMAIL:
            return _test_email(connection, steps)
        if connection.transport in FILE_TRANSPORTS:
            return _test_files(connection, steps)
        return _test_rest(connection, steps)
    except TransportError as error:
        words = storable(str(error))
        steps.append(Step(name="Result", ok=False, seen=words))
        if isinstance(error, CredentialsRefused) and connection.transport == Transport.OBJECT_STORAGE:
            raise _Failed(words, "Check key id and private key, and the clock of this machine.") from error
        raise _Failed(words, _advice(error)) from error


def _test_rest(connection: Connection, steps: list[Step]) -> str:
    client = rest.client(connection)
    scheme, host, port = split_base_url(connection.base_url)
    if scheme == in_process.SCHEME:
        host = kept("Tieline itself")
        steps.append(Step(name="Address", ok=True, seen=kept("this very process, no line in between")))
    else:
        _look_at_address(connection, host, port, steps)
        with deadline(Deadline.after(_DEADLINE_SECONDS)):
            _look_at_line(connection, scheme, host, port, client.tls_context, steps)
    path = options.value(connection.options, "health_path")
    answer = client.request_unguarded_by_breaker("GET", path, timeout=_DEADLINE_SECONDS)
    fault = retry.classify_status(answer.status)
    well = fault is None or (fault is retry.FaultType.BUSINESS and not path)
    seen = kept(f"HTTP {answer.status} in {answer.elapsed_seconds * 1000:.0f} ms")
    steps.append(Step(name=f"GET {path or connection.base_url}", ok=well, seen=seen))
    if retry.is_credential_status(answer.status):
        raise _Failed(
            f"{host} answers, but refuses the credentials ({seen}).",
            "Check user name and password, and that this user may call the path.",
        )
    if not well:
        advice = (
            "Check base address and health path."
            if answer.status < 500
            else "The target has a problem of its own; its operators can see it."
        )
        raise _Failed(f"{host} answers {seen}.", advice)
    if fault is not None:
        return f"{host} answers ({seen}); set the option health_path to a path that it serves to see more."
    return f"{host} answers: {seen}."


def _test_email(connection: Connection, steps: list[Step]) -> str:
    client = smtp.client(connection)
    _look_at_address(connection, client.host, client.port, steps)
    started = time.monotonic()
    permit = client.breaker.admit_by_hand(at=dt.datetime.now(dt.UTC))
    try:
        greeting = client.greet()
    except TransportError as error:
        client.breaker.failed(permit, at=dt.datetime.now(dt.UTC), reason=str(error))
        raise
    client.breaker.succeeded(permit, at=dt.datetime.now(dt.UTC))
    seen = f"{greeting}, {(time.monotonic() - started) * 1000:.0f} ms"
    steps.append(Step(name="SMTP", ok=True, seen=seen))
    return f"{client.host}:{client.port} takes mail: {seen}."


def _test_files(connection: Connection, steps: list[Step]) -> str:
    usable(connection, Transport(connection.transport))
    if connection.transport == Transport.OBJECT_STORAGE:
        scheme, host, port = split_base_url(connection.base_url)
        _look_at_address(connection, host, port, steps)
        with deadline(Deadline.after(_DEADLINE_SECONDS)):
            _look_at_line(connection, scheme, host, port, connection_context(connection), steps)
    else:
        host, port = connection.host, connection.port or DEFAULT_PORTS[Transport(connection.transport)]
        _look_at_address(connection, host, port, steps)
    with open_store(connection, by_hand=True) as store:
        if isinstance(store, SftpStore):
            steps.append(Step(name=kept("Host key"), ok=True, seen=kept(f"{store.host_key}, the known one")))
        if isinstance(store, FtpStore):
            seen = store.tls_version or kept("none: this is plain FTP, password and files travel in clear")
            steps.append(Step(name="TLS", ok=True, seen=seen))
        if isinstance(store, ObjectStore):
            steps.append(Step(name="Namespace", ok=True, seen=kept(f"{store.namespace}: the signature is accepted")))
            if not store.bucket:
                return f"{host}:{port} takes our signature; name a bucket as the directory to see more."
            place, what = kept(f"bucket {store.bucket}"), "object"
        else:
            steps.append(Step(name="Login", ok=True, seen=kept(f"logged in as {connection.username}")))
            place, what = connection.directory or kept("the login's own directory"), "file"
        number = len(store.list())
    seen = f"{place}: {number} {what}{'' if number == 1 else 's'}"
    steps.append(Step(name="Directory" if what == "file" else "Bucket", ok=True, seen=seen))
    return f"{host}:{port} answers. {seen[0].upper()}{seen[1:]}."


def _look_at_address(connection: Connection, host: str, port: int, steps: list[Step]) -> None:
    addresses = resolve(host, port, timeout=float(connection.connect_timeout))
    steps.append(Step(name="Address", ok=True, seen=f"{host} is {', '.join(addresses)}"))
    deployment_guard().check_all(addresses)


def _look_at_line(
    connection: Connection, scheme: str, host: str, port: int, context: ssl.SSLContext, steps: list[Step]
) -> None:
    timeout = float(connection.connect_timeout)
    guard = deployment_guard()
    with open_socket(host=host, port=port, guard=guard, connect_timeout=timeout) as sock:
        steps.append(Step(name="Connection", ok=True, seen=kept(f"{sock.getpeername()[0]} port {port} accepts")))
        if scheme != "https":
            steps.append(Step(name="TLS", ok=True, seen=kept("none: this is plain http, credentials travel in clear")))
            return
        try:
            with context.wrap_socket(sock, server_hostname=host) as secured:
                certificate = secured.getpeercert() or {}
                version = secured.version()
        except ssl.SSLCertVerificationError as error:
            raise TargetUnreachable(f"{host}'s certificate is refused: {error.verify_message}.") from error
        except ssl.SSLError as error:
            raise TargetUnreachable(f"The TLS handshake with {host} failed: {error.reason}.") from error
        except TimeoutError as error:
            raise TargetTimedOut(f"{host} did not finish the TLS handshake.", sent=False) from error
        except OSError as error:
            raise TargetUnreachable(f"{host} broke off the TLS handshake.") from error
    ends = dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), dt.UTC)
    soon = ends - dt.datetime.now(dt.UTC) < _CERTIFICATE_WARNING
    seen = kept(f"{version}, certificate valid until {ends:%Y-%m-%d}") + (kept(" (renew it soon)") if soon else "")
    steps.append(Step(name="TLS", ok=True, seen=seen))


def _advice(error: TransportError) -> str:
    if isinstance(error, TargetNotAllowed):
        return "An administrator allows private networks with OUTBOUND_ALLOWED_NETWORKS (comma-separated CIDRs)."
    if isinstance(error, TargetRedirected):
        return "Set the base address to where the redirect points, if that is the target."
    if isinstance(error, TargetTimedOut):
        return "Check that the target runs and that no firewall drops the call; raise the timeouts if it is slow."
    if isinstance(error, TargetUnreachable):
        if "trust" in str(error) or "certificate" in str(error):
            return "Put the certificate of the authority that signed the target's into the CA bundle."
        return "Check host name and port, and that the target runs."
    if isinstance(error, HostKeyRefused):
        return "Do not store the new key unseen: ask the server's operators whether they changed it."
    if isinstance(error, IdentityRefused):
        return "Choose an identity certificate that the target's operators accept, under Trust and options."
    if isinstance(error, CredentialsRefused):
        return "Check user name and password."
    if error.permanent:
        return "Change the connection as the message says."
    return "Try again; if it stays, ask the target's operators."
