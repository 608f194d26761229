"""The sentences of rules, and what they found, in the language of the person who reads them."""

from __future__ import annotations

from django.utils.translation import gettext, pgettext

from foundation import words
from vee.codes import condition_name
from vee.engine.sentences import Said


CONDITION = "condition"
"""Sets the names of condition codes apart in the catalogue."""


def condition_words(code: int) -> str:
    """Give the name of a condition code in the active language."""
    return pgettext(CONDITION, condition_name(code))


def in_words(said: str) -> str:
    """Give a sentence of the engine in the active language; a plain text is read back as one that is kept."""
    if not isinstance(said, Said) or not said.template:
        return words.in_words(said)
    values = {name: in_words(value) if isinstance(value, str) else value for name, value in said.values.items()}
    return gettext(said.template).format(**values)
