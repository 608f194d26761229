"""The one function that writes interval measurements."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
from collections import defaultdict
from collections.abc import Sequence
from types import ModuleType
from typing import NamedTuple

import numpy as np
from django.db import connection, transaction

from vee.codes import NO_VALUE, Band, Condition
from vee.storage import postgres, sqlite
from vee.storage.blocks import Blocks, instant
from vee.storage.pieces import DayPieces


USER_EDITED = 1
_LARGEST = float(2**62)


class UnableToStoreMeasurements(ValueError):
    """The readings do not fit the blocks that are there, or their sum does not fit its column."""


class Change(NamedTuple):
    """What changed for one component: the first and the last interval end, inclusive, UTC."""

    component_id: int
    first: dt.datetime
    last: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True)
class WriteResult:
    """How many blocks were new, replaced or left alone, and what changed per component."""

    inserted: int
    replaced: int
    unchanged: int
    changes: tuple[Change, ...]


def backend() -> ModuleType:
    """Give the module that speaks to the database in use."""
    return postgres if connection.vendor == "postgresql" else sqlite


def write_blocks(*, pieces: Sequence[DayPieces], at: dt.datetime) -> WriteResult:
    """
    Write pieces of day blocks: merged, spliced into what is there, and upserted in one go.

    Of two pieces with the same interval the later one counts. With `skip_identical` a measurement with the same value
    and condition is left alone, and a block in which nothing changed is not written: no version, no history. A
    missing value never replaces one that is there, nor a missing reading one; what a person set stays marked as such
    while value and condition stay the same. Replaced blocks are copied to the history first.

    The caller holds the locks of the components (`vee.locks`), so that a block is not written twice at once.

    :raises UnableToStoreMeasurements: when a stored block has another interval length or scale, or a sum overflows.
    """
    groups: dict[tuple[object, ...], list[DayPieces]] = defaultdict(list)
    for piece in pieces:
        if len(piece.component_ids):
            key = (piece.seconds_per_interval, piece.scale, piece.skip_identical, piece.readings is None)
            groups[key].append(piece)
    with transaction.atomic():
        results = [_write_group(group, at=at) for group in groups.values()]
    return WriteResult(
        inserted=sum(result.inserted for result in results),
        replaced=sum(result.replaced for result in results),
        unchanged=sum(result.unchanged for result in results),
        changes=_together([result.changes for result in results]),
    )


def _together(parts: Sequence[tuple[Change, ...]]) -> tuple[Change, ...]:
    """Give one change for each component, in the order of their ids; each part has that order."""
    told = [part for part in parts if part]
    if len(told) < 2:
        return told[0] if told else ()
    changes: dict[int, Change] = {}
    for change in itertools.chain.from_iterable(told):
        known = changes.get(change.component_id, change)
        changes[change.component_id] = Change(
            change.component_id, min(known.first, change.first), max(known.last, change.last)
        )
    return tuple(changes[key] for key in sorted(changes))


def _write_group(pieces: list[DayPieces], *, at: dt.datetime) -> WriteResult:
    blocks, places = _empty_blocks(pieces)
    before_values, before_conditions, before_readings = _put_stored(blocks)
    skip_identical = pieces[0].skip_identical
    touched = np.zeros(blocks.values.shape, dtype=bool)
    for piece, rows in zip(pieces, places, strict=True):
        _put_piece(blocks, piece, rows, touched=touched)
    changed = (blocks.values != before_values) | (blocks.conditions != before_conditions)
    if blocks.readings is not None:
        changed |= blocks.readings != before_readings
    if not skip_identical:
        changed |= touched
    write = changed.any(axis=1)
    stored = blocks.versions > 0
    blocks.versions += 1
    if write.any():
        rows = np.flatnonzero(write)
        part = blocks if len(rows) == len(blocks) else blocks.take(rows)
        _sum_up(part)
        backend().store(blocks=part, replacing=bool(stored[rows].any()), at=at)
    return WriteResult(
        inserted=int((write & ~stored).sum()),
        replaced=int((write & stored).sum()),
        unchanged=int((~write).sum()),
        changes=_changes(blocks, changed, write),
    )


def _empty_blocks(pieces: list[DayPieces]) -> tuple[Blocks, list[np.ndarray]]:
    """Make one block per component and day, sorted, and tell each piece which rows are its own."""
    components = np.concatenate([piece.component_ids for piece in pieces]).astype(np.int64)
    starts = np.concatenate([piece.block_starts for piece in pieces]).astype(np.int64)
    order = np.lexsort((starts, components))
    first = np.ones(len(order), dtype=bool)
    first[1:] = (np.diff(components[order]) != 0) | (np.diff(starts[order]) != 0)
    row_of = np.empty(len(order), dtype=np.int64)
    row_of[order] = np.cumsum(first) - 1
    keys = order[first]
    count, slots = len(keys), pieces[0].slots_per_day
    blocks = Blocks(
        component_ids=components[keys],
        starts=starts[keys],
        values=np.full((count, slots), NO_VALUE, dtype=np.int64),
        conditions=np.zeros((count, slots), dtype=np.int32),
        flags=np.zeros((count, slots), dtype=np.int16),
        versions=np.zeros(count, dtype=np.int64),
        imd_ids=np.zeros(count, dtype=np.int64),
        multipliers=np.zeros(count, dtype=np.int64),
        totals=np.zeros(count, dtype=np.int64),
        missing=np.zeros(count, dtype=np.int64),
        scale=pieces[0].scale,
        seconds_per_interval=pieces[0].seconds_per_interval,
        readings=None if pieces[0].readings is None else np.full((count, slots), NO_VALUE, dtype=np.int64),
    )
    borders = np.cumsum([len(piece.component_ids) for piece in pieces])[:-1]
    return blocks, np.split(row_of, borders)


def _put_stored(blocks: Blocks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Put what the database has into the blocks; give values, conditions and readings as they were."""
    found = backend().load(component_ids=blocks.component_ids, starts=blocks.starts, lock=True)
    if found:
        row_of = {
            key: row for row, key in enumerate(zip(blocks.component_ids.tolist(), blocks.starts.tolist(), strict=True))
        }
        for block in found:
            if (block.seconds_per_interval, block.scale) != (blocks.seconds_per_interval, blocks.scale):
                raise UnableToStoreMeasurements(
                    f"The measurements of {instant(block.start):%Y-%m-%d} have {block.seconds_per_interval} s per "
                    f"interval and {block.scale} decimal places, the new ones {blocks.seconds_per_interval} s and "
                    f"{blocks.scale}."
                )
            row = row_of[block.component_id, block.start]
            blocks.values[row] = block.values
            blocks.conditions[row] = Condition.REGULAR if block.conditions is None else block.conditions
            if block.flags is not None:
                blocks.flags[row] = block.flags
            if block.readings is not None:
                if blocks.readings is None:
                    blocks.readings = np.full(blocks.values.shape, NO_VALUE, dtype=np.int64)
                blocks.readings[row] = block.readings
            blocks.versions[row] = block.version
        before = blocks.readings
        return blocks.values.copy(), blocks.conditions.copy(), blocks.values if before is None else before.copy()
    # Nothing is there: compare with scalars instead of copies of nothing.
    return np.int64(NO_VALUE), np.int32(0), np.int64(NO_VALUE)  # type: ignore[return-value]


