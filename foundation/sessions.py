"""How long a session lasts, and what it may open before the second factor was given."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from foundation import second_factor


_STARTED, _SEEN = "started_at", "seen_at"
_NOTED_EVERY_SECONDS = 60
BACKGROUND_HEADER = "X-Background"
"""What a page sends by itself carries this: nobody is using the session, and it ends when its time is up."""
_OPEN_PAGES = ("admin:logout", "admin:login", "admin:jsi18n", "second_factor")


def begin(sender: Any, request: HttpRequest, **kwargs: Any) -> None:
    """Note when a session began; sent at login."""
    request.session[_STARTED] = request.session[_SEEN] = int(time.time())


class SessionLimitsMiddleware:
    """
    End a session that was idle for SESSION_IDLE_MINUTES, or is older than SESSION_COOKIE_AGE whatever it does.

    When it was used last is noted once a minute, so that a page costs no write of its own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SESSION_COOKIE_NAME in request.COOKIES and request.user.is_authenticated:
            now = int(time.time())
            started, seen = request.session.get(_STARTED), request.session.get(_SEEN)
            if started is None or seen is None:
                request.session[_STARTED] = request.session[_SEEN] = now
            elif now - started > settings.SESSION_COOKIE_AGE or now - seen > settings.SESSION_IDLE_MINUTES * 60:
                logout(request)
            elif now - seen >= _NOTED_EVERY_SECONDS and BACKGROUND_HEADER not in request.headers:
                request.session[_SEEN] = now
        return self.get_response(request)


class SecondFactorMiddleware:
    """Lead whoever has given a password only to the page of the second factor, where one is asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not self._is_guarded(request.path) or not second_factor.is_missing(request):
            return self.get_response(request)
        return HttpResponseRedirect(f"{reverse('second_factor')}?{urlencode({'next': request.get_full_path()})}")

    @staticmethod
    def _is_guarded(path: str) -> bool:
        return path.startswith(reverse("admin:index")) and path not in {reverse(name) for name in _OPEN_PAGES}
