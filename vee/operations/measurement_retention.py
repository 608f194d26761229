"""How long final measurements are kept, and how far ahead there is room for new ones (`performance.md` C.2)."""

from __future__ import annotations

import dataclasses
import datetime as dt

from vee import storage


@dataclasses.dataclass(frozen=True, slots=True)
class Maintained:
    """The months that were created, and how many partitions (day blocks, without partitions) were given up."""

    created: list[dt.date]
    retired: int


def maintain(*, at: dt.datetime, months_ahead: int, months_kept: int) -> Maintained:
    """
    Create the monthly partitions that will be needed, and retire those older than a site keeps; 0 keeps all for ever.

    :raises vee.storage.KeptTooShort: when fewer than three months would be kept.
    """
    created = storage.create_ahead(at=at, months=months_ahead)
    retired = storage.retire(at=at, months_kept=months_kept) if months_kept else 0
    return Maintained(created, retired)