def _put_piece(blocks: Blocks, piece: DayPieces, rows: np.ndarray, *, touched: np.ndarray) -> None:
    span = slice(piece.first_slot, piece.first_slot + piece.values.shape[1])
    blocks.imd_ids[rows] = piece.imd_ids
    blocks.multipliers[rows] = piece.multipliers
    if not (blocks.versions[rows].any() or touched[rows, span].any() or _repeats(rows)):
        blocks.values[rows, span] = piece.values
        blocks.conditions[rows, span] = piece.conditions
        blocks.flags[rows, span] = 0 if piece.edited is None else piece.edited.astype(np.int16) * USER_EDITED
        if blocks.readings is not None and piece.readings is not None:
            blocks.readings[rows, span] = piece.readings
        touched[rows, span] = True
        return
    missing = (piece.values == NO_VALUE) & _in_band(piece.conditions, Band.MISSING)
    for index, row in enumerate(rows.tolist()):
        values, conditions, flags = (part[row, span] for part in (blocks.values, blocks.conditions, blocks.flags))
        take = ~(missing[index] & (values != NO_VALUE))
        same = (values == piece.values[index]) & (conditions == piece.conditions[index])
        if blocks.readings is not None and piece.readings is not None:
            readings, new = blocks.readings[row, span], piece.readings[index]
            take &= ~(missing[index] & (new == NO_VALUE) & (readings != NO_VALUE))
            same &= readings == new
            readings[take] = new[take]
        if piece.skip_identical:
            take &= ~same
        values[take] = piece.values[index][take]
        conditions[take] = piece.conditions[index][take]
        edited = np.zeros(len(take), dtype=np.int16) if piece.edited is None else piece.edited[index] * USER_EDITED
        # A measurement that stays what it is stays a person's.
        flags[take] = np.where(same, flags | edited, edited)[take]
        touched[row, span] |= take


def _repeats(rows: np.ndarray) -> bool:
    return len(np.unique(rows)) != len(rows)


def _in_band(conditions: np.ndarray, band: Band) -> np.ndarray:
    return (conditions >= band.low) & (conditions <= band.high)


def _sum_up(blocks: Blocks) -> None:
    there = blocks.values != NO_VALUE
    values = np.where(there, blocks.values, 0)
    if np.abs(values.astype(np.float64)).sum(axis=1).max() >= _LARGEST:
        raise UnableToStoreMeasurements("The sum of a day does not fit into 64 bits.")
    blocks.totals = values.sum(axis=1)
    blocks.missing = (~there).sum(axis=1)


def _changes(blocks: Blocks, changed: np.ndarray, write: np.ndarray) -> tuple[Change, ...]:
    rows = np.flatnonzero(write)
    if not len(rows):
        return ()
    cells = changed[rows]
    slots = cells.shape[1]
    first = blocks.starts[rows] + (cells.argmax(axis=1) + 1) * blocks.seconds_per_interval
    last = blocks.starts[rows] + (slots - cells[:, ::-1].argmax(axis=1)) * blocks.seconds_per_interval
    components, borders = np.unique(blocks.component_ids[rows], return_index=True)
    return tuple(
        map(
            Change,
            components.tolist(),
            map(instant, np.minimum.reduceat(first, borders).tolist()),
            map(instant, np.maximum.reduceat(last, borders).tolist()),
        )
    )
