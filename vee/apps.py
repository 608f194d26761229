from __future__ import annotations

from django.apps import AppConfig


class VeeConfig(AppConfig):
    """Meter data management."""

    name = "vee"
    verbose_name = "Meter data"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from vee import checks, receivers  # noqa: F401
