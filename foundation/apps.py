from __future__ import annotations

from django.apps import AppConfig


class FoundationConfig(AppConfig):
    """The floor below all apps."""

    name = "foundation"
    verbose_name = "Foundation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_logged_in

        from foundation import sessions
        from foundation.api import lockouts, schema  # noqa: F401  (registers the scheme)

        user_locked_out.connect(lockouts.log_lockout, dispatch_uid="foundation.log_lockout")
        user_logged_in.connect(sessions.begin, dispatch_uid="foundation.session_begins")
