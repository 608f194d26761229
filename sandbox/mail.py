"""A mailbox: takes every mail, delivers none, and shows them on its control port."""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Iterable
from email import policy
from email.parser import BytesParser
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.exchange import PeerRequest, iso, now
from sandbox.faults import FaultBook
from sandbox.service import Action, Service


_KEPT_MAILS = 5_000
_MAX_MAIL_BYTES = 32 * 1024 * 1024
_DROPPED = "421 Closing the connection"


class Mailbox(Service):
    """The mails that arrived. Its control API is the peers'; `state` lists the mails."""

    name = "mail"
    title = "Sandbox: mailbox"

    def __init__(self) -> None:
        super().__init__()
        self._mails: deque[dict[str, Any]] = deque(maxlen=_KEPT_MAILS)

    def actions(self) -> Iterable[tuple[str, str, Action]]:
        """Nothing but the control API is served over HTTP."""
        return ()

    def keep(self, envelope: Envelope) -> None:
        """Keep one mail with its parts."""
        content = envelope.original_content or b""
        message = BytesParser(policy=policy.default).parsebytes(content)
        parts = {"plain": "", "html": ""}
        attachments = []
        for part in message.walk():
            if part.get_filename():
                attachments.append(part.get_filename())
            elif part.get_content_maintype() == "text":
                parts[part.get_content_subtype()] = str(part.get_content())
        mail = {
            "at": iso(now()),
            "sender": envelope.mail_from,
            "recipients": list(envelope.rcpt_tos),
            "subject": str(message["Subject"] or ""),
            "messageId": str(message["Message-ID"] or ""),
            "text": parts["plain"],
            "html": parts["html"],
            "attachments": attachments,
        }
        with self.lock:
            self._mails.append(mail)

    def state(self) -> dict[str, Any]:
        """Give the mails, oldest first."""
        with self.lock:
            return {"count": len(self._mails), "mails": list(self._mails)}

    def reset(self) -> None:
        """Throw the mails away."""
        with self.lock:
            super().reset()
            self._mails.clear()


class MailHandler:
    """What aiosmtpd calls for each mail; faults apply with `SMTP` as the method and the recipient in the path."""

    def __init__(self, *, mailbox: Mailbox, faults: FaultBook) -> None:
        self._mailbox = mailbox
        self._faults = faults

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        """Keep the mail, or do as a fault says."""
        request = PeerRequest(
            method="SMTP",
            path="/" + ",".join(envelope.rcpt_tos),
            headers={},
            body=envelope.original_content or b"",
            received_at=now(),
        )
        rule = self._faults.take(request)
        if rule is None:
            self._mailbox.keep(envelope)
            return "250 OK"
        if rule.after_effect:
            self._mailbox.keep(envelope)
        if rule.delay_seconds:
            await asyncio.sleep(rule.delay_seconds)
        if rule.down or rule.reset:
            if isinstance(server.transport, asyncio.WriteTransport):
                server.transport.abort()
            return _DROPPED
        if rule.status is not None:
            return f"{rule.status} {rule.body or 'Told to refuse'}"
        if not rule.after_effect:
            self._mailbox.keep(envelope)
        return "250 OK"


def smtp_controller(*, mailbox: Mailbox, faults: FaultBook, host: str, port: int) -> Controller:
    """Give the SMTP server of the mailbox, not yet started; port 0 picks a free one."""
    handler = MailHandler(mailbox=mailbox, faults=faults)
    return Controller(handler, hostname=host, port=port or _free_port(host), data_size_limit=_MAX_MAIL_BYTES)


def _free_port(host: str) -> int:
    # The controller connects to its own port when it starts, so that it has to know it before.
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
