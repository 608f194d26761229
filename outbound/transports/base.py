"""What every transport shares: its errors and the answer of a call. Plain Python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, NoReturn

from outbound.retry import FaultType


_EXCERPT_LENGTH = 500
_MAX_NESTING = 200


class TransportError(Exception):
    """
    A call did not give an answer that can be used.

    `sent` says whether the target may have acted: False, nothing reached it; True, it got all of it; None, unknown,
    so the same message may only go again under the same idempotency key. `permanent` says that trying again without
    a change is useless, `credentials` that the target refused who calls, `held` that the call was never tried.
    """

    fault: ClassVar[FaultType] = FaultType.REMOTE
    permanent: bool = False
    credentials: bool = False
    held: bool = False
    sent: bool | None = None
    retry_after: float | None = None

    def __init__(self, message: str, *, sent: bool | None = None) -> None:
        super().__init__(message)
        if sent is not None:
            self.sent = sent


class TargetUnreachable(TransportError):
    """The name does not resolve, nobody listens, or the TLS handshake failed: nothing was sent."""

    sent = False


class TargetNotTrusted(TargetUnreachable):
    """The target's certificate is refused, or it speaks no TLS that is good enough: nothing was sent."""


class TargetTimedOut(TransportError):
    """The deadline passed. Before the connection stood nothing was sent; after that nobody knows."""


class TargetBroke(TransportError):
    """The target broke off: a reset, a cut body, or an answer that is no HTTP."""


class AnswerTooLarge(TransportError):
    """The answer is over the limit; the rest of it was not read."""

    sent = True


class AnswerUnreadable(TransportError):
    """The answer is complete but not the JSON that it should be, e.g. a login page."""

    sent = True


class TargetRedirected(TransportError):
    """The target answered with a redirect, which is never followed: the connection's address is wrong."""

    fault = FaultType.TECHNICAL
    permanent = True
    sent = True


class CredentialsRefused(TransportError):
    """The target refused who calls. The connection pauses; no retry is used up."""

    credentials = True
    sent = False


class IdentityRefused(CredentialsRefused):
    """The target does not accept the client certificate that was shown (two-way TLS): it did nothing."""


class IdentityMissing(IdentityRefused):
    """The target asks for a client certificate, and the connection has none: it did nothing."""


class MessageRefused(TransportError):
    """The target refused this message for good, e.g. an unknown mailbox."""

    fault = FaultType.BUSINESS
    permanent = True
    sent = False


class MessageDeferred(TransportError):
    """The target is well, but asks to bring this message again later, e.g. a mailbox that is full."""

    sent = False


class CircuitOpen(TransportError):
    """The connection's breaker is open: nothing was sent, nothing counts. `retry_after` is in seconds."""

    held = True
    sent = False

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ConnectionBusy(TransportError):
    """The connection's own rate or concurrency limit left no room before the deadline: nothing was sent."""

    held = True
    sent = False


class TargetNotAllowed(TransportError):
    """The address is none that calls may go to (loopback, private, link-local, …): nothing was sent."""

    fault = FaultType.TECHNICAL
    permanent = True
    sent = False


class ConnectionNotUsable(TransportError):
    """The connection is switched off, incomplete, or of a transport that is not available in this version."""

    fault = FaultType.TECHNICAL
    permanent = True
    sent = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the target answered, whatever the status: 4xx and 5xx are answers too."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    elapsed_seconds: float

    def json(self) -> Any:
        """
        Give the body as JSON, numbers with a fraction as exact decimals.

        :raises AnswerUnreadable: when it is no JSON.
        """
        try:
            text = self.body.decode("utf-8-sig")
            if text.count("[") + text.count("{") > _MAX_NESTING:
                _refuse_deep_nesting(text)
            return json.loads(text, parse_float=_decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            kind = self.headers.get("Content-Type", "without a content type")
            raise AnswerUnreadable(
                f"The answer (HTTP {self.status}, {kind}) is not JSON: {error}".replace("\n", " ")
            ) from None

    def excerpt(self) -> str:
        """Give the start of the body as one line of printable text, for an error message."""
        text = self.body[: 4 * _EXCERPT_LENGTH].decode("utf-8", errors="replace")
        return "".join(character if character.isprintable() else " " for character in text)[:_EXCERPT_LENGTH].strip()


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    # 1e999999999 is a few bytes to receive and gigabytes to write out again.
    if abs(value.adjusted()) > 1_000:
        raise ValueError(f"the number {text[:40]} is out of range")
    return value


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _refuse_deep_nesting(text: str) -> None:
    depth, quoted, escaped = 0, False, False
    for character in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped = character == "\\"
            quoted = character != '"'
        elif character == '"':
            quoted = True
        elif character in "[{":
            depth += 1
            if depth > _MAX_NESTING:
                raise ValueError(f"nested deeper than {_MAX_NESTING} levels")
        elif character in "]}":
            depth -= 1
