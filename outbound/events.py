"""What higher floors may want to know; they subscribe, nothing here knows them."""

from __future__ import annotations

from django.dispatch import Signal


# Sent once per change, by the process that made it. Arguments: `name` of the connection, `state` (BreakerState),
# `reason` (text), `credentials` (whether the target refused who calls), `at`.
breaker_changed = Signal()

# Sent after commit when an outbound message has come to its end: SUCCESS, FAIL for good, or CANCELED. Arguments:
# `message` (OutboundMessage), `status` (MessageStatus), `answer` (bytes: the body of the last answer, empty when there
# was none). A receiver may hear of the same end twice (a process that died in between is made up for by the sweep).
message_settled = Signal()

certificate_saved = Signal()
"""A certificate was uploaded, also a newer one under the name of an older: `certificate`, `at`. After the commit."""
