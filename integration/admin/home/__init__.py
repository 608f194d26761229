"""The first page of the admin: what needs a person now, arranged for who is looking."""

from __future__ import annotations

from integration.admin.home.page import context, fragment, seen


__all__ = ["context", "fragment", "seen"]
