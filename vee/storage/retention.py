"""Room for measurements that are to come, and the end of those that are older than a site keeps."""

from __future__ import annotations

import datetime as dt

from vee.storage.partitions import MONTHS_NEVER_RETIRED, month_of
from vee.storage.writer import backend


class KeptTooShort(ValueError):
    """Measurements would be given up while they are still being corrected."""


def create_ahead(*, at: dt.datetime, months: int) -> list[dt.date]:
    """Create the monthly partitions of now and of so many months to come; give those that were missing."""
    return backend().create_partitions(at=at, months=months)


def retire(*, at: dt.datetime, months_kept: int) -> int:
    """
    Give up measurements, and what they replaced, of months that ended more than `months_kept` months ago.

    Gives the number of partitions, or of day blocks where there are none.

    :raises KeptTooShort: when fewer than three months would be kept.
    """
    if months_kept < MONTHS_NEVER_RETIRED:
        raise KeptTooShort(f"Measurements are kept for {MONTHS_NEVER_RETIRED} months or more, not {months_kept}.")
    return backend().retire_before(month=month_of(at, -months_kept))
