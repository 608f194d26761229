"""The way to a page, as its header shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext as _


register = template.Library()


@register.filter
def in_their_place(parts: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """Give the steps to a page; those of schedules of reports begin at the reports, not at the app's other records."""
    links = [str(part.get("link") or "") for part in parts]
    if reverse("admin:integration_reportschedule_changelist") in links[1:2]:
        return [{"link": reverse("admin:integration_reports"), "title": _("Reports")}, *parts[1:]]
    return parts
