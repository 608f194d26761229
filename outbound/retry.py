"""
Retry policy, as pure functions: no clock, no database, no sockets (`house.md` D3, `reliability.md` P4 and Q5-Q8).

A fault is technical (ours), remote (the target cannot be reached or cannot serve) or business (the target
refused a valid message). Only remote faults are retried by themselves.
"""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


RETRY_AFTER_CAP_SECONDS = 24 * 3600.0
_CREDENTIAL_STATUSES = frozenset({401, 403, 407})
_REMOTE_STATUSES = frozenset({408, 425, 429})
# Beyond this exponent every cap is reached; 2.0 ** 2000 would overflow.
_MAX_EXPONENT = 60


class FaultType(StrEnum):
    """The three classes of fault (`integration.md` 2.5)."""

    TECHNICAL = "TECHNICAL"
    REMOTE = "REMOTE"
    BUSINESS = "BUSINESS"


class Fault(Protocol):
    """What the policy needs to know about a failed call: the transport errors fit it."""

    @property
    def fault(self) -> FaultType: ...

    @property
    def permanent(self) -> bool: ...

    @property
    def credentials(self) -> bool: ...

    @property
    def held(self) -> bool: ...

    @property
    def retry_after(self) -> float | None: ...


class Verdict(StrEnum):
    """What happens after a failed try."""

    RETRY = "RETRY"
    HOLD = "HOLD"
    GIVE_UP = "GIVE_UP"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDecision:
    """
    What to do next.

    RETRY: again after `delay_seconds`, and `num_retries` goes up by one. HOLD: again after `delay_seconds`
    without using a retry. GIVE_UP: the error list.
    """

    verdict: Verdict
    delay_seconds: float = 0.0


def classify_status(status: int) -> FaultType | None:
    """
    Give the fault class of an HTTP status, None for a success (2xx).

    401, 403 and 407 are remote (credentials, no retry), 408, 425, 429 and 5xx are remote, 3xx is technical (the
    connection's address is wrong, redirects are never followed), any other 4xx is business.
    """
    if 200 <= status < 300:
        return None
    if is_credential_status(status) or status in _REMOTE_STATUSES or status >= 500 or status < 200:
        return FaultType.REMOTE
    if status < 400:
        return FaultType.TECHNICAL
    return FaultType.BUSINESS


def is_credential_status(status: int) -> bool:
    """Whether the target refused who calls rather than what is asked (`reliability.md` P4)."""
    return status in _CREDENTIAL_STATUSES


def counts_against_connection(status: int) -> bool:
    """Whether an answer speaks of an ill target. A target that says "slow down" or "no" is well."""
    return status >= 500 or status == 408


def classify_error(error: Fault) -> FaultType:
    """Give the fault class of a transport error."""
    return error.fault


def backoff(*, attempt: int, base: float, cap: float, random: Callable[[], float]) -> float:
    """
    Give the seconds to wait before retry number `attempt` (the first is 1): full jitter.

    :param base: seconds; the upper bound of the first wait.
    :param cap: seconds; the upper bound of every wait.
    :param random: gives a number in [0, 1).
    :raises ValueError: when attempt is below 1, or base or cap is negative.
    """
    if attempt < 1:
        raise ValueError(f"attempt must be 1 or more, not {attempt}")
    if base < 0 or cap < 0:
        raise ValueError(f"base and cap must not be negative: {base}, {cap}")
    ceiling = min(float(cap), float(base) * 2.0 ** min(attempt - 1, _MAX_EXPONENT))
    return random() * ceiling


def parse_retry_after(value: str | None, *, at: dt.datetime) -> float | None:
    """
    Read a `Retry-After` header: seconds from `at`, at most 24 h; None when absent or not to be understood.

    Seconds or an HTTP date; a date in the past means now (0).
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), RETRY_AFTER_CAP_SECONDS)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return min(max((moment - at).total_seconds(), 0.0), RETRY_AFTER_CAP_SECONDS)


def decide(
    *,
    fault: Fault,
    num_retries: int,
    max_retries: int,
    base: float,
    cap: float,
    random: Callable[[], float],
) -> RetryDecision:
    """
    Decide what follows a failed try, from the fault and the retries already used (`house.md` D4).

    A call that was held back by an open breaker, or refused for its credentials, uses no retry. A target that
    names a time to wait is never called earlier.
    """
    if fault.held or fault.credentials:
        wait = fault.retry_after if fault.retry_after is not None else float(base)
        return RetryDecision(verdict=Verdict.HOLD, delay_seconds=min(wait, RETRY_AFTER_CAP_SECONDS))
    if fault.permanent or classify_error(fault) is not FaultType.REMOTE or num_retries >= max_retries:
        return RetryDecision(verdict=Verdict.GIVE_UP)
    delay = backoff(attempt=num_retries + 1, base=base, cap=cap, random=random)
    if fault.retry_after is not None:
        delay = max(delay, min(fault.retry_after, RETRY_AFTER_CAP_SECONDS))
    return RetryDecision(verdict=Verdict.RETRY, delay_seconds=delay)
