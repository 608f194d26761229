"""Who calls: Basic for peers, token for systems, session for the browser (`house.md` 5)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, BasicAuthentication, SessionAuthentication
from rest_framework.request import Request

from foundation import logins, second_factor
from foundation.client_address import client_address, is_loopback


REMEMBER_SECONDS = 60.0
IN_PROCESS_ACCOUNT = "tieline.in_process_account"
"""Key of the environment of a request that never left the process: the id of the account that makes it."""


class _Remembered:
    """Credentials verified in the last 60 s, as keyed digests: a request need not pay for password hashing."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._verified: dict[bytes, tuple[float, Any, str]] = {}

    def digest(self, username: str, password: str) -> bytes:
        message = username.encode() + b"\x00" + password.encode()
        return hmac.new(self._key, message, hashlib.sha256).digest()

    def recall(self, digest: bytes) -> tuple[Any, str] | None:
        with self._lock:
            entry = self._verified.get(digest)
            if entry is None or entry[0] < time.monotonic():
                self._verified.pop(digest, None)
                return None
            return entry[1], entry[2]

    def remember(self, digest: bytes, user_id: Any, password_hash: str) -> None:
        with self._lock:
            if len(self._verified) > 10_000:
                self._verified.clear()
            self._verified[digest] = (time.monotonic() + REMEMBER_SECONDS, user_id, password_hash)


_remembered = _Remembered()


class RememberingBasicAuthentication(BasicAuthentication):
    """
    HTTP Basic. Over plain HTTP it is accepted from loopback only.

    A changed password or a disabled account counts at once: the remembered digest is tied to the stored hash.
    """

    www_authenticate_realm = "Tieline"

    def authenticate(self, request: Request) -> Any:
        result = super().authenticate(request)
        if result is None:
            return None
        if not request.is_secure() and not _from_loopback(request):
            raise exceptions.AuthenticationFailed(
                "Basic credentials are accepted over HTTPS only, except from this machine itself."
            )
        if settings.SECOND_FACTOR_REQUIRED and result[0].is_staff and not is_loopback(request):
            raise exceptions.AuthenticationFailed(
                "An account that enters the admin needs its second factor: call with a token, or from a session."
            )
        return result

    def authenticate_credentials(self, userid: str, password: str, request: Any = None) -> Any:
        digest = _remembered.digest(userid, password)
        recalled = _remembered.recall(digest)
        if recalled is not None:
            user_id, password_hash = recalled
            user = get_user_model().objects.filter(pk=user_id, is_active=True).first()
            if user is not None and user.password == password_hash:
                return (user, None)
        # The plain request: what is noted on it reaches the middleware that answers who is locked out.
        plain = getattr(request, "_request", request)
        user, auth = super().authenticate_credentials(logins.storable_name(userid), password, plain)
        logins.forget(userid, client_address(plain))
        _remembered.remember(digest, user.pk, user.password)
        return (user, auth)


class VerifiedSessionAuthentication(SessionAuthentication):
    """The session of a browser; one that has given a password only opens nothing where a second factor is asked for."""

    def authenticate(self, request: Request) -> Any:
        result = super().authenticate(request)
        if result is not None and second_factor.is_missing(request._request):
            raise exceptions.AuthenticationFailed("The session has not given its second factor yet.")
        return result


class InProcessAuthentication(BaseAuthentication):
    """
    Who calls from within: the account that a connection to Tieline itself names (`outbound.transports.in_process`).

    It stands in the request's environment under a key that no header can make.
    """

    def authenticate(self, request: Request) -> Any:
        account = request.META.get(IN_PROCESS_ACCOUNT)
        if account is None:
            return None
        user = get_user_model().objects.filter(pk=account, is_active=True).first()
        if user is None:
            raise exceptions.AuthenticationFailed("The account of the calling connection is not active.")
        return user, None


def _from_loopback(request: Request) -> bool:
    return settings.TRUST_PLAIN_HTTP or is_loopback(request)
