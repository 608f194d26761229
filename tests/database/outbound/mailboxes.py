"""A real SMTP server on loopback whose mailbox a test can look into."""

from __future__ import annotations

import contextlib
import email
import email.policy
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


@dataclass
class Mailbox:
    """What arrived, and what the server answers next."""

    port: int = 0
    arrived: list[EmailMessage] = field(default_factory=list)
    envelopes: list[Any] = field(default_factory=list)
    reply_to_data: str = "250 OK"
    reply_to_recipient: dict[str, str] = field(default_factory=dict)
    logins: list[tuple[bytes, bytes]] = field(default_factory=list)
    good_login: tuple[bytes, bytes] | None = None
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        reply = self.reply_to_recipient.get(address, "250 OK")
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, _server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.reply_to_data.startswith("250"):
            message = email.message_from_bytes(envelope.original_content, policy=email.policy.default)
            self.arrived.append(message)  # type: ignore[arg-type]
            self.envelopes.append(envelope)
            self.encrypted.append(session.ssl is not None)
        return self.reply_to_data

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append((given.login, given.password))
        good = (given.login, given.password) == self.good_login
        # Not handled: the server itself says no.
        return AuthResult(success=good, handled=good)


class _Controller(Controller):
    def _trigger_server(self) -> None:
        # The port is chosen by the system: known once the server listens.
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextlib.contextmanager
def mailbox(*, tls: ssl.SSLContext | None = None, login: tuple[bytes, bytes] | None = None) -> Iterator[Mailbox]:
    """Run a server; with `tls` it offers STARTTLS, with `login` it wants one."""
    box = Mailbox(good_login=login)
    controller = _Controller(
        box,
        hostname="127.0.0.1",
        port=0,
        tls_context=tls,
        authenticator=box.authenticate if login else None,
        auth_required=login is not None and tls is not None,
        auth_require_tls=tls is not None,
    )
    controller.start()
    box.port = controller.port
    try:
        yield box
    finally:
        controller.stop()
