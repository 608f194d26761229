"""The pages of the DACS side."""

from __future__ import annotations

from assets.admin import (
    batch_runs,
    customers,
    devices,
    enrollments,
    events,
    performance,
    programs,
    score_calculations,
    scores,
    subscriptions,
    sync_requests,
    todos,
)


__all__ = [
    "batch_runs",
    "customers",
    "devices",
    "enrollments",
    "events",
    "performance",
    "programs",
    "score_calculations",
    "scores",
    "subscriptions",
    "sync_requests",
    "todos",
]
