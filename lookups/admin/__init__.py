"""The admin of lookups."""

from __future__ import annotations

from lookups.admin import lookup


__all__ = ["lookup"]
