"""
Who tries passwords is locked out (`reliability.md` S7), by django-axes with the rule declared here.

One name from one address may fail LOGIN_FAILURE_LIMIT times, one name from all addresses together and one address
with all names together ten times as often. Whoever is over a limit waits for LOGIN_LOCKOUT_MINUTES, and so does a name
that no account has: what is answered does not tell which names exist.
"""

from __future__ import annotations

from typing import Any

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.db.models import Sum


WIDER = 10
"""How many times the limit of one name from one address holds for a name alone and for an address alone."""


class LoginGuard(AxesDatabaseHandler):
    """Counts failures in the database, so that all processes know of each; AXES_HANDLER."""

    def get_failures(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Give the failures that count: those of the pair, or a tenth of those of name or address alone."""
        pair, name, address = (
            attempts.aggregate(failures=Sum("failures_since_start"))["failures"] or 0
            for attempts in self.get_user_attempts(request, credentials)
        )
        return max(pair, name // WIDER, address // WIDER)

    def reset_user_attempts(self, request: Any, credentials: dict[str, Any] | None = None) -> int:
        """Forget the failures of this name from this address: nobody clears those of others by logging in."""
        return forget(name_of(request, credentials), request.axes_ip_address)


def forget(name: str, address: str | None) -> int:
    """Forget the failures of a name from an address, give how many rows there were."""
    count, _ = AccessAttempt.objects.filter(username=name, ip_address=address).delete()
    return count


def name_of(request: Any, credentials: dict[str, Any] | None = None) -> str:
    """Give the name that was tried, as it can be stored; AXES_USERNAME_CALLABLE."""
    given = (credentials or {}).get("username")
    if given is None:
        given = getattr(request, "POST", {}).get("username")
    return storable_name(str(given or ""))


def storable_name(given: str) -> str:
    """Give a name that somebody typed without what no database takes; no account is called like that."""
    return given.replace("\x00", "�")[:255]
