"""Lookups: code translation tables, configuration properties and e-mail recipients (`integration.md` 4)."""

from __future__ import annotations
