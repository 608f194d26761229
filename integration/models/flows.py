"""The packaged integrations, as a site runs them."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from integration import choices


class Flow(models.Model):
    """
    One packaged integration (`integration.md` 1.1): what a site may change of it.

    What a flow is (addresses, pattern, code) is declared in `integration.flows.registry`; this row repeats the
    names so that people can search by them, and holds the switches.
    """

    identifier = models.CharField(max_length=60, unique=True, help_text=_("The guide's code, kept verbatim."))
    name = models.SlugField(max_length=60, unique=True, help_text=_("The short name, used in addresses."))
    display_name = models.CharField(max_length=120)
    aliases = models.CharField(max_length=400, blank=True, help_text=_("Other names that the guide uses for it."))
    pattern = models.CharField(max_length=10, choices=choices.Pattern.choices)
    direction = models.CharField(max_length=60, help_text=_("Who calls whom. Never read it from the code (C-07)."))
    active = models.BooleanField(default=True, help_text=_("An inactive flow accepts nothing; running work ends."))
    tracing_level = models.CharField(
        max_length=10, choices=choices.TracingLevel.choices, default=choices.TracingLevel.PRODUCTION
    )
    payload_retention_days = models.PositiveSmallIntegerField(
        default=32, help_text=_("How many days payloads are kept. Runs and steps stay.")
    )
    debug_payload_hours = models.PositiveSmallIntegerField(
        default=24,
        help_text=_("How many hours exchanges are kept that only the tracing level Debug keeps."),
    )
    run_retention_days = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        default=365,
        help_text=_("How many days ended runs are kept, with their ledger; empty: for ever. Statistics stay."),
    )
    max_runtime_seconds = models.PositiveIntegerField(
        null=True, blank=True, help_text=_("A run that works longer is aborted; empty: no limit.")
    )
    connections_used = models.CharField(
        max_length=400,
        blank=True,
        help_text=_("Names of the connections that it calls, with commas: pausing one of them pauses the flow."),
    )
    idempotent = models.BooleanField(
        default=False, help_text=_("The target takes the same message twice as one: the flow may be replayed.")
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("flow")
        verbose_name_plural = _("flows")
        permissions = [
            ("call_flow", _("Can send messages to flows")),
            ("activate_flow", _("Can activate and deactivate flows")),
        ]

    def __str__(self) -> str:
        return self.display_name
