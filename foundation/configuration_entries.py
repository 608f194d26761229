"""Reading the entries of a section of the configuration document, and refusing what does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foundation.api.decoding import DoesNotFit, convert
from foundation.configuration import UnableToApplyConfiguration


def read_entries(section: Any, kind: type[Any]) -> list[tuple[int, Any]]:
    """
    Read the entries of a section that is a list.

    :raises UnableToApplyConfiguration: with all that does not fit.
    """
    if not isinstance(section, Sequence) or isinstance(section, str):
        refuse([{"pointer": "", "code": "invalid", "message": "This is given as a list."}])
    entries, errors = [], []
    for index, raw in enumerate(section):
        try:
            entries.append((index, convert(raw, kind)))
        except DoesNotFit as error:
            errors.append(error.as_error(f"/{index}"))
    refuse(errors)
    return entries


def read_named_entries(section: Any, kind: type[Any]) -> dict[str, Any]:
    """
    Read the entries of a section that is a mapping of names.

    :raises UnableToApplyConfiguration: with all that does not fit.
    """
    if not isinstance(section, Mapping):
        refuse([{"pointer": "", "code": "invalid", "message": "This is given as names with their values."}])
    entries, errors = {}, []
    for name, raw in section.items():
        try:
            entries[str(name)] = convert(raw, kind)
        except DoesNotFit as error:
            errors.append(error.as_error(f"/{name}"))
    refuse(errors)
    return entries


def refuse(errors: Sequence[Mapping[str, str]]) -> None:
    """
    Refuse the section when there is an error.

    :raises UnableToApplyConfiguration: with the errors.
    """
    if errors:
        raise UnableToApplyConfiguration(errors)


def repeated(names: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """Give an error for each name (pointer and name) that stands a second time."""
    seen: set[str] = set()
    errors = []
    for pointer, name in names:
        if name in seen:
            errors.append({"pointer": pointer, "code": "repeated", "message": f"{name} stands twice."})
        seen.add(name)
    return errors
