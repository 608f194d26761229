"""
What a section of the configuration document is; every app declares its own (`docs/reference/configuration.md`).

A section is one small object that knows two ways: `document` gives what the installation holds, and `apply` makes the
installation hold what a document says, both in the same shape. What `document` gives names every field of every record,
so that applying it elsewhere leaves nothing to chance; records stand by name, their keys in the documented order, and
others are referred to by name. Secrets stay out of it: a section says in `left_out` which fields it does not tell.

A new section: write `apply` and `document`, declare the `Section` beside them, and add it to `SECTIONS` in
`integration/configuration_sections.py` behind what it refers to. Comparing, dry runs, pointers, lines, the command, the
admin page, the API and the reference page work for it then; a meta test demands the declaration for every model that
can be edited in the admin.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol


CREATED, CHANGED, UNCHANGED, REMOVED = "created", "changed", "unchanged", "removed"


class UnableToApplyConfiguration(ValueError):
    """
    The section was refused and nothing of it was applied.

    `errors` are `{"pointer", "code", "message"}`, the pointer (RFC 6901) counted from the section.
    """

    def __init__(self, errors: Sequence[Mapping[str, str]]) -> None:
        self.errors = [dict(error) for error in errors]
        self.pointer = self.errors[0]["pointer"] if self.errors else ""
        super().__init__("; ".join(f"{error['pointer'] or '/'}: {error['message']}" for error in self.errors))


class Applied(Protocol):
    """What applying did to one record that the document names."""

    @property
    def name(self) -> str:
        """The name that the record stands under in what `document` gives."""

    @property
    def outcome(self) -> str:
        """CREATED, CHANGED or UNCHANGED."""

    @property
    def notes(self) -> Sequence[str]:
        """What a person should know: a secret that was set or is missing, something that is not available yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of one record, for sections that have no such object of their own."""

    name: str
    outcome: str
    notes: tuple[str, ...] = ()


class Apply(Protocol):
    """Makes the installation hold what a section of a document says."""

    def __call__(self, *, section: Any, by: Any, at: dt.datetime) -> Sequence[Applied]:
        """
        Apply all of it, or nothing when anything is refused; what the section does not name stays.

        :param by: the account that applies it; None for the product itself.
        :raises UnableToApplyConfiguration: with everything that is wrong.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """
    One section of the document.

    `document` gives a mapping of names to records, or a list of records whose `record_key` is their name; empty when
    there is none. `keys` are the keys of a record in their order. `covers` are the models that it holds, and `left_out`
    what of them it does not tell and why, by `model.field`. `identified_by` names, for a list inside a record, the keys
    that tell its entries apart, so that a difference is told entry by entry. `sources` are keys whose value is the name
    of an environment variable or a file of the machine: only a person on that machine may name them. `rights` is what
    an account needs to apply it; empty: to add and change the first of the models that it covers.
    """

    name: str
    holds: str
    document: Callable[[], Any]
    apply: Apply
    covers: tuple[str, ...]
    keys: tuple[str, ...]
    record_key: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict)
    identified_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sources: frozenset[str] = frozenset()
    rights: tuple[str, ...] = ()

    @property
    def view_right(self) -> str:
        """What an account needs to read it."""
        return self._right("view")

    @property
    def apply_rights(self) -> tuple[str, ...]:
        """What an account needs to apply it."""
        return self.rights or (self._right("add"), self._right("change"))

    def _right(self, verb: str) -> str:
        app, _, model = self.covers[0].lower().partition(".")
        return f"{app}.{verb}_{model}"


def outcome_of(*, created: bool, changed: bool) -> str:
    """Give the word for what became of a record."""
    return CREATED if created else CHANGED if changed else UNCHANGED


def ordered(value: Any) -> Any:
    """Give a free value with the keys of its mappings in one order: not every database keeps the one it was given."""
    if isinstance(value, Mapping):
        return {key: ordered(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [ordered(item) for item in value]
    return value


def exact(number: Decimal | None) -> Decimal | None:
    """Give a number without the zeros that a column adds: 3.00 is 3."""
    if number is None:
        return None
    plain = number.normalize()
    return plain.quantize(Decimal(1)) if plain == plain.to_integral_value() else plain
