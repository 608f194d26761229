"""Pages of flows, their runs, and incidents."""

from __future__ import annotations

from integration.admin import accounts, flows, incidents, runs, schedules


__all__ = ["accounts", "flows", "incidents", "runs", "schedules"]
