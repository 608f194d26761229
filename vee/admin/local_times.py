"""Times that people type and read: local times of a place, or with an offset where the clock leaves it open."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.utils import dateformat
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext
from unfold.widgets import UnfoldAdminTextInputWidget

from vee.models import InitialMeasurement


class LocalTimeField(forms.CharField):
    """
    A time such as `2024-03-01 00:15` in the place's zone, or with an offset; cleaned it is an instant in UTC.

    A local time that the clock repeats or leaves out is refused: an offset says which one is meant.
    """

    def __init__(self, *, zone: str, **options: Any) -> None:
        self.zone = zone
        options.setdefault("widget", UnfoldAdminTextInputWidget)
        options.setdefault(
            "help_text",
            _("Local time in %(zone)s, such as 2024-03-01 00:15; an offset (2024-11-03 01:15-05:00) is possible.")
            % {"zone": zone},
        )
        super().__init__(**options)

    def clean(self, value: Any) -> Any:
        text = str(super().clean(value) or "").strip()
        if not text:
            return None
        try:
            at = dt.datetime.fromisoformat(text)
        except ValueError:
            raise ValidationError(_("Write a time such as 2024-03-01 00:15.")) from None
        if at.tzinfo is not None:
            return at.astimezone(dt.UTC)
        first, second = (at.replace(tzinfo=ZoneInfo(self.zone), fold=fold) for fold in (0, 1))
        if first.utcoffset() != second.utcoffset():
            raise ValidationError(
                _("The clock in %(zone)s repeats or leaves out this time: write it with its offset.")
                % {"zone": self.zone}
            )
        return first.astimezone(dt.UTC)


def local_text(at: dt.datetime, zone: str) -> str:
    """Give an instant as such a field shows it, with its offset."""
    return at.astimezone(ZoneInfo(zone)).isoformat(sep=" ", timespec="minutes")


def day_in_words(at: dt.datetime, zone: dt.tzinfo) -> str:
    """Give the day of an instant in a zone, as people write it in their language: Mon 05 Jan."""
    return dateformat.format(at.astimezone(zone), pgettext("date format", "D d M"))


def time_in_words(at: dt.datetime, zone: dt.tzinfo) -> str:
    """Give an instant of a known year in a zone: Mon 05 Jan 18:30."""
    return dateformat.format(at.astimezone(zone), pgettext("date format", "D d M H:i"))


def instant_in_words(at: dt.datetime, zone: dt.tzinfo) -> str:
    """Give an instant in a zone: Mon 05 Jan 2026 18:30."""
    return dateformat.format(at.astimezone(zone), pgettext("date format", "D d M Y H:i"))


def imd_name(imd: InitialMeasurement, zone: str) -> str:
    """Name an IMD for people: its component, and its start as the clock of a zone shows it."""
    return f"{imd.component_identifier} {imd.start.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
