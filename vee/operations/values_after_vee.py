"""The values after VEE of a group of IMDs, kept as evidence where they are not what was received."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence

import numpy as np

from vee.engine.fixed_point import to_fixed
from vee.models import ImdPostVee
from vee.operations.register_values import Scalar
from vee.operations.validation import Group
from vee.storage import NO_VALUE, insert_rows


_COLUMNS = {
    "imd_id": "int8", "scale": "int2", "values": "int8[]", "conditions": "int4[]", "rules": "int4[]",
    "updated_at": "timestamptz",
}  # fmt: skip


def store_values_after_vee(*, group: Group, at: dt.datetime, left: Collection[int] = ()) -> None:
    """Keep the values after VEE where they differ from what was received, but for the IMDs that are `left`."""
    if group.scalars is not None:
        _store_readings(group, group.scalars, at=at)
        return
    batch = group.result.batch
    # Of subtractive intervals nothing is as received: consumption stands in place of readings.
    if group.consumed is not None:
        rows = list(range(batch.size))
    else:
        edited = [bool(imd.edits) for imd in group.imds]
        rows = np.flatnonzero(group.result.changed | np.array(edited, dtype=bool)).tolist()
    if left:
        rows = [row for row in rows if group.imds[row].id not in left]
    if rows:
        values = np.where(batch.valid, batch.values, NO_VALUE)
        insert_rows(
            table=ImdPostVee._meta.db_table,
            columns=_COLUMNS,
            rows=[
                (group.imds[row].id, batch.scale, values[row], batch.conditions[row], batch.set_by[row], at)
                for row in rows
            ],
        )


def _store_readings(group: Group, scalars: Sequence[Scalar], *, at: dt.datetime) -> None:
    """Keep the readings that follow from what rules set; those that people edited stand in the edits."""
    batch = group.result.batch
    kept = []
    for row in np.flatnonzero(group.result.changed).tolist():
        reading = scalars[row].reading
        count = NO_VALUE if reading is None else to_fixed(reading, batch.scale)
        kept.append(
            ImdPostVee(
                imd_id=group.imds[row].id,
                scale=batch.scale,
                values=np.array([count], dtype=np.int64),
                conditions=batch.conditions[row],
                rules=batch.set_by[row],
                updated_at=at,
            )
        )
    ImdPostVee.objects.bulk_create(kept)
