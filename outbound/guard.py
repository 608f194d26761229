"""The deployment's guard: which networks calls may go to beside the public ones."""

from __future__ import annotations

from django.conf import settings

from outbound.transports.addresses import Guard


def deployment_guard() -> Guard:
    """Give the guard that OUTBOUND_ALLOWED_NETWORKS describes."""
    return Guard(allowed=tuple(settings.OUTBOUND_ALLOWED_NETWORKS))
