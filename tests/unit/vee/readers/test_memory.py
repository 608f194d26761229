"""No reader keeps a file: what it holds does not grow with the rows, and single-line files are no exception."""

from __future__ import annotations

import datetime as dt
import io
import tracemalloc
from collections.abc import Callable

import pytest

from tests.factories.readings import (
    NEW_YORK,
    cmep,
    green_button,
    interval_reading,
    layout,
    mscons,
    nem13,
    quantity,
    register_row,
)
from vee import readers


START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
LAYOUT = layout(time_zone="UTC")


def stamp(place: int) -> dt.datetime:
    return START + dt.timedelta(minutes=15 * place)


def many_mscons(count: int) -> bytes:
    groups = (
        quantity(f"{stamp(n):%Y%m%d%H%M}", f"{stamp(n + 1):%Y%m%d%H%M}", "1", offset="?+00:303") for n in range(count)
    )
    return mscons(*groups)


def many_green_button(count: int) -> bytes:
    return green_button(*(interval_reading(int(stamp(place).timestamp()), place) for place in range(count)))


def many_columns(count: int) -> bytes:
    return "\n".join(["meter,time,value", *(f"M1,{stamp(place):%Y-%m-%d %H:%M},1" for place in range(count))]).encode()


def many_nem13(count: int) -> bytes:
    return nem13(*[register_row()] * count)


def many_cmep(count: int) -> bytes:
    return "\n".join([cmep("202606020800,R0,8")] * count).encode()


class TestAReader:
    @pytest.mark.parametrize(
        ("format", "make"),
        [
            ("mscons", many_mscons),
            ("green_button", many_green_button),
            ("csv:x", many_columns),
            ("nem13", many_nem13),
            ("cmep", many_cmep),
        ],
    )
    def test_holds_no_more_for_more_rows(self, format: str, make: Callable[[int], bytes]) -> None:  # noqa: A002
        few, many = (self.peak(format, make(count), count) for count in (500, 2_000))

        # A piece of the file that is being parsed, and no list of two thousand readings.
        assert many < few + 250_000

    def peak(self, format: str, raw: bytes, count: int) -> int:  # noqa: A002
        stream = io.BytesIO(raw)
        rows = 0
        tracemalloc.start()
        try:
            for item in readers.open_reader(
                format=format, stream=stream, name="x", zone_of=lambda _: NEW_YORK, layout=LAYOUT
            ):
                rows += item.rows
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            assert rows == count
