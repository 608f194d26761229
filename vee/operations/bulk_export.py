"""
Interval measurements of many components as Parquet, for usage and analytics: arrays out, no object per value.

PyArrow writes it, which is not part of the product (`requirements/analytics.in`): it is 170 MB of its own.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vee import storage
from vee.codes import ComponentKind
from vee.models import MeasuringComponent
from vee.operations.exports import UnableToExport


# Read and written at once: a row group of the file.
_COMPONENTS_AT_ONCE = 200
_PLACES = 9


def export_parquet(*, path: Path, identifiers: Sequence[str], start: dt.datetime, end: dt.datetime) -> int:
    """
    Write the measurements with `start < interval end ≤ end` to a new file, and give how many there are.

    Without identifiers those of all interval components. Columns: `measuring_component`, `measured_at` (UTC), `value`
    (decimal, empty where there is none), `condition`, `user_edited`; ordered by component's id and time.

    :raises UnableToExport: when a component is unknown, the period is empty, the file is there, or PyArrow is not.
    """
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        message = "Parquet needs PyArrow: .venv/bin/pip install -r requirements/analytics.txt"
        raise UnableToExport("format_out", "not_installed", message) from None
    if end <= start:
        raise UnableToExport("end", "invalid_period", "The end does not lie after the start.")
    names = _components(identifiers)
    schema = pa.schema(
        [
            ("measuring_component", pa.dictionary(pa.int32(), pa.string())),
            ("measured_at", pa.timestamp("us", tz="UTC")),
            ("value", pa.decimal128(28, _PLACES)),
            ("condition", pa.int32()),
            ("user_edited", pa.bool_()),
        ]
    )
    part = path.with_name(f".{path.name}.part")
    written = 0
    try:
        with parquet.ParquetWriter(part, schema, compression="zstd") as target:
            ids = list(names)
            for begin in range(0, len(ids), _COMPONENTS_AT_ONCE):
                chosen = ids[begin : begin + _COMPONENTS_AT_ONCE]
                found = storage.read_range(component_ids=chosen, start=start, end=end)
                series = [found[pk] for pk in chosen if pk in found]
                if series:
                    target.write_table(_table(pa, schema, series, names))
                    written += sum(len(one.ends) for one in series)
        os.link(part, path)
    except FileExistsError:
        raise UnableToExport("output", "exists", f"{path} is there already; nothing was overwritten.") from None
    except OSError as error:
        raise UnableToExport("output", "not_writable", f"{path} cannot be written: {error.strerror}.") from None
    finally:
        part.unlink(missing_ok=True)
    return written


def _components(identifiers: Sequence[str]) -> dict[int, str]:
    rows = MeasuringComponent.objects.exclude(type__component_kind=ComponentKind.SCALAR).order_by("pk")
    if not identifiers:
        return dict(rows.values_list("pk", "identifier"))
    found = dict(rows.filter(identifier__in=set(identifiers)).values_list("pk", "identifier"))
    missing = sorted(set(identifiers).difference(found.values()))
    if missing:
        message = f"There is no interval component {missing[0]!a}."
        raise UnableToExport("measuring_component", "unknown_component", message)
    return found


def _table(pa: Any, schema: Any, series: Sequence[storage.Series], names: dict[int, str]) -> Any:
    lengths = [len(one.ends) for one in series]
    places = np.repeat(np.arange(len(series), dtype=np.int32), lengths)
    return pa.table(
        [
            pa.DictionaryArray.from_arrays(places, [names[one.component_id] for one in series]),
            pa.array(np.concatenate([one.ends for one in series]) * 1_000_000).cast(schema.field(1).type),
            pa.chunked_array([_decimals(pa, one) for one in series]),
            pa.array(np.concatenate([one.conditions for one in series])),
            pa.array(np.concatenate([one.edited for one in series])),
        ],
        schema=schema,
    )


def _decimals(pa: Any, one: storage.Series) -> Any:
    """Give exact decimals from counts: 128 bits each, of which the upper half only holds the sign."""
    there = one.values != storage.NO_VALUE
    halves = np.empty((len(one.values), 2), dtype="<i8")
    halves[:, 0] = np.where(there, one.values, 0)
    halves[:, 1] = halves[:, 0] >> 63
    bits = pa.py_buffer(np.packbits(there, bitorder="little").tobytes())
    counts = pa.Array.from_buffers(pa.decimal128(19, one.scale), len(there), [bits, pa.py_buffer(halves.tobytes())])
    return counts.cast(pa.decimal128(28, _PLACES))
