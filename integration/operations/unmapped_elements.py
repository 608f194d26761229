"""
Elements of messages that no base mapping takes up, as they are seen in traffic (`integration.md` 7).

Only paths and kinds are kept, never a value. A message in which nothing is new costs a walk over it and no query:
counts are gathered in the process and written when something new comes or a minute has passed.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.db import DatabaseError, transaction
from django.db.models import F

from integration.flows import base_mappings, unmapped_paths
from integration.models import UnmappedElement


logger = structlog.get_logger(__name__)

MAX_ELEMENTS = 200
"""Of one mapping; what comes beyond is not listed."""
WRITE_EVERY = dt.timedelta(seconds=60)


class _Gathered:
    """What this process saw of one mapping since it wrote last."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.counts: dict[str, int] = {}
        self.written_at: dt.datetime | None = None


_gathered: dict[str, _Gathered] = {}
_lock = threading.Lock()


def observe(mapping: str, message: Mapping[str, Any], *, at: dt.datetime) -> None:
    """Note which elements of a message the base mapping does not take up. Trouble with that never touches the run."""
    found = unmapped_paths.unmapped(base_mappings.find(mapping), message)
    if found:
        _note(mapping, found, at=at)


def observe_rows(mapping: str, columns: Sequence[str], *, at: dt.datetime) -> None:
    """Note the columns of a file that the base mapping does not take up."""
    found = unmapped_paths.unmapped_columns(base_mappings.find(mapping), columns)
    if found:
        _note(mapping, found, at=at)


def forget() -> None:
    """Forget what this process gathered: it starts again with the next message."""
    with _lock:
        _gathered.clear()


def _note(mapping: str, found: Mapping[str, str], *, at: dt.datetime) -> None:
    with _lock:
        gathered = _gathered.setdefault(mapping, _Gathered())
        for path in found:
            gathered.counts[path] = gathered.counts.get(path, 0) + 1
        new = [path for path in found if path not in gathered.known]
        due = gathered.written_at is None or not dt.timedelta() <= at - gathered.written_at < WRITE_EVERY
        if not new and not due:
            return
        counts, gathered.counts = gathered.counts, {}
        gathered.written_at = at
    try:
        with transaction.atomic():
            _write(mapping, counts, found, at=at)
    except DatabaseError:
        # The message matters more: what was gathered is counted again when it comes again.
        logger.warning("unmapped_elements_not_written", mapping=mapping, exc_info=True)
        return
    with _lock:
        gathered.known.update(found)


def _write(mapping: str, counts: Mapping[str, int], found: Mapping[str, str], *, at: dt.datetime) -> None:
    known = set(UnmappedElement.objects.filter(mapping=mapping).values_list("path", flat=True))
    new = [path for path in found if path not in known][: max(MAX_ELEMENTS - len(known), 0)]
    UnmappedElement.objects.bulk_create(
        [
            UnmappedElement(mapping=mapping, path=path, kind=found[path], count=0, first_seen_at=at, last_seen_at=at)
            for path in new
        ],
        # Another process may have seen it in this moment.
        ignore_conflicts=True,
    )
    by_count: dict[int, list[str]] = {}
    for path, count in counts.items():
        by_count.setdefault(count, []).append(path)
    for count, paths in by_count.items():
        UnmappedElement.objects.filter(mapping=mapping, path__in=paths).update(
            count=F("count") + count, last_seen_at=at
        )
