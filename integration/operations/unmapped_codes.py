"""
Codes that flows looked for in lookups and did not find, as they come; and adding them to their lookup.

What is found costs nothing. What is not is gathered in the process, and written when something new comes or a minute
has passed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F

from integration.models import UnmappedCode
from lookups.operations import add_row
from lookups.queries import Table, UnknownColumn, UnknownLookup, table
from outbound.texts import storable


logger = structlog.get_logger(__name__)

MAX_CODES = 200
"""Of one lookup; what comes beyond is not listed. A column of codes has dozens."""
LONGEST = 200
WRITE_EVERY = dt.timedelta(seconds=60)

_Key = tuple[str, str, str]


class AlreadyMapped(Exception):
    """The lookup has the code by now."""


class _Gathered:
    """What this process did not find since it wrote last."""

    def __init__(self) -> None:
        self.known: set[_Key] = set()
        self.counts: dict[_Key, int] = {}
        self.targets: dict[_Key, str] = {}
        self.written_at: dt.datetime | None = None


_gathered = _Gathered()
_lock = threading.Lock()


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def watched(held: Table, *, clock: Callable[[], dt.datetime] = _now) -> Table:
    """Give a lookup that notes what it is asked for in vain."""

    def note(source: str, value: str, target: str) -> None:
        observe(lookup=held.name, source=source, value=value, target=target, at=clock())

    return dataclasses.replace(held, on_missing=note)


def observe(*, lookup: str, source: str, value: str, target: str, at: dt.datetime) -> None:
    """Note a code that its lookup does not hold. Trouble with that never touches the message."""
    written = storable(value.strip())
    if not written or len(written) > LONGEST:
        return
    key = (lookup, source, written)
    with _lock:
        _gathered.counts[key] = _gathered.counts.get(key, 0) + 1
        _gathered.targets[key] = target
        last = _gathered.written_at
        due = last is None or not dt.timedelta() <= at - last < WRITE_EVERY
        if key in _gathered.known and not due:
            return
        counts, _gathered.counts = _gathered.counts, {}
        targets, _gathered.targets = _gathered.targets, {}
        _gathered.written_at = at
    try:
        with transaction.atomic():
            for each, count in sorted(counts.items()):
                _write(each, targets[each], count, at=at)
    except DatabaseError:
        # The message matters more: what was gathered is counted again when it comes again.
        logger.warning("unmapped_codes_not_written", lookup=lookup, exc_info=True)
        return
    with _lock:
        _gathered.known.update(counts)


def forget() -> None:
    """Forget what this process gathered: it starts again with the next code."""
    global _gathered
    with _lock:
        _gathered = _Gathered()


def _write(key: _Key, target: str, count: int, *, at: dt.datetime) -> None:
    lookup, source, value = key
    rows = UnmappedCode.objects.filter(lookup=lookup, source=source, value=value)
    # It may have been in the lookup for a while and have been taken out again.
    changed = {"target": target, "last_seen_at": at, "mapped_at": None, "mapped_by": ""}
    if rows.update(count=F("count") + count, **changed):
        return
    if UnmappedCode.objects.filter(lookup=lookup).count() >= MAX_CODES:
        return
    UnmappedCode.objects.bulk_create(
        [
            UnmappedCode(
                lookup=lookup, source=source, value=value, target=target, count=count, first_seen_at=at, last_seen_at=at
            )
        ],
        # Another process may have seen it in this moment.
        ignore_conflicts=True,
    )


def map_code(*, code_id: int, values: Mapping[str, str], by: Any, reason: str, at: dt.datetime) -> UnmappedCode:
    """
    Add a code to its lookup as a new row, in a new version of the lookup; versions and audit trail tell who and why.

    :param values: the other columns of the row.
    :raises UnmappedCode.DoesNotExist: when there is none of this id.
    :raises AlreadyMapped: when the lookup has it by now.
    :raises UnknownLookup: when the lookup is gone.
    :raises UnableToSaveLookup: when the row would break a rule of the lookup.
    """
    with transaction.atomic():
        code = UnmappedCode.objects.select_for_update().get(pk=code_id)
        held = table(name=code.lookup)
        if held.row_of(source=code.source, value=code.value) is not None:
            raise AlreadyMapped(f"The lookup {held.name} has {code.value!r} by now.")
        column = held.column(code.source).name
        add_row(name=held.name, values={**values, column: code.value}, by=by, note=reason, at=at)
        code.mapped_at, code.mapped_by = at, by.get_username()
        code.save(update_fields=["mapped_at", "mapped_by"])
        return code


def settle(*, at: dt.datetime) -> int:
    """Close the codes that their lookup has by now, whoever added them; give how many."""
    settled = 0
    for code in UnmappedCode.objects.filter(mapped_at__isnull=True).order_by("lookup", "pk"):
        try:
            found = table(name=code.lookup).row_of(source=code.source, value=code.value) is not None
        except (UnknownLookup, UnknownColumn):
            # The lookup was taken away: nothing asks it any more, and nobody can add to it.
            found = True
        if found:
            settled += UnmappedCode.objects.filter(pk=code.pk, mapped_at__isnull=True).update(mapped_at=at)
    return settled
