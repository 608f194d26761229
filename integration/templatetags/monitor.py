"""Filters of the pages of runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import template

from integration import count_words
from integration.spoken import length_of_time


register = template.Library()


register.filter(length_of_time)
register.filter("said_counts", count_words.said)


@register.filter
def get_item(found: Mapping[str, Any], key: str) -> Any:
    """Give what stands in a mapping under a key that the template computes; empty when nothing does."""
    return found.get(key, "")
