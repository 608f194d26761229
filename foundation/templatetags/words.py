"""The filter for texts that are kept in English; every template has it."""

from __future__ import annotations

from django import template

from foundation.words import in_words


register = template.Library()
register.filter("in_words", in_words)
