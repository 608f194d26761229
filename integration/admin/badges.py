"""Colours of states and outcomes, the same on every page."""

from __future__ import annotations

from collections.abc import Mapping

from django.db.models import TextChoices
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString


RUN_STATES = {
    "RECEIVED": "info",
    "IN_PROGRESS": "info",
    "SUCCEEDED": "success",
    "FAILED": "danger",
    "ABORTED": "warning",
    "DISCARDED": "default",
}
STEP_OUTCOMES = {"IN_PROGRESS": "info", "SUCCEEDED": "success", "WARNING": "warning", "FAILED": "danger"}
RESPONSE_CODES = {"SUCCESS": "success", "ERROR": "warning", "FAILURE": "danger"}
FILE_STATES = {
    "WAITING": "info",
    "IN_PROGRESS": "info",
    "UPLOADED": "warning",
    "REFUSED": "warning",
    "SENT": "success",
    "ERROR": "danger",
    "VANISHED": "default",
}


def state_counts(
    counts: Mapping[str, int], *, of: type[TextChoices], badges: Mapping[str, str], address: str
) -> SafeString | str:
    """Give how many rows are in each state, each with its label in its colour and a link to exactly those rows."""
    parts = format_html_join(
        "",
        '<a href="{}&amp;state__exact={}" class="inline-block mr-3">{} {}</a>',
        (
            (
                address,
                state.value,
                render_to_string("unfold/helpers/label.html", {"type": badges[state.value], "text": state.label}),
                counts[state.value],
            )
            for state in of
            if counts.get(state.value)
        ),
    )
    return parts or "–"
