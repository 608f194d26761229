"""Which mail server takes a mail: the connection named MAIL, else the one of EMAIL_URL."""

from __future__ import annotations

import datetime as dt
import email.utils
import smtplib
from dataclasses import dataclass
from typing import Protocol

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

from foundation.kept_texts import kept
from outbound import queries
from outbound.breaker import Permit
from outbound.models import Mail
from outbound.operations.connections import MAIL_CONNECTION
from outbound.operations.mail_messages import build_message
from outbound.retry import FaultType
from outbound.transports import email as smtp
from outbound.transports.base import (
    ConnectionNotUsable,
    CredentialsRefused,
    MessageDeferred,
    MessageRefused,
    TargetBroke,
    TransportError,
)


# How long a mail that probes a server keeps others from trying; a slow one may be overtaken, a lost one must not block.
_PROBE_SECONDS = 60.0


class NoMailServer(ConnectionNotUsable):
    """There is neither a connection named MAIL nor an EMAIL_URL: the mail waits."""

    held = True
    retry_after = 60.0


class MailConnectionNotUsable(ConnectionNotUsable):
    """The connection named MAIL is switched off or no mail connection: the mail waits."""

    held = True
    retry_after = 60.0


class MailServer(Protocol):
    """What takes a mail."""

    @property
    def name(self) -> str:
        """The server's name in the evidence."""

    def send(self, mail: Mail) -> str:
        """
        Hand a mail over; give a note about recipients that were refused, empty when none was.

        :raises TransportError: when it could not be handed over.
        """


def open_server(*, at: dt.datetime) -> MailServer:
    """
    Give the server that takes mails now, without calling it.

    :raises NoMailServer: when none is set up.
    :raises MailConnectionNotUsable: when the connection named MAIL cannot be used.
    :raises CircuitOpen: when its breaker is open.
    """
    try:
        connection = queries.connection(MAIL_CONNECTION)
    except queries.UnknownConnection:
        if not settings.EMAIL_URL:
            raise NoMailServer("There is no mail server: create a connection named MAIL, or set EMAIL_URL.") from None
        return _ServerOfSettings()
    try:
        client = smtp.client(connection)
    except ConnectionNotUsable as error:
        raise MailConnectionNotUsable(str(error)) from error
    return _ServerOfConnection(client, client.breaker.admit(at=at, hold_seconds=_PROBE_SECONDS), at)


@dataclass(frozen=True, slots=True)
class _ServerOfConnection:
    client: smtp.SmtpClient
    permit: Permit
    at: dt.datetime

    @property
    def name(self) -> str:
        return f"{self.client.name} ({self.client.host}:{self.client.port})"

    def send(self, mail: Mail) -> str:
        breaker = self.client.breaker
        try:
            refused = self.client.send(
                sender=email.utils.parseaddr(mail.sender)[1],
                recipients=[email.utils.parseaddr(each)[1] for each in mail.to],
                message=build_message(mail).message().as_bytes(linesep="\r\n"),  # type: ignore[call-arg]
            )
        except (MessageRefused, MessageDeferred):
            breaker.succeeded(self.permit, at=self.at)
            raise
        except TransportError as error:
            if error.credentials:
                breaker.refused_credentials(self.permit, at=self.at, reason=str(error))
            elif error.fault is FaultType.REMOTE:
                breaker.failed(self.permit, at=self.at, reason=str(error))
            else:
                breaker.release(self.permit)
            raise
        breaker.succeeded(self.permit, at=self.at)
        return "; ".join(kept(f"{address} was refused: {reason}") for address, reason in refused.items())


@dataclass(frozen=True, slots=True)
class _ServerOfSettings:
    name: str = "EMAIL_URL"

    def send(self, mail: Mail) -> str:
        message: EmailMultiAlternatives = build_message(mail)
        message.connection = get_connection(fail_silently=False)
        try:
            message.send()
        except smtplib.SMTPAuthenticationError as error:
            raise CredentialsRefused(f"The server of EMAIL_URL refused the login ({error.smtp_code}).") from error
        except smtplib.SMTPRecipientsRefused as error:
            if all(code >= 500 for code, _ in error.recipients.values()):
                raise MessageRefused(f"The server of EMAIL_URL refused every recipient: {error}") from error
            raise MessageDeferred(f"The server of EMAIL_URL cannot take the mail now: {error}") from error
        except smtplib.SMTPResponseException as error:
            if error.smtp_code >= 500:
                raise MessageRefused(f"The server of EMAIL_URL refused the mail: {error}") from error
            raise MessageDeferred(f"The server of EMAIL_URL cannot take the mail now: {error}") from error
        except (smtplib.SMTPException, OSError) as error:
            raise TargetBroke(f"The server of EMAIL_URL did not take the mail: {error}") from error
        return ""
