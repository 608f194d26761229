"""How many requests an account may make in a minute."""

from __future__ import annotations

import time
from typing import Any

import structlog
from django.conf import settings
from django.core.cache import cache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from foundation.api.authentication import IN_PROCESS_ACCOUNT
from foundation.client_address import is_loopback


logger = structlog.get_logger(__name__)

_WINDOW_SECONDS = 60


class RequestsPerAccount(BaseThrottle):
    """
    Refuse what an account asks beyond API_REQUESTS_PER_MINUTE with 429 and `Retry-After`.

    Counted per clock minute by an atomic increment, over all addresses and all of the account's credentials: password,
    token and session are one caller. Who calls from this machine is not limited. When the counter cannot be reached,
    requests pass: a limit is no reason to lose a message.
    """

    def allow_request(self, request: Request, view: Any) -> bool:
        """Count the request; False once there are too many."""
        limit = settings.API_REQUESTS_PER_MINUTE
        account = request.user.pk
        if limit <= 0 or account is None or IN_PROCESS_ACCOUNT in request.META or is_loopback(request):
            return True
        try:
            return _count(f"requests:{account}:{int(time.time()) // _WINDOW_SECONDS}") <= limit
        except (RedisError, OSError) as error:
            logger.warning("requests_not_counted", reason=str(error))
            return True

    def wait(self) -> float:
        """Give the seconds until the next minute begins."""
        return _WINDOW_SECONDS - time.time() % _WINDOW_SECONDS + 1


def _count(key: str) -> int:
    cache.add(key, 0, timeout=2 * _WINDOW_SECONDS)
    try:
        return cache.incr(key)
    except ValueError:
        # Evicted between the two calls: this one is the first again.
        cache.set(key, 1, timeout=2 * _WINDOW_SECONDS)
        return 1
