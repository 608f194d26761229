from __future__ import annotations

from django.apps import AppConfig


class FoundationConfig(AppConfig):
    """The floor below all apps."""

    name = "foundation"
    verbose_name = "Foundation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from foundation.api import schema  # noqa: F401  (registers the scheme)
