from __future__ import annotations

from django.apps import AppConfig


class OutboundConfig(AppConfig):
    """What leaves the house."""

    name = "outbound"
    verbose_name = "Outbound"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from outbound import checks  # noqa: F401  (registers the checks)
