"""
Readers: a file in, readings out, streaming; one bad row never stops a file.

Plain Python. A reader knows formats, not the database: what a component is and whether a value fits it is decided
by `vee.operations.intake`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import IO

from vee.readers import csv_rows, nem12
from vee.readers.archives import Member, members, seekable
from vee.readers.base import (
    FileUnreadable,
    IntervalReadings,
    Item,
    Items,
    RegisterReading,
    RowError,
    ZoneLookup,
)


__all__ = [
    "AVAILABLE_FORMATS",
    "KNOWN_FORMATS",
    "FileUnreadable",
    "FormatNotAvailable",
    "FormatUnknown",
    "IntervalReadings",
    "Item",
    "Items",
    "RegisterReading",
    "RowError",
    "ZoneLookup",
    "check_format",
    "open_reader",
]

# Every format of the outside contract; `csv:<profile>` names a layout of a site's own.
KNOWN_FORMATS = ("nem12", "nem13", "green_button", "mscons", "cmep", "csv", "csv:<profile>")
AVAILABLE_FORMATS = ("nem12", "csv")
_PROFILE = re.compile(r"csv:[A-Za-z0-9_.-]{1,50}")
_READERS: dict[str, Callable[..., Items]] = {"nem12": nem12.read, "csv": csv_rows.read}


class FormatUnknown(ValueError):
    """There is no format of this name."""


class FormatNotAvailable(ValueError):
    """The format is part of the contract, but not of this version."""


def check_format(format: str) -> None:  # noqa: A002  (the field's own word)
    """
    Refuse a format that cannot be read.

    :raises FormatUnknown: when nothing of this name is known.
    :raises FormatNotAvailable: when it is known and comes with a later version.
    """
    if format in AVAILABLE_FORMATS:
        return
    if format in KNOWN_FORMATS or _PROFILE.fullmatch(format):
        raise FormatNotAvailable(f"The format {format} is not available in this version.")
    raise FormatUnknown(f"{format!a} is not a known format; known are {', '.join(KNOWN_FORMATS)}.")


def open_reader(
    *,
    format: str,  # noqa: A002  (the field's own word)
    stream: IO[bytes],
    name: str,
    zone_of: ZoneLookup | None = None,
) -> Items:
    """
    Give the readings and refused rows of a file, or of each member of a zip archive, in their order.

    Memory does not grow with the file. Line numbers run on over the members of an archive; the message of a member's
    error names the member and its own line. A member that is refused as a whole is one `RowError` when the archive
    holds others.

    :raises FormatUnknown: :raises FormatNotAvailable: see `check_format`.
    :raises FileUnreadable: when the file is refused as a whole, at the first item or, for a damaged archive, later.
    """
    check_format(format)
    return _read(_READERS[format], stream, name, zone_of)


def _read(read: Callable[..., Items], stream: IO[bytes], name: str, zone_of: ZoneLookup | None) -> Items:
    with seekable(stream) as whole:
        before = 0
        refused: FileUnreadable | None = None
        given = False
        for member in members(whole, name=name):
            if refused is not None:
                yield _as_row(refused, before)
                given, refused = True, None
            counted = _Counted(read(member.stream, first=before + 1, zone_of=zone_of))
            try:
                for item in counted:
                    given = True
                    yield _named(item, member, before) if before else item
            except FileUnreadable as error:
                if not member.archived or error.code in _WHOLE_ARCHIVE:
                    raise
                refused = FileUnreadable(error.code, f"{member.name!a}: {error.message}")
            before = max(before + 1, counted.line)
        if refused is not None:
            if not given:
                raise refused
            yield _as_row(refused, before)


_WHOLE_ARCHIVE = frozenset({"damaged_archive", "nested_archive", "archive_too_large"})


class _Counted:
    """Items with the last line seen, so that the next member's numbers run on."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self.line = 0

    def __iter__(self) -> Items:
        for item in self._items:
            self.line = max(self.line, item.line + item.rows)
            yield item


def _as_row(refused: FileUnreadable, line: int) -> RowError:
    return RowError(line=max(line, 1), code=refused.code, message=refused.message)


def _named(item: Item, member: Member, before: int) -> Item:
    if isinstance(item, RowError):
        message = f"{member.name!a}, line {item.line - before}: {item.message}"
        return RowError(line=item.line, code=item.code, message=message, rows=item.rows)
    return item
