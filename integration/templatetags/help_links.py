"""The way from a page of the admin to the page of the documentation that explains it."""

from __future__ import annotations

from typing import Any

from django import template
from django.urls import reverse

from integration.help_pages import page_for


register = template.Library()


@register.simple_tag(takes_context=True)
def help_address(context: Any) -> str:
    """Give the address of the explanation of this page."""
    found = getattr(context.get("request"), "resolver_match", None)
    return reverse("documentation", args=[f"{page_for((found and found.url_name) or '')}.html"])
