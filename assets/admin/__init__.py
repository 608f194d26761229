"""The DACS side in the admin: programs, customers, devices, enrollments, To Dos."""

from __future__ import annotations

from assets.admin import customers, devices, enrollments, programs, subscriptions, todos


__all__ = ["customers", "devices", "enrollments", "programs", "subscriptions", "todos"]
