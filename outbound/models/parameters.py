"""Parameters: the numbers of the retry policy that a business user may set."""

from __future__ import annotations

from django.db import models
from simple_history.models import HistoricalRecords


class Parameter(models.Model):
    """One named number; names, types, limits and defaults are declared in `outbound.parameters`."""

    name = models.CharField(max_length=60, unique=True)
    value = models.CharField(max_length=40)
    description = models.CharField(max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
