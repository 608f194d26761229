"""What higher floors may want to know; they subscribe, nothing here knows them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.dispatch import Signal


About = Callable[[Any, str], bool]


class Ends(Signal):
    """
    A signal of ends whose receivers say at once which of them they are about.

    An end that is about nobody's business is not told; a receiver that says nothing hears of all.
    """

    def __init__(self) -> None:
        super().__init__()
        self._about: dict[Any, About | None] = {}

    def connect(
        self,
        receiver: Callable[..., Any],
        sender: Any = None,
        weak: bool = True,
        dispatch_uid: Any = None,
        *,
        about: About | None = None,
    ) -> None:
        """
        Let a receiver hear of ends.

        :param about: whether a message that ended with a status is of interest to it.
        """
        super().connect(receiver, sender=sender, weak=weak, dispatch_uid=dispatch_uid)
        self._about[dispatch_uid or id(receiver)] = about

    def disconnect(self, receiver: Any = None, sender: Any = None, dispatch_uid: Any = None) -> bool:
        """Let a receiver hear no more; say whether it did."""
        self._about.pop(dispatch_uid or id(receiver), None)
        return super().disconnect(receiver, sender=sender, dispatch_uid=dispatch_uid)

    def wanted(self, message: Any, status: str) -> bool:
        """Whether anybody wants to hear that a message has ended so."""
        return any(about is None or about(message, status) for about in self._about.values())


# Sent once per change, by the process that made it. Arguments: `name` of the connection, `state` (BreakerState),
# `reason` (text), `credentials` (whether the target refused who calls), `at`.
breaker_changed = Signal()

# Sent after commit when an outbound message has come to its end: SUCCESS, FAIL for good, or CANCELED. Arguments:
# `message` (OutboundMessage), `status` (MessageStatus), `answer` (bytes: the body of the last answer, empty when there
# was none). A receiver may hear of the same end twice (a process that died in between is made up for by the sweep).
# `about` is given the message and its status.
message_settled = Ends()

certificate_saved = Signal()
"""A certificate was uploaded, also a newer one under the name of an older: `certificate`, `at`. After the commit."""
