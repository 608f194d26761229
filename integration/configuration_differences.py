"""What differs between two states of a configuration, record by record and field by field. Plain Python."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foundation.configuration import CHANGED, CREATED, REMOVED, UNCHANGED, Section
from integration.configuration_yaml import escaped, on_one_line


# Pairs of equal entries up to which lists without names are matched; beyond, they are compared place by place.
MAX_PAIRS = 50_000


class _Absent:
    """Stands for what is not there; null is a value."""

    def __repr__(self) -> str:
        return "(absent)"


ABSENT = _Absent()


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldChange:
    """
    One field that differs: its path inside the record, such as `rules/20/parameters/tolerance`, and its values.

    An entry of a list is named by what tells it apart, or by its place. `old` or `new` is ABSENT when it is not there.
    """

    path: str
    old: Any
    new: Any

    def lines(self) -> Iterator[str]:
        """Give `- path: old` and `+ path: new`, as far as they are there."""
        for sign, value in (("-", self.old), ("+", self.new)):
            if value is not ABSENT:
                yield f"{sign} {self.path}: {on_one_line(value)}"

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON: without `old` what is new, without `new` what goes."""
        given = {"path": self.path, "old": self.old, "new": self.new}
        return {name: value for name, value in given.items() if value is not ABSENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What the document does to one record: `outcome` is created, changed, removed or unchanged."""

    section: str
    name: str
    outcome: str
    fields: tuple[FieldChange, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def note(self) -> str:
        """The notes as one sentence."""
        return "; ".join(self.notes)

    def __str__(self) -> str:
        return f"{self.section} {self.name}: {self.outcome}" + (f"; {self.note}" if self.note else "")

    def lines(self) -> Iterator[str]:
        """Give the record and its fields as a person reads them."""
        yield str(self)
        for change in self.fields:
            yield from change.lines()

    def as_dict(self) -> dict[str, Any]:
        """Give it for JSON."""
        return {
            "section": self.section,
            "name": self.name,
            "outcome": self.outcome,
            "fields": [change.as_dict() for change in self.fields],
            "notes": list(self.notes),
        }


def records_of(section: Section, content: Any) -> dict[str, Any]:
    """Give the records of a section's document by name."""
    if not section.record_key:
        return dict(content)
    return {
        record[section.record_key]: {key: value for key, value in record.items() if key != section.record_key}
        for record in content
    }


def compare(section: Section, before: Any, after: Any) -> list[Change]:
    """Give the records of a section that differ between two of its documents, in the order of the second."""
    if before == after:
        return []
    old, new = records_of(section, before), records_of(section, after)
    changes = []
    for name in [*new, *(name for name in old if name not in new)]:
        earlier, later = old.get(name, ABSENT), new.get(name, ABSENT)
        if earlier == later:
            continue
        outcome = CREATED if earlier is ABSENT else REMOVED if later is ABSENT else CHANGED
        fields = tuple(_fields(section, "", earlier, later))
        if outcome == CREATED:
            fields = tuple(each for each in fields if each.new not in (None, "", [], {}))
        changes.append(Change(section=section.name, name=name, outcome=outcome, fields=fields))
    return changes


def unchanged(section: str, name: str, notes: Sequence[str]) -> Change:
    """Give what is said of a record that the document names and leaves as it is."""
    return Change(section=section, name=name, outcome=UNCHANGED, notes=tuple(notes))


def _fields(section: Section, path: str, old: Any, new: Any) -> Iterator[FieldChange]:
    if old == new:
        return
    if _are(Mapping, old, new):
        yield from _of_mappings(section, path, {} if old is ABSENT else old, {} if new is ABSENT else new)
    elif _are(list, old, new) and any(isinstance(item, Mapping) for side in (old, new) for item in _items(side)):
        yield from _of_lists(section, path, _items(old), _items(new))
    else:
        yield FieldChange(path=path, old=old, new=new)


def _are(kind: type, old: Any, new: Any) -> bool:
    # What is new or goes is told field by field as well; an empty one has no fields to tell.
    sides = [side for side in (old, new) if side is not ABSENT]
    return all(isinstance(side, kind) for side in sides) and any(sides) and (len(sides) > 1 or bool(sides[0]))


def _items(side: Any) -> Sequence[Any]:
    return [] if side is ABSENT else side


def _of_mappings(section: Section, path: str, old: Mapping[Any, Any], new: Mapping[Any, Any]) -> Iterator[FieldChange]:
    for key in [*new, *(key for key in old if key not in new)]:
        yield from _fields(section, _below(path, key), old.get(key, ABSENT), new.get(key, ABSENT))


def _of_lists(section: Section, path: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[FieldChange]:
    keys = section.identified_by.get(path.rpartition("/")[2], ())
    earlier, later = _named(old, keys), _named(new, keys)
    if earlier is None or later is None:
        yield from _in_order(section, path, old, new)
        return
    yield from _of_mappings(section, path, earlier, later)
    kept = [name for name in earlier if name in later]
    order = [name for name in later if name in earlier]
    if kept != order:
        yield FieldChange(path=_below(path, "order"), old=kept, new=order)


def _named(items: Sequence[Any], keys: tuple[str, ...]) -> dict[str, Any] | None:
    """Give the entries by what tells them apart; None when something does not."""
    named: dict[str, Any] = {}
    for item in items:
        if not isinstance(item, Mapping):
            return None
        parts = [on_one_line(item[key]) for key in keys if item.get(key) is not None]
        name = " ".join(parts)
        if not parts or name in named:
            return None
        named[name] = item
    return named


def _in_order(section: Section, path: str, old: Sequence[Any], new: Sequence[Any]) -> Iterator[FieldChange]:
    for old_from, old_to, new_from, new_to in _stretches(old, new):
        for offset in range(max(old_to - old_from, new_to - new_from)):
            earlier = old[old_from + offset] if old_from + offset < old_to else ABSENT
            later = new[new_from + offset] if new_from + offset < new_to else ABSENT
            # Counted from 1, in the list where the entry stands.
            place = (new_from if later is not ABSENT else old_from) + offset + 1
            if earlier is ABSENT or later is ABSENT:
                yield FieldChange(path=_below(path, place), old=earlier, new=later)
            else:
                yield from _fields(section, _below(path, place), earlier, later)


def _stretches(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[int, int, int, int]]:
    earlier, later = ([repr(item) for item in side] for side in (old, new))
    counts = Counter(earlier)
    if sum(counts[item] for item in later) > MAX_PAIRS:
        common = min(len(earlier), len(later))
        places = [(at, at + 1, at, at + 1) for at in range(common) if earlier[at] != later[at]]
        return [*places, (common, len(earlier), common, len(later))]
    matcher = difflib.SequenceMatcher(a=earlier, b=later, autojunk=False)
    return [codes[1:] for codes in matcher.get_opcodes() if codes[0] != "equal"]


def _below(path: str, step: object) -> str:
    return f"{path}/{escaped(step)}" if path else escaped(step)
