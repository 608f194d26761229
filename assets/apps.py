from __future__ import annotations

from django.apps import AppConfig


class AssetsConfig(AppConfig):
    """The DACS side; `assets.queries.is_on` says whether a site uses it."""

    name = "assets"
    verbose_name = "Programs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from assets import receivers  # noqa: F401
