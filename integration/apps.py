from __future__ import annotations

from django.apps import AppConfig
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class IntegrationConfig(AppConfig):
    """Flows between systems, and the runs of them."""

    name = "integration"
    verbose_name = "Messages"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The flows say at import which lookups they read.
        from integration import audit_trail, checks, deployment_checks, receivers  # noqa: F401
        from integration.flows import device_status_check, enrollment_request, enrollment_sync, error_handler, registry  # noqa: F401
        from integration.operations import certificates
        from outbound import events as outbound_events

        audit_trail.connect()
        try:
            registry.load(settings.TIELINE_FLOWS)
        except registry.UnableToLoadFlow as error:
            raise ImproperlyConfigured(str(error)) from error
        outbound_events.certificate_saved.connect(
            certificates.certificate_saved, dispatch_uid="integration.certificate_saved"
        )
