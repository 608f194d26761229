"""Pages of flows, their runs, and incidents."""

from __future__ import annotations

from integration.admin import (
    accounts,
    configuration,
    control,
    devices,
    events,
    files,
    flows,
    incidents,
    mappings,
    outcomes,
    pauses,
    reports,
    runs,
    schedules,
    transferred_files,
    unmapped_codes,
)


__all__ = [
    "accounts",
    "configuration",
    "control",
    "devices",
    "events",
    "files",
    "flows",
    "incidents",
    "mappings",
    "outcomes",
    "pauses",
    "reports",
    "runs",
    "schedules",
    "transferred_files",
    "unmapped_codes",
]
