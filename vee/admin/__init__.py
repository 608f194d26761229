"""Meter data in the admin: the To Do workbench, its evidence, and the configuration of VEE."""

from __future__ import annotations

from vee.admin import column_profiles, exceptions, imds, meters, reading_files, rules, todos, usage


__all__ = ["column_profiles", "exceptions", "imds", "meters", "reading_files", "rules", "todos", "usage"]
