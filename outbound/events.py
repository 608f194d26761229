"""What higher floors may want to know; they subscribe, nothing here knows them."""

from __future__ import annotations

from django.dispatch import Signal


# Sent once per change, by the process that made it. Arguments: `name` of the connection, `state` (BreakerState),
# `reason` (text), `credentials` (whether the target refused who calls), `at`.
breaker_changed = Signal()
