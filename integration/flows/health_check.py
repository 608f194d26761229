"""
Is DACS well enough for a file: F1-HealthCheckREST (`integration.md` 3.12).

200 is well; 203 (a warning) only when `accept_degraded` says so; everything else is not. A positive answer holds for
30 seconds per connection and process, a negative one not at all.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass

from integration.flows import dacs_answers
from integration.flows.contract import Fault
from integration.flows.dacs_enrollment import fault_of
from outbound.retry import FaultType, is_credential_status
from outbound.transports import base
from outbound.transports.rest import RestClient


HEALTH_PATH = "/rest/apis/common/healthCheck"
ACCEPT_DEGRADED = "dacs.healthcheck.acceptDegraded"
CACHE_SECONDS = 30.0
OK, DEGRADED = 200, 203

_lock = threading.Lock()
_well: weakref.WeakKeyDictionary[RestClient, tuple[float, int]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthVerdict:
    """Whether the target may be used now, and what it said; `fault` when it may not."""

    healthy: bool
    status: int
    reason: str
    fault: Fault | None = None
    cached: bool = False


def check(
    client: RestClient,
    accept_degraded: bool,
    *,
    path: str = HEALTH_PATH,
    monotonic: Callable[[], float] = time.monotonic,
) -> HealthVerdict:
    """Ask the target, unless it said within the last 30 seconds that it is well. Tells faults in its verdict."""
    with _lock:
        asked_at, status = _well.get(client, (0.0, 0))
    if status and monotonic() - asked_at < CACHE_SECONDS and (status == OK or accept_degraded):
        return HealthVerdict(healthy=True, status=status, reason=_words(status, accept_degraded), cached=True)
    try:
        answer = client.request("GET", path)
    except base.TransportError as error:
        fault = fault_of(error)
        return HealthVerdict(healthy=False, status=0, reason=fault.reason, fault=fault)
    reason = _words(answer.status, accept_degraded)
    if answer.status == OK or (answer.status == DEGRADED and accept_degraded):
        with _lock:
            _well[client] = (monotonic(), answer.status)
        return HealthVerdict(healthy=True, status=answer.status, reason=reason)
    code = str(answer.status) if is_credential_status(answer.status) else f"health_check_{answer.status}"
    return HealthVerdict(
        healthy=False,
        status=answer.status,
        reason=reason,
        fault=Fault(type=FaultType.REMOTE, code=code, reason=reason, detail=f"{reason}: {answer.excerpt()}"),
    )


def forget() -> None:
    """Forget what was answered, as a new process would."""
    with _lock:
        _well.clear()


def _words(status: int, accept_degraded: bool) -> str:
    if status == OK:
        return "DACS is well (health check 200)"
    if status == DEGRADED and accept_degraded:
        return f"DACS is degraded (health check 203), which {ACCEPT_DEGRADED} accepts"
    if status == DEGRADED:
        return f"DACS is degraded (health check 203), and {ACCEPT_DEGRADED} is false"
    return f"The health check of DACS failed: {dacs_answers.status_text(status)}"
