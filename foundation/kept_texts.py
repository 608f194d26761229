"""
Texts that are kept in English, recognised by their patterns: what rules found, why something was refused, To Dos.

What is stored, sent and answered by the API is the English sentence itself. Whoever shows one to people reads it back
(`foundation.words`): the sentences that the code can say are texts of the catalogue, each with places for its values,
and the one that fits gives the values. So what was stored before a sentence was translated is translated as well, and
one that nothing fits is shown as it is. `scripts/kept_messages.py` says which texts of the code are collected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass


CONTEXT = "kept"
"""Sets these texts apart in the catalogue."""
_PLACE = re.compile(r"\{(\w+)\}")


def kept(text: str) -> str:
    """Give the text as it is: the name tells the collector to take it along, an f-string with places for its values."""
    return text


@dataclass(frozen=True, slots=True)
class _Pattern:
    begins: str
    ends: str
    form: re.Pattern[str]
    translation: str


class Sentences:
    """The sentences of one language: English with places in braces, to their translations."""

    def __init__(self, translations: Mapping[str, str]) -> None:
        self._plain = {text: done for text, done in translations.items() if not _PLACE.search(text)}
        patterned = [text for text in translations if text not in self._plain]
        # The more a sentence says of itself, the less another one is mistaken for it.
        patterned.sort(key=lambda text: (-len(_PLACE.sub("", text)), text))
        self._patterns = [_pattern(text, translations[text]) for text in patterned]

    def translated(self, text: str, value: Callable[[str], str]) -> str | None:
        """
        Give a text in this language, or None when it is no sentence of it.

        :param value: gives what stands in a place, which may be a sentence itself.
        """
        if text in self._plain:
            return self._plain[text]
        for pattern in self._patterns:
            if text.startswith(pattern.begins) and text.endswith(pattern.ends):
                found = pattern.form.fullmatch(text)
                if found is not None:
                    values = {name: value(part) for name, part in found.groupdict().items()}
                    return _PLACE.sub(lambda place: values[place[1]], pattern.translation)  # noqa: B023  (used at once)
        return None


def _pattern(text: str, translation: str) -> _Pattern:
    parts = _PLACE.split(text)
    form, seen = re.escape(parts[0]), set()
    for name, literal in zip(parts[1::2], parts[2::2], strict=True):
        form += (f"(?P={name})" if name in seen else f"(?P<{name}>.*?)") + re.escape(literal)
        seen.add(name)
    return _Pattern(parts[0], parts[-1], re.compile(form, re.DOTALL), translation)
