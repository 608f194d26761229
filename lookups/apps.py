from __future__ import annotations

from django.apps import AppConfig


class LookupsConfig(AppConfig):
    """Floor 1: tables that business users edit and every flow reads."""

    name = "lookups"
    verbose_name = "Lookups"
    default_auto_field = "django.db.models.BigAutoField"
