from __future__ import annotations

from django.apps import AppConfig, apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


OUR_APPS = ("foundation", "lookups", "outbound", "vee", "assets", "integration")


class IntegrationConfig(AppConfig):
    """Flows between systems, and the runs of them."""

    name = "integration"
    verbose_name = "Messages"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # The flows say at import which lookups they read.
        from foundation import model_labels
        from integration import audit_trail, checks, deployment_checks, receivers  # noqa: F401
        from integration.flows import device_status_check, enrollment_request, enrollment_sync, error_handler, registry  # noqa: F401
        from integration.operations import certificates
        from outbound import events as outbound_events

        audit_trail.connect()
        model_labels.translate(apps.get_app_config(name) for name in OUR_APPS)
        try:
            registry.load(settings.TIELINE_FLOWS)
        except registry.UnableToLoadFlow as error:
            raise ImproperlyConfigured(str(error)) from error
        outbound_events.certificate_saved.connect(
            certificates.certificate_saved, dispatch_uid="integration.certificate_saved"
        )
