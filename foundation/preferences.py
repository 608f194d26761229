"""
Language and time zone of a person: kept per account, applied to the pages of the admin and to nothing else.

The API, files, messages and what is stored know neither: they are in English and UTC. A session carries the choice, so
that a page costs no query for it.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers

from foundation.models import Preference


_SESSION_KEY = "preference"


@lru_cache(maxsize=1)
def time_zones() -> tuple[str, ...]:
    """Give the names that may be chosen: those of the IANA database with a place or a country in them, and UTC."""
    left_out = ("Etc/", "SystemV/", "posix/", "right/")
    places = {name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(left_out)}
    return ("UTC", *sorted(places))


def preference_of(user: Any) -> Preference:
    """Give what the account has chosen; a row that is not stored where it has chosen nothing yet."""
    return Preference.objects.filter(user=user).first() or Preference(user=user)


def keep(request: HttpRequest, *, language: str, time_zone: str) -> None:
    """
    Store what the account of this request chose and use it from its next page on.

    :param language: a code of LANGUAGES, or nothing: what the browser asks for.
    :param time_zone: one of `time_zones()`, or nothing: the site's.
    """
    user: Any = request.user
    row, _ = Preference.objects.update_or_create(user=user, defaults={"language": language, "time_zone": time_zone})
    _carry(request, row)


def begin(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Put an account's choice into its new session; sent at login."""
    _carry(request, preference_of(user))


def _carry(request: HttpRequest, row: Preference) -> None:
    request.session[_SESSION_KEY] = [row.language, row.time_zone]


class PreferencesMiddleware:
    """Show the pages of the admin in the language and the time zone of whoever looks at them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_admin_page(request):
            return self.get_response(request)
        language, zone = self._chosen(request)
        with ExitStack() as chosen:
            chosen.enter_context(translation.override(language or translation.get_language_from_request(request)))
            chosen.enter_context(timezone.override(zone or settings.TIME_ZONE))
            response = self.get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language())
        if not language:
            patch_vary_headers(response, ["Accept-Language"])
        return response

    @staticmethod
    def _chosen(request: HttpRequest) -> tuple[str, str]:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
            return "", ""
        if _SESSION_KEY not in request.session:
            # A session of before there were preferences.
            _carry(request, preference_of(request.user))
        language, zone = request.session[_SESSION_KEY]
        # What a later release no longer offers is as if nothing had been chosen.
        return (language if language in dict(settings.LANGUAGES) else ""), (zone if zone in time_zones() else "")


def is_admin_page(request: HttpRequest) -> bool:
    """Whether this request is for a page of the admin."""
    return request.path.startswith(reverse("admin:index"))
