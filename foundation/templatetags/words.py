"""Filters for texts that are kept in English, and for names that are long; every template has them."""

from __future__ import annotations

from django import template
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from foundation.words import in_words


register = template.Library()
register.filter("in_words", in_words)


@register.filter
def broken_at_dots(path: str) -> SafeString:
    """Let a long path of names, such as `customerInfo.cisPersonId`, go on in the next line after a dot."""
    return format_html_join(mark_safe(".<wbr>"), "{}", ((name,) for name in str(path).split(".")))
