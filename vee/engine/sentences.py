"""
Sentences that rules say of themselves, in English, with the template that each was made of.

Rules know no language but English and no Django; whoever shows a sentence to people translates its template and fills
it in again (`vee.admin.words`). `gettext_noop` marks a template for `manage.py makemessages`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self


class Said(str):  # noqa: SLOT000  (what it knows is not fixed in size)
    """A text that still knows its template and what stands in it; values may be of this kind themselves."""

    template: str
    values: dict[str, object]

    def __new__(cls, template: str, **values: object) -> Self:
        """
        Fill in a template.

        :raises KeyError: when the template has a place that no value is given for.
        """
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def inside(self, template: str, **values: object) -> Said:
        """Give a sentence whose place `{what}` is this one."""
        return Said(template, what=self, **values)

    def with_ending(self, ending: str) -> Said:
        """Give this sentence with another one behind it."""
        return Said(LIST_OF_SENTENCES, first=self, rest=ending)

    def replacing(self, old: Said, new: object) -> Said:
        """Give the sentence with another value wherever it holds this very one, however deep."""
        changed = {
            name: new if value is old else value.replacing(old, new) if isinstance(value, Said) else value
            for name, value in self.values.items()
        }
        return Said(self.template, **changed)


def gettext_noop(template: str) -> str:
    """Give the template as it is: the name tells the collector of translatable texts to take it along."""
    return template


NOTHING = Said("")
FAILS = Said(gettext_noop("Fails"))
"""Begins the sentence of a rule that fails; where its severity is known, that stands in its place."""
LIST = gettext_noop("{first}, {rest}")
LIST_OF_OR = gettext_noop("{first} or {rest}")
LIST_OF_COMMA_OR = gettext_noop("{first}, or {rest}")
LIST_OF_AND = gettext_noop("{first} and {rest}")
LIST_OF_THEN = gettext_noop("{first}, then {rest}")
LIST_OF_CLAUSES = gettext_noop("{first}; {rest}")
LIST_OF_SENTENCES = gettext_noop("{first} {rest}")


def fails(template: str, **values: object) -> Said:
    """Fill in a template that begins with the place `{fails}`."""
    return Said(template, fails=FAILS, **values)


def listed(parts: Sequence[str], by: str = LIST) -> str:
    """Put parts together by a template with the places `first` and `rest`; no part gives the empty text."""
    if not parts:
        return NOTHING
    first, *rest = parts
    return Said(by, first=first, rest=listed(rest, by)) if rest else first
