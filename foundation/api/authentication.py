"""Who calls: Basic for peers, token for systems, session for the browser (`house.md` 5)."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import threading
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, BasicAuthentication
from rest_framework.request import Request


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
        if result is not None and not request.is_secure() and not _from_loopback(request):
            raise exceptions.AuthenticationFailed(
                "Basic credentials are accepted over HTTPS only, except from this machine itself."
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
        user, auth = super().authenticate_credentials(userid, password, request)
        _remembered.remember(digest, user.pk, user.password)
        return (user, auth)


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
    if settings.TRUST_PLAIN_HTTP:
        return True
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
