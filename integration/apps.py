from __future__ import annotations

from django.apps import AppConfig


class IntegrationConfig(AppConfig):
    """Flows between systems, and the runs of them."""

    name = "integration"
    verbose_name = "Messages"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The flows say at import which lookups they read.
        from integration import checks, receivers  # noqa: F401
        from integration.flows import device_status_check, enrollment_request, enrollment_sync, error_handler  # noqa: F401
        from integration.operations import certificates
        from outbound import events as outbound_events

        outbound_events.certificate_saved.connect(
            certificates.certificate_saved, dispatch_uid="integration.certificate_saved"
        )
