from __future__ import annotations

from django.apps import AppConfig


class IntegrationConfig(AppConfig):
    """Flows between systems, and the runs of them."""

    name = "integration"
    verbose_name = "Messages"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The flows say at import which lookups they read.
        from integration import checks  # noqa: F401
        from integration.flows import enrollment_request, error_handler  # noqa: F401
