"""Meter data in the admin: the To Do workbench, its evidence, and the configuration of VEE."""

from __future__ import annotations

from vee.admin import exceptions, imds, meters, reading_files, registers, rules, todos, usage


__all__ = ["exceptions", "imds", "meters", "reading_files", "registers", "rules", "todos", "usage"]
