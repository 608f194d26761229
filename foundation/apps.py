from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings


class FoundationConfig(AppConfig):
    """The floor below all apps."""

    name = "foundation"
    verbose_name = "Foundation"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from axes.signals import user_locked_out
        from django.contrib.auth.signals import user_logged_in
        from django_structlog import signals

        from foundation import correlation, key_sets, percentiles, preferences, sessions, tracing
        from foundation.api import lockouts, schema  # noqa: F401  (registers the scheme)

        key_sets.register()
        percentiles.connect()
        user_locked_out.connect(lockouts.log_lockout, dispatch_uid="foundation.log_lockout")
        signals.bind_extra_request_metadata.connect(
            correlation.bind_to_request, dispatch_uid="foundation.correlation_of_request"
        )
        for ending in (signals.bind_extra_request_finished_metadata, signals.update_failure_response):
            ending.connect(correlation.tell_caller, dispatch_uid="foundation.correlation_of_answer")
        if settings.TRACES_ENDPOINT:
            tracing.begin()
        user_logged_in.connect(sessions.begin, dispatch_uid="foundation.session_begins")
        user_logged_in.connect(preferences.begin, dispatch_uid="foundation.preferences_begin")
