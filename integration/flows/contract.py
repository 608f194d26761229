"""What the runner and a flow say to each other. Plain Python."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from outbound.retry import FaultType


if TYPE_CHECKING:
    from integration.flows.run import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong in a message, and where: a JSON pointer (RFC 6901)."""

    pointer: str
    code: str
    message: str

    def as_error(self) -> dict[str, str]:
        """Give the entry of a problem document's `errors`."""
        return {"pointer": self.pointer, "code": self.code, "message": self.message}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """
    Why a run failed (`integration.md` 2.5). `code` is what incidents are told apart by.

    `reason` may go to the caller; `detail` may name hosts and is for people inside.
    """

    type: FaultType
    code: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """One call to the target, as far as it is kept as a payload."""

    request: bytes
    response: bytes | None
    succeeded: bool
    label: str = ""
    media_type: str = "application/json"


class MessageRefused(ValueError):
    """The message breaks the contract as a whole; nothing is stored."""

    def __init__(self, detail: str, *, findings: Sequence[Finding] = (), message_id: str = "") -> None:
        super().__init__(detail)
        self.findings = tuple(findings)
        self.message_id = message_id


class ConfigurationMissing(Exception):
    """What the flow needs is not configured, so that no message can be taken; nothing is stored."""


class MessageKeyReused(Exception):
    """A business key came before with another body; nothing is stored."""

    def __init__(self, detail: str, *, findings: Sequence[Finding] = (), message_id: str = "") -> None:
        super().__init__(detail)
        self.findings = tuple(findings)
        self.message_id = message_id


class FileRefused(ValueError):
    """The file of a message is refused as a whole; nothing is stored. `errors` name lines and columns."""

    def __init__(self, detail: str, *, errors: Sequence[Mapping[str, Any]] = (), message_id: str = "") -> None:
        super().__init__(detail)
        self.errors = [dict(error) for error in errors]
        self.message_id = message_id


class FileMissing(ValueError):
    """The flow takes a message with a file, and this is none."""


class MessageInProgress(Exception):
    """The same message is being worked on right now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the caller gets: the bytes are stored and given as they are."""

    status: int
    body: bytes
    run_id: str
    repeated: bool = False
    location: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """
    How a flow ended.

    With a `fault` the run is FAILED although the caller got an answer; `notify` says that the guide wants an e-mail.
    """

    document: Mapping[str, Any]
    status: int = 200
    ack_type: str = ""
    counts: Mapping[str, int] | None = None
    fault: Fault | None = None
    notify: bool = False


class PackagedFlow(Protocol):
    """A built flow. `accepted` is whatever its `accept` gives."""

    def accept(self, document: Any) -> Any:
        """
        Check a message before anything is stored.

        :raises MessageRefused: when it breaks the contract as a whole.
        """

    def identifiers(self, accepted: Any) -> Sequence[tuple[str, str]]:
        """Give the business identifiers that people search by, the most telling first."""

    def recall(self, accepted: Any, *, flow_id: int, digest: str, at: dt.datetime) -> Reply | None:
        """
        Give the original answer when the same message was answered for good before.

        :raises MessageKeyReused: when a business key came with another body.
        :raises MessageInProgress: when it is being worked on.
        """

    def claim(self, accepted: Any, *, run_id: Any, flow_id: int, again: bool, at: dt.datetime) -> None:
        """
        Take the message's business keys for this run, in the transaction that stores it.

        `again` is set for a replay: what is settled is sent once more.

        :raises MessageKeyReused: when a business key came with another body.
        :raises MessageInProgress: when another run holds one of them.
        """

    def run(self, run: Run, accepted: Any) -> Outcome:
        """Do the work, step by step."""
