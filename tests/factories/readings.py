"""Files of readings through a reader, and small files of our own making in each format."""

from __future__ import annotations

import datetime as dt
import io
from collections import Counter
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from vee import readers
from vee.readers import IntervalReadings, Item, RegisterReading, RowError
from vee.readers.column_layout import ColumnLayout


NEW_YORK = ZoneInfo("America/New_York")


def read(
    format: str,  # noqa: A002  (the field's own word)
    raw: bytes,
    *,
    zone: dt.tzinfo | None = NEW_YORK,
    clock: dt.tzinfo | None = NEW_YORK,
    layout: ColumnLayout | None = None,
) -> list[Item]:
    """Everything that a reader gives for a file, every component in one zone and on one clock."""
    return list(
        readers.open_reader(
            format=format,
            stream=io.BytesIO(raw),
            name="x",
            zone_of=lambda _: zone,
            clock_of=lambda _: clock,
            layout=layout,
        )
    )


def intervals(items: Sequence[Item]) -> list[IntervalReadings]:
    """The interval readings among items."""
    return [item for item in items if isinstance(item, IntervalReadings)]


def registers(items: Sequence[Item]) -> list[RegisterReading]:
    """The register readings among items."""
    return [item for item in items if isinstance(item, RegisterReading)]


def refused(items: Sequence[Item]) -> list[tuple[int, str]]:
    """Line and code of the refused rows among items."""
    return [(item.line, item.code) for item in items if isinstance(item, RowError)]


def summary(items: Sequence[Item]) -> dict[str, Any]:
    """Rows, intervals, missing values and codes of refused rows, counted."""
    values = [value for item in intervals(items) for value in item.values]
    return {
        "rows": sum(item.rows for item in items),
        "intervals": len(values),
        "missing": values.count(None),
        "refused": dict(Counter(code for _, code in refused(items))),
    }


def layout(**fields: Any) -> ColumnLayout:
    """A layout with a column for each thing that is needed, 15-minute kWh unless told otherwise."""
    values = {
        "component_column": "meter",
        "date_column": "time",
        "value_column": "value",
        "seconds_per_interval": 900,
        "uom": "KWH",
        **fields,
    }
    return msgspec.convert(values, ColumnLayout)


def nem13(*rows: str) -> bytes:
    """A whole NEM13 file: header, rows, end."""
    return ("\n".join(["100,NEM13,202603040506,MDP1,RET1", *rows, "900"]) + "\n").encode()


def register_row(
    previous: str = "000888,20240108103055,A,,",
    current: str = "000999,20240408000000,E64,,",
    *,
    nmi: str = "NMI0000001",
    uom: str = "kWh",
) -> str:
    """A 250 row."""
    return f"250,{nmi},1141,1,11,11,MET1,E,{previous},{current},111,{uom},20240708,20240409000000,20240409103023"


def cmep(*sets: str, units: str = "KWH", interval: str = "00000100", constant: str = "1.0", **fields: str) -> str:
    """A MEPMD01 record; a set is `time,quality,value`."""
    meter, purpose = fields.get("meter", "MTR1"), fields.get("purpose", "OK")
    head = f"MEPMD01,20080501,HES,U:1,R1,C1,202606031515,{meter},{purpose},E,{units},{constant},{interval}"
    return ",".join([head, str(len(sets)), *sets])


def quantity(start: str, end: str, value: str = "1.5", qualifier: str = "220", offset: str = "?+01:303") -> str:
    """A QTY group of an interval, times as YYYYMMDDhhmm."""
    return f"QTY+{qualifier}:{value}'DTM+163:{start}{offset}'DTM+164:{end}{offset}'"


def mscons(*segments: str, una: str = "", end: str = "UNT+9+1'UNZ+1+REF'") -> bytes:
    """A whole interchange with one metering point and one channel before the segments given."""
    head = "UNB+UNOC:3+S:500+R:500+191215:0430+REF'UNH+1+MSCONS:D:04B:UN:2.2e'BGM+7+1+9'DTM+137:201912140000:203'"
    point = "UNS+D'NAD+DP'LOC+172+CH1'DTM+163:201912140000?+01:303'LIN+1'PIA+5+1-1?:1.29.0*255:SRW'"
    return (una + head + point + "".join(segments) + end).encode()


def green_button(*readings: str, uom: int = 72, power: int = 0, behaviour: int = 4, links_last: bool = False) -> bytes:
    """A whole feed with one meter reading and one block of the readings given."""
    base = "/espi/1_1/resource/RetailCustomer/1/UsagePoint/UP1"
    kind = (
        f'<entry><link rel="self" href="/espi/1_1/resource/ReadingType/7"/><content><ReadingType '
        f'xmlns="http://naesb.org/espi"><accumulationBehaviour>{behaviour}</accumulationBehaviour>'
        f"<intervalLength>900</intervalLength><powerOfTenMultiplier>{power}</powerOfTenMultiplier>"
        f"<uom>{uom}</uom><argument><numerator>1</numerator></argument></ReadingType></content></entry>"
    )
    meter = (
        f'<entry><link rel="self" href="{base}/MeterReading/MR1"/><link rel="related" '
        f'href="/espi/1_1/resource/ReadingType/7"/><content><MeterReading xmlns="http://naesb.org/espi"/>'
        f"</content></entry>"
    )
    block = (
        f'<entry><link rel="self" href="{base}/MeterReading/MR1/IntervalBlock/1"/><content><IntervalBlock '
        f'xmlns="http://naesb.org/espi"><interval><duration>86400</duration><start>1330578000</start></interval>'
        f"{''.join(readings)}</IntervalBlock></content></entry>"
    )
    entries = [block, meter, kind] if links_last else [kind, meter, block]
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'.encode()


def interval_reading(start: int, value: object = 974, *qualities: int, duration: int | None = 900) -> str:
    """An IntervalReading; without a value when it is None."""
    quality = "".join(f"<ReadingQuality><quality>{code}</quality></ReadingQuality>" for code in qualities)
    length = "" if duration is None else f"<duration>{duration}</duration>"
    amount = "" if value is None else f"<value>{value}</value>"
    period = f"<timePeriod>{length}<start>{start}</start></timePeriod>"
    return f"<IntervalReading><cost>1</cost>{quality}{period}{amount}</IntervalReading>"
