"""What goes in and out of a peer: one request, one answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


class UnableToReadJson(Exception):
    """The body is not a JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRequest:
    """One request as it arrived; `headers` have lower-case names."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    received_at: datetime

    @property
    def idempotency_key(self) -> str:
        """The key under which the sender wants one effect, or an empty string."""
        return self.headers.get("idempotency-key", "")

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", errors="replace")

    def json_object(self) -> dict[str, Any]:
        """
        Read the body as a JSON object.

        :raises UnableToReadJson: when it is anything else.
        """
        try:
            document = json.loads(self.body)
        except ValueError as error:
            raise UnableToReadJson(f"The body is not JSON: {error}") from error
        if not isinstance(document, dict):
            raise UnableToReadJson("The body is not a JSON object.")
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAnswer:
    """
    One answer; a `document` that is not bytes or text is sent as JSON.

    `replayed`: the answer of an earlier request with the same Idempotency-Key, and nothing was done for this one.
    """

    status: int
    document: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    replayed: bool = False

    @property
    def took_effect(self) -> bool:
        """Whether the peer did something for the request."""
        return self.status < 300 and not self.replayed

    def body(self) -> bytes:
        """Give the bytes that go on the wire."""
        if self.document is None:
            return b""
        if isinstance(self.document, bytes):
            return self.document
        if isinstance(self.document, str):
            return self.document.encode()
        return json.dumps(self.document).encode()


def now() -> datetime:
    """Read the clock, in UTC."""
    return datetime.now(tz=UTC)


def iso(at: datetime) -> str:
    """Write an instant as the peers do: UTC with milliseconds and `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
