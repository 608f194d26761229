"""
Green Button: an Atom feed with a usage point, a meter reading, a reading type and a block per local day.

Usage point and meter reading both carry the component's own name, so that the reader finds it again. Values are whole
numbers of the reading type's power of ten in the base unit: a quarter hour of 0.21 kWh is 210000 mWh where a component
keeps six decimal places. An interval without a value has no `value` element.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from urllib.parse import quote
from xml.sax.saxutils import escape

from vee.codes import Band, Condition
from vee.writers.base import Channel, Measured, UnableToWrite


# By unit: its code, the power of ten of its prefix, and the kind of service (0 electricity, 1 gas, 2 water).
_ELECTRIC = {"WH": 72, "VARH": 73, "VAH": 71, "W": 38, "VAR": 63, "VA": 61, "A": 5, "V": 29}
_PREFIXES = {"": 0, "K": 3, "M": 6, "G": 9}
UNITS: dict[str, tuple[int, int, int]] = {
    **{f"{prefix}{base}": (code, power, 0) for base, code in _ELECTRIC.items() for prefix, power in _PREFIXES.items()},
    "THERM": (169, 0, 1),
    "BTU": (132, 0, 1),
    "M3": (42, 0, 2),
    "FT3": (119, 0, 2),
    "CF": (119, 0, 2),
    "GAL": (128, 0, 2),
    "IGAL": (130, 0, 2),
    "L": (134, 0, 2),
}
# The powers of ten that the schema knows, the highest first.
POWERS = (12, 9, 6, 3, 2, 1, 0, -1, -2, -3, -6, -9, -12)
_COMMODITIES = {0: 1, 1: 7, 2: 9}
_RESOURCE = "/espi/1_1/resource"
_DELTA, _CUMULATIVE = 4, 3


def check(channel: Channel) -> None:
    """
    Refuse a channel that the format has no place for.

    :raises UnableToWrite: when the schema has no code for its unit.
    """
    if channel.uom.upper() not in UNITS:
        raise UnableToWrite(f"{channel.component}: Green Button has no code for the unit {channel.uom!a}.")


def write(channels: Iterable[tuple[Channel, Iterable[Measured]]], *, created_at: dt.datetime) -> Iterator[str]:
    """Give a feed; `created_at` is when it was updated."""
    updated = f"{created_at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    yield (
        '<?xml version="1.0" encoding="UTF-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom">\n'
        f"<id>urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, updated)}</id>\n<title>Tieline measurements</title>\n"
        f"<updated>{updated}</updated>\n"
    )
    for number, (channel, found) in enumerate(channels, 1):
        check(channel)
        yield from _Feed(channel, number, updated).write(found)
    yield "</feed>\n"


class _Feed:
    """The entries of one channel."""

    def __init__(self, channel: Channel, number: int, updated: str) -> None:
        self._channel = channel
        self._updated = updated
        self._code, prefix, self._service = UNITS[channel.uom.upper()]
        self._power = next(power for power in POWERS if power <= prefix - channel.scale)
        self._shift = prefix - self._power
        name = quote(channel.component, safe="")
        self._point = f"{_RESOURCE}/UsagePoint/{name}"
        self._reading = f"{self._point}/MeterReading/{name}"
        self._type = f"{_RESOURCE}/ReadingType/{number}"
        self._is_register = channel.seconds_per_interval is None

    def write(self, found: Iterable[Measured]) -> Iterator[str]:
        category = f"<ServiceCategory><kind>{self._service}</kind></ServiceCategory>"
        yield self._entry(self._point, [self._reading], f"<UsagePoint{_ESPI}>{category}</UsagePoint>")
        yield self._entry(self._reading, [self._type], f"<MeterReading{_ESPI}/>")
        yield self._entry(self._type, [], self._reading_type())
        for day, rows in groupby(found, key=self._day):
            yield self._entry(f"{self._reading}/IntervalBlock/{day:%Y%m%d}", [], self._block(list(rows)))

    def _entry(self, own: str, related: list[str], content: str) -> str:
        links = "".join(f'<link rel="related" href="{escape(path)}"/>' for path in related)
        return (
            f"<entry><id>urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, own)}</id>"
            f'<link rel="self" href="{escape(own)}"/><link rel="up" href="{escape(own.rpartition("/")[0])}"/>{links}'
            f"<title>{escape(self._channel.component)}</title><content>{content}</content>"
            f"<published>{self._updated}</published><updated>{self._updated}</updated></entry>\n"
        )

    def _reading_type(self) -> str:
        fields = {
            "accumulationBehaviour": _CUMULATIVE if self._is_register else _DELTA,
            "commodity": _COMMODITIES[self._service],
            "flowDirection": 1,
            "intervalLength": self._channel.seconds_per_interval or 0,
            "powerOfTenMultiplier": self._power,
            "uom": self._code,
        }
        inside = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
        return f"<ReadingType{_ESPI}>{inside}</ReadingType>"

    def _day(self, row: Measured) -> dt.date:
        # An interval belongs to the local day in which it begins.
        return (row.end - dt.timedelta(seconds=0 if self._is_register else 1)).astimezone(self._channel.zone).date()

    def _block(self, rows: list[Measured]) -> str:
        seconds = self._channel.seconds_per_interval or 0
        begin = int(rows[0].end.timestamp()) - seconds
        length = int(rows[-1].end.timestamp()) - begin
        readings = "".join(self._interval_reading(row, seconds) for row in rows)
        interval = f"<interval><duration>{length}</duration><start>{begin}</start></interval>"
        return f"<IntervalBlock{_ESPI}>{interval}{readings}</IntervalBlock>"

    def _interval_reading(self, row: Measured, seconds: int) -> str:
        amount = row.reading if self._is_register else row.value
        code = _quality(row.condition)
        quality = f"<ReadingQuality><quality>{code}</quality></ReadingQuality>" if code else ""
        value = "" if amount is None else f"<value>{self._whole(amount)}</value>"
        start = int(row.end.timestamp()) - seconds
        period = f"<timePeriod><duration>{seconds}</duration><start>{start}</start></timePeriod>"
        return f"<IntervalReading>{quality}{period}{value}</IntervalReading>"

    def _whole(self, amount: Decimal) -> int:
        scaled = amount.scaleb(self._shift)
        if scaled != scaled.to_integral_value():
            raise UnableToWrite(f"{amount} has more decimal places than {self._channel.component} keeps.")
        return int(scaled)


_ESPI = ' xmlns="http://naesb.org/espi"'


def _quality(condition: int) -> int:
    """Give the code of the schema for a condition; 0, valid, stands for itself by being left out."""
    if condition >= Band.SUPER.low:
        return 18  # verified
    if condition >= Band.REGULAR.low:
        return 0
    if condition == Condition.ESTIMATED_INTERPOLATED:
        return 9  # estimated using linear interpolation
    if condition // 100 == Condition.EXTERNAL_ESTIMATED_LOW // 100:
        return 12  # projected
    if condition >= Band.SYSTEM_ESTIMATE.low:
        return 8  # estimated using a reference day
    return 16  # other
