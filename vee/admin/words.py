"""The sentences of rules in the language of the person who reads them."""

from __future__ import annotations

from django.utils.translation import gettext

from vee.engine.sentences import Said


def in_words(said: str) -> str:
    """Give a sentence of the engine in the active language; a plain text is given as it is."""
    if not isinstance(said, Said) or not said.template:
        return str(said)
    values = {name: in_words(value) if isinstance(value, str) else value for name, value in said.values.items()}
    return gettext(said.template).format(**values)
