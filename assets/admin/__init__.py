"""The DACS side in the admin: programs, customers, devices, enrollments, To Dos, event performance."""

from __future__ import annotations

from assets.admin import customers, devices, enrollments, performance, programs, subscriptions, todos


__all__ = ["customers", "devices", "enrollments", "performance", "programs", "subscriptions", "todos"]
