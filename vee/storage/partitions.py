"""The monthly partitions of the day blocks on PostgreSQL: created when they are needed or ahead, retired by policy."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import structlog
from django.db import OperationalError, connection, transaction


logger = structlog.get_logger(__name__)

_ADVISORY_LOCK = 7_163_553_001
# Partitions of so many months before now are never retired, so that a process may rely on having seen them.
MONTHS_NEVER_RETIRED = 3
_partitions: set[tuple[str, dt.date]] = set()


def ensure_partitions(*, starts: np.ndarray, at: dt.datetime) -> None:
    """
    Create the monthly partitions that blocks with these starts (epoch seconds) need.

    They are committed at once on a connection of their own, so that two writers never wait for each other's
    transaction. Those that retirement leaves alone are remembered for the life of the process.
    """
    database = str(connection.settings_dict["NAME"])
    lasting = month_of(at, -MONTHS_NEVER_RETIRED)
    missing = []
    for month in np.unique(starts.astype("datetime64[s]").astype("datetime64[M]")).astype(object):
        if (database, month) in _partitions:
            continue
        if month >= lasting or not _is_there(month):
            missing.append(month)
    if not missing:
        return
    apart = connection.copy()
    try:
        for month in missing:
            _create_partition(apart, month)
            if month >= lasting:
                _partitions.add((database, month))
    finally:
        apart.close()


def create_partitions(*, at: dt.datetime, months: int) -> list[dt.date]:
    """Create the partitions of the month of an instant and of so many months after it; give those that were missing."""
    wanted = [month_of(at, ahead) for ahead in range(months + 1)]
    missing = [month for month in wanted if not _is_there(month)]
    ensure_partitions(starts=np.array(missing, dtype="datetime64[s]").astype(np.int64), at=at)
    return missing


def retire_before(*, month: dt.date) -> int:
    """
    Give up the partitions of all months before this one, with what replaced blocks of them were; give their number.

    A writer that holds a partition is not waited for: what is left over is retired the next time.
    """
    retired = 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
            "WHERE i.inhparent = 'vee_measurementblock'::regclass ORDER BY c.relname"
        )
        names = [row[0] for row in cursor.fetchall()]
        for name in names:
            if name < _name(month):
                try:
                    with transaction.atomic():
                        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
                        cursor.execute("SET LOCAL lock_timeout = '5s'")
                        cursor.execute(f"DROP TABLE IF EXISTS {name}")
                except OperationalError:
                    logger.warning("partition_not_retired", partition=name, exc_info=True)
                    continue
                retired += 1
        cursor.execute(
            "DELETE FROM vee_measurementblockhistory WHERE start < %s",
            [dt.datetime(month.year, month.month, 1, tzinfo=dt.UTC)],
        )
    return retired


def month_of(at: dt.datetime, ahead: int = 0) -> dt.date:
    """Give the first day of the month, in UTC, that lies so many months after that of an instant."""
    number = at.astimezone(dt.UTC).year * 12 + at.astimezone(dt.UTC).month - 1 + ahead
    return dt.date(number // 12, number % 12 + 1, 1)


def _name(month: dt.date) -> str:
    return f"vee_measurementblock_y{month:%Y}m{month:%m}"


def _is_there(month: dt.date) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [_name(month)])
        return bool(cursor.fetchone()[0])


def _create_partition(apart: Any, month: dt.date) -> None:
    following = (month.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    name = _name(month)
    with apart.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_ADVISORY_LOCK])
        cursor.execute("SELECT to_regclass(%s)", [name])
        if cursor.fetchone()[0] is None:
            cursor.execute(f"CREATE TABLE {name} (LIKE vee_measurementblock INCLUDING ALL)")
            cursor.execute(
                f"ALTER TABLE vee_measurementblock ATTACH PARTITION {name} "
                f"FOR VALUES FROM ('{month:%Y-%m-%d} 00:00+00') TO ('{following:%Y-%m-%d} 00:00+00')"
            )
        cursor.execute("COMMIT")


def forget_partitions() -> None:
    """Look again at which partitions there are, after the database was exchanged under the process."""
    _partitions.clear()
