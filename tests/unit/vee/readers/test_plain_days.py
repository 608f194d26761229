from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vee.codes import NO_VALUE
from vee.readers import nem12_rows
from vee.readers.base import RowRefused
from vee.readers.lines import LineBlock
from vee.readers.numbers import Amounts
from vee.readers.plain_days import plain_days


STREAM = nem12_rows.Stream(component="4103000001-E1", uom="KWH", minutes=30)
plain_numbers = st.from_regex(r"[0-9]{1,9}\.[0-9]{1,6}", fullmatch=True)
odd_numbers = st.sampled_from(
    ("-1.5", "3", ".5", "5.", "", " 1.25", "1.2.3", "1.1234567", "1234567890.5", "1e3", "NaN", "١.٢", "0x1")
)
tails = st.sampled_from(("A,,,20260309001500,", "S14,43,,,", "V,,,,", "A", "Q,,,,", "A14", "N,,,20260309001500,,,x"))
dates = st.sampled_from(("20260308", "20260230", "2026030", ""))


def rows(values: Any) -> Any:
    return st.tuples(dates, values, tails).map(lambda row: f"300,{row[0]},{','.join(row[1])},{row[2]}")


def field_by_field(text: str) -> Any:
    """What the row is when it is read without reading ahead."""
    try:
        return nem12_rows.read_day([part.strip() for part in text.split(",")], STREAM, 7)
    except RowRefused as refused:
        return refused.code, refused.message


def ahead(text: str, *, among: list[str]) -> Any:
    """What the row is when it is read ahead together with others; None when it is not plain."""
    plain = plain_days(LineBlock(1, [*among, text], {})).get(len(among))
    if plain is None or len(plain.amounts) != STREAM.intervals:
        return None
    try:
        return nem12_rows.read_plain_day(plain, STREAM, 7)
    except RowRefused as refused:
        return refused.code, refused.message


def told(day: Any) -> Any:
    if isinstance(day, tuple):
        return day
    return day.start, day.variable, day.letters, day.conditions, list(day.amounts)


class TestReadAhead:
    @given(text=rows(st.lists(plain_numbers, min_size=48, max_size=48)), others=st.lists(rows(st.lists(plain_numbers))))
    def test_plain_rows_are_what_they_are_field_by_field(self, text: str, others: list[str]) -> None:
        found = ahead(text, among=others)

        if found is not None:
            assert told(found) == told(field_by_field(text))
        else:
            # The date has not its eight places, or no flag stands behind the values.
            assert not isinstance(field_by_field(text), nem12_rows.Day)

    @given(
        text=rows(st.lists(st.one_of(plain_numbers, odd_numbers), min_size=47, max_size=49)),
        others=st.lists(rows(st.lists(odd_numbers, max_size=3))),
    )
    def test_what_is_read_ahead_is_never_something_else(self, text: str, others: list[str]) -> None:
        found = ahead(text, among=others)

        if found is not None:
            assert told(found) == told(field_by_field(text))

    def test_a_line_with_a_fault_is_not_read(self) -> None:
        text = f"300,20260308,{','.join(['0.125'] * 48)},A,,,,"
        block = LineBlock(1, [text, text], {0: ("encoding", "the line is not UTF-8")})

        assert list(plain_days(block)) == [1]

    @given(fields=st.lists(st.sampled_from(("", " ", "4103", "E1", "KWH", "kwh", "5", "30", "05", "7", "é", "x" * 41))))
    def test_a_stream_is_what_it_is_field_by_field(self, fields: list[str]) -> None:
        told = []
        for read, given_as in (
            (nem12_rows.read_stream, ["200", *map(str.strip, fields)]),
            (nem12_rows.read_stream_text, ",".join(["200", *fields])),
        ):
            try:
                told.append(read(given_as))
            except RowRefused as refused:
                told.append((refused.code, refused.message))

        assert told[0] == told[1]

    @given(text=rows(st.lists(plain_numbers, min_size=48, max_size=48)))
    def test_a_day_that_is_given_at_once_is_the_one_that_waited(self, text: str) -> None:
        plain = plain_days(LineBlock(1, [text], {})).get(0)
        if plain is None:
            return
        try:
            expected: Any = nem12_rows.finish(nem12_rows.read_plain_day(plain, STREAM, 7))
        except RowRefused as refused:
            expected = refused.code
        try:
            given_at_once: Any = nem12_rows.whole_plain_day(plain, STREAM, 7)
        except RowRefused as refused:
            given_at_once = refused.code

        # One that is refused is so at once, whatever follows it.
        waits = ",V," in text and not isinstance(expected, str)
        assert given_at_once == (None if waits else expected)


class TestAmounts:
    def test_what_is_missing_stays_missing_at_every_scale(self) -> None:
        amounts = Amounts(np.array([1_500_000, 2_000_000])).without(np.array([True, False]))

        assert list(amounts) == [None, Decimal(2)]
        for scale, expected in ((0, 2), (3, 2_000), (6, 2_000_000), (9, 2_000_000_000)):
            counts = amounts.counts_at(scale)
            assert counts is not None
            assert counts.tolist() == [NO_VALUE, expected]
