"""Units that differ by a power of ten only: Green Button writes base units where a component has kilo or mega."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

from vee import readers
from vee.readers.base import RowRefused
from vee.readers.numbers import scaled


_BASES = frozenset({"WH", "VARH", "VAH", "W", "VAR", "VA", "V", "A", "J"})
_PREFIXES = {"K": 3, "M": 6, "G": 9}


def in_unit(
    item: readers.IntervalReadings | readers.RegisterReading, wanted: str
) -> readers.IntervalReadings | readers.RegisterReading:
    """
    Give an item in a component's unit when that is its own with a prefix; any other is given back as it is.

    A value that could not be kept after the change leaves the item as it is too: the Unit of Measure rule judges it.
    """
    base, prefix = wanted.upper()[1:], wanted.upper()[:1]
    if item.uom not in _BASES or base != item.uom or prefix not in _PREFIXES:
        return item
    factor = Decimal(1).scaleb(-_PREFIXES[prefix])
    try:
        if isinstance(item, readers.IntervalReadings):
            values = [None if value is None else scaled(value, factor) for value in item.values]
            return dataclasses.replace(item, uom=wanted, values=values)
        return dataclasses.replace(
            item,
            uom=wanted,
            reading=scaled(item.reading, factor),
            earlier=tuple(dataclasses.replace(read, reading=scaled(read.reading, factor)) for read in item.earlier),
        )
    except RowRefused:
        return item
