"""Lookups over HTTP (`api.md` 5)."""

from __future__ import annotations
