"""The pages of the DACS side."""

from __future__ import annotations

from assets.admin import sync_requests


__all__ = ["sync_requests"]
