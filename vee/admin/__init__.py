"""Meter data in the admin: the To Do workbench, its evidence, and the configuration of VEE."""

from __future__ import annotations

from vee.admin import (
    column_profiles,
    completeness,
    component_types,
    exception_types,
    exceptions,
    factors,
    imds,
    installations,
    meters,
    reading_files,
    registers,
    retries,
    rules,
    todos,
    trials,
    usage,
    usage_transactions,
)


__all__ = [
    "column_profiles",
    "completeness",
    "component_types",
    "exception_types",
    "exceptions",
    "factors",
    "imds",
    "installations",
    "meters",
    "reading_files",
    "registers",
    "retries",
    "rules",
    "todos",
    "trials",
    "usage",
    "usage_transactions",
]
