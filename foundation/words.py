"""Texts that are kept in English (`foundation.kept_texts`), in the language of whoever reads the page."""

from __future__ import annotations

from functools import lru_cache

from django.utils import translation
from django.utils.translation import trans_real

from foundation.kept_texts import CONTEXT, Sentences


_BETWEEN = "; "
"""Stands between sentences where several are kept as one text."""


def in_words(text: object) -> str:
    """Give a kept text in the active language, several one by one, and what is no sentence of ours as it is."""
    language = translation.get_language() or "en"
    said = str(text)
    return said if language.partition("-")[0] == "en" else _translated(language, said)


@lru_cache(maxsize=4096)
def _translated(language: str, text: str) -> str:
    if not text:
        return text
    # A full stop before the mark ends a sentence for sure; without one, the mark may stand in a sentence or a value.
    if f".{_BETWEEN}" in text:
        first, rest = text.split(f".{_BETWEEN}", 1)
        return f"{_translated(language, first + '.')}{_BETWEEN}{_translated(language, rest)}"
    found = _sentences(language).translated(text, lambda part: _translated(language, part))
    if found is None and _BETWEEN in text:
        return _BETWEEN.join(_translated(language, part) for part in text.split(_BETWEEN))
    return text if found is None else found


@lru_cache(maxsize=8)
def _sentences(language: str) -> Sentences:
    # Read like Django's own catalogue for JavaScript reads it: there is no other way to a catalogue's texts.
    catalogue = trans_real.translation(language)._catalog.items()  # type: ignore[attr-defined]
    start = f"{CONTEXT}\x04"
    return Sentences(
        {key.removeprefix(start): done for key, done in catalogue if isinstance(key, str) and key.startswith(start)}
    )
