"""From which address a request comes."""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings


def client_address(request: Any) -> str | None:
    """
    Give the address of who calls, None when it is not known (a socket in the file system).

    That is the other end of the connection; with BEHIND_TLS_PROXY it is what the proxy in front added last to
    `X-Forwarded-For`. What stands before it in that header anybody can write, and is not looked at.
    """
    written = str(request.META.get("REMOTE_ADDR", ""))
    if settings.BEHIND_TLS_PROXY:
        written = str(request.META.get("HTTP_X_FORWARDED_FOR", "")).rpartition(",")[2].strip() or written
    try:
        return str(ipaddress.ip_address(written))
    except ValueError:
        return None


def is_loopback(request: Any) -> bool:
    """Whether the request comes from this machine itself."""
    address = client_address(request)
    return address is not None and ipaddress.ip_address(address).is_loopback
