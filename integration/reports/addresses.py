"""Addresses of the rows that a report's numbers count."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse


def rows(view: str, **lookups: Any) -> str:
    """Give the address of a list of the admin, narrowed to some rows; instants are written with their offset."""
    given = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in lookups.items()}
    return f"{reverse(f'admin:{view}_changelist')}?{urlencode(given)}"
