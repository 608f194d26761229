"""The pages of the DACS side."""

from __future__ import annotations

from assets.admin import performance  # noqa: F401
