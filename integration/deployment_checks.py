"""Checks of `manage.py check --deploy`: what a production should not switch off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags, register

from foundation.kept_texts import kept


@register(Tags.security, deploy=True)
def protections_are_on(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    """Check that the second factor, the limits and the guard of host names are on."""
    wrong = [
        (
            not settings.SECOND_FACTOR_REQUIRED,
            "The admin asks for no second factor.",
            kept("Set SECOND_FACTOR_REQUIRED=1."),
            10,
        ),
        (
            settings.LOGIN_FAILURE_LIMIT <= 0,
            "Passwords can be tried without end.",
            kept("Set LOGIN_FAILURE_LIMIT=10."),
            11,
        ),
        (
            settings.API_REQUESTS_PER_MINUTE <= 0,
            "One account can ask without end.",
            kept("Set API_REQUESTS_PER_MINUTE=6000, or more if a peer needs more."),
            12,
        ),
        (
            "*" in settings.ALLOWED_HOSTS,
            "Every host name is answered to.",
            kept("Set ALLOWED_HOSTS=the names of this host."),
            13,
        ),
        (
            settings.TRUST_PLAIN_HTTP,
            "Passwords are accepted over plain HTTP from other machines.",
            kept("Set TRUST_PLAIN_HTTP=0, with BEHIND_TLS_PROXY=1 behind a proxy that ends TLS."),
            14,
        ),
        (
            settings.EMBEDDED,
            "This is a trial on one machine: loopback targets are allowed, HTTPS is not asked for.",
            kept("Set TIELINE_EMBEDDED=0 and keys of its own in the environment."),
            15,
        ),
    ]
    return [
        checks.Warning(message, hint=hint, id=f"integration.W{number:03}")
        for is_wrong, message, hint, number in wrong
        if is_wrong
    ]
