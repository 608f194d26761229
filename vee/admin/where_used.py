"""Where a row of the configuration is used, as links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.html import format_html, format_html_join

from vee.configuration_queries import Use


def links(uses: Sequence[Use]) -> Any:
    """Give a list of links with what each place uses the row for; a dash when there is none."""
    if not uses:
        return "–"
    items = format_html_join(
        "",
        '<li><a class="workbench-link" href="{}">{}</a> · {}</li>',
        ((reverse(f"admin:vee_{use.model}_change", args=[use.pk]), use.name, use.how) for use in uses),
    )
    return format_html("<ul>{}</ul>", items)
