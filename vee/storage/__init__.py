"""
Measurements in and out: the one writer of day blocks and their readers (`house.md` D7, `performance.md` C.2).

Arrays come in and go out; which database holds them is decided in here and nowhere else.
"""

from __future__ import annotations

from vee.codes import NO_VALUE
from vee.storage.blocks import instant
from vee.storage.columns import Column, insert_columns, insert_in_turns
from vee.storage.completeness import covering_blocks, note_changed_days
from vee.storage.pieces import SECONDS_PER_DAY, DayPieces, cut_into_days
from vee.storage.progress import read_progress, upsert_progress
from vee.storage.reader import Neighbours, Point, Series, neighbours, points, read_range, sum_days
from vee.storage.retention import KeptTooShort, create_ahead, retire
from vee.storage.rows import fetch_arrays, fetch_rows, insert_rows, new_ids
from vee.storage.steps import write_steps
from vee.storage.writer import Change, UnableToStoreMeasurements, WriteResult, write_blocks


__all__ = [
    "NO_VALUE",
    "SECONDS_PER_DAY",
    "Change",
    "Column",
    "DayPieces",
    "KeptTooShort",
    "Neighbours",
    "Point",
    "Series",
    "UnableToStoreMeasurements",
    "WriteResult",
    "covering_blocks",
    "create_ahead",
    "cut_into_days",
    "fetch_arrays",
    "fetch_rows",
    "insert_columns",
    "insert_in_turns",
    "insert_rows",
    "instant",
    "neighbours",
    "new_ids",
    "note_changed_days",
    "points",
    "read_progress",
    "read_range",
    "retire",
    "sum_days",
    "upsert_progress",
    "write_blocks",
    "write_steps",
]
