"""Who changed a configuration row, and why, on the history row that its save writes."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


def stamp_history(row: Model, *, by: Any, reason: str | None = None) -> None:
    """Name the person and the reason for the history row of the next save or delete."""
    vars(row).update(_history_user=by, _change_reason=reason)
