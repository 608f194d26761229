"""
Readers: a file in, readings out, streaming; one bad row never stops a file.

Plain Python. A reader knows formats, not the database: what a component is and whether a value fits it is decided
by `vee.operations.intake`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import IO

from vee.readers import cmep, columns, csv_rows, green_button, mscons, nem12, nem13
from vee.readers.archives import Member, members, seekable
from vee.readers.base import (
    EarlierRead,
    FileUnreadable,
    IntervalReadings,
    Item,
    Items,
    RegisterReading,
    RowError,
    ZoneLookup,
)
from vee.readers.column_layout import ColumnLayout


__all__ = [
    "KNOWN_FORMATS",
    "PLAIN_FORMATS",
    "ColumnLayout",
    "EarlierRead",
    "FileUnreadable",
    "FormatUnknown",
    "IntervalReadings",
    "Item",
    "Items",
    "RegisterReading",
    "RowError",
    "ZoneLookup",
    "check_format",
    "open_reader",
    "profile_of",
]

_READERS: dict[str, Callable[..., Items]] = {
    "nem12": nem12.read,
    "nem13": nem13.read,
    "green_button": green_button.read,
    "mscons": mscons.read,
    "cmep": cmep.read,
    "csv": csv_rows.read,
}
PLAIN_FORMATS = tuple(_READERS)
# Every format of the outside contract; `csv:<profile>` names a layout of a site's own.
KNOWN_FORMATS = (*PLAIN_FORMATS, "csv:<profile>")
_PROFILE = re.compile(r"csv:([A-Za-z0-9_.-]{1,50})")
# Formats whose times may come without an offset.
_WITH_CLOCK = frozenset({"mscons"})


class FormatUnknown(ValueError):
    """There is no format of this name."""


def check_format(format: str) -> None:  # noqa: A002  (the field's own word)
    """
    Refuse a format that is none; whether there is a column profile of its name is not known here.

    :raises FormatUnknown: when nothing of this name is known.
    """
    if format not in _READERS and profile_of(format) is None:
        raise FormatUnknown(f"{format!a} is not a known format; known are {', '.join(KNOWN_FORMATS)}.")


def profile_of(format: str) -> str | None:  # noqa: A002  (the field's own word)
    """Give the code of the column profile that a format names; None for any other format."""
    matched = _PROFILE.fullmatch(format)
    return matched[1] if matched else None


def open_reader(
    *,
    format: str,  # noqa: A002  (the field's own word)
    stream: IO[bytes],
    name: str,
    zone_of: ZoneLookup | None = None,
    clock_of: ZoneLookup | None = None,
    layout: ColumnLayout | None = None,
) -> Items:
    """
    Give the readings and refused rows of a file, or of each member of a zip archive, in their order.

    `zone_of` gives the zone in which a component's local days are counted, `clock_of` the clock by which its times
    without an offset are read; `layout` is that of the column profile which the format names.

    Memory does not grow with the file. Line numbers run on over the members of an archive; the message of a member's
    error names the member and its own line. A member that is refused as a whole is one `RowError` when the archive
    holds others.

    :raises FormatUnknown: see `check_format`.
    :raises FileUnreadable: when the file is refused as a whole, at the first item or, for a damaged archive, later.
    """
    check_format(format)
    if format in _READERS:
        read = partial(_READERS[format], zone_of=zone_of)
        if format in _WITH_CLOCK:
            read = partial(read, clock_of=clock_of)
        return _read(read, stream, name)
    if layout is None:
        raise FormatUnknown(f"{format!a} names a column profile, but no layout came with it.")
    return _read_columns(stream, name, layout, zone_of, clock_of)


def _read_columns(
    stream: IO[bytes], name: str, layout: ColumnLayout, zone_of: ZoneLookup | None, clock_of: ZoneLookup | None
) -> Items:
    with seekable(stream) as whole:
        workbook = columns.read_workbook(whole, layout=layout, zone_of=zone_of, clock_of=clock_of)
        if workbook is not None:
            yield from workbook
            return
        yield from _read(partial(columns.read, layout=layout, zone_of=zone_of, clock_of=clock_of), whole, name)


def _read(read: Callable[..., Items], stream: IO[bytes], name: str) -> Items:
    with seekable(stream) as whole:
        before = 0
        refused: FileUnreadable | None = None
        given = False
        for member in members(whole, name=name):
            if refused is not None:
                yield _as_row(refused, before)
                given, refused = True, None
            counted = _Counted(read(member.stream, first=before + 1))
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
        message = f"line {item.line - before} of {member.name!a}: {item.message}"
        return RowError(line=item.line, code=item.code, message=message, rows=item.rows)
    return item
