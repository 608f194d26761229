from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.factories.readings import nem13, read, refused, register_row, registers
from vee.codes import Condition
from vee.readers import EarlierRead, FileUnreadable


NEM = dt.timezone(dt.timedelta(hours=10))


class TestA250Row:
    def test_gives_both_reads_with_time_and_quality(self) -> None:
        [reading] = registers(read("nem13", nem13(register_row(), "550,N,,E,")))

        assert reading.component == "NMI0000001-11:REG"
        assert reading.read_at == dt.datetime(2024, 4, 8, tzinfo=NEM)
        assert (reading.reading, reading.uom, reading.line) == (Decimal(999), "KWH", 2)
        assert reading.condition == Condition.EXTERNAL_ESTIMATED_LOW
        assert reading.earlier == (
            EarlierRead(
                read_at=dt.datetime(2024, 1, 8, 10, 30, 55, tzinfo=NEM),
                reading=Decimal(888),
                condition=int(Condition.REGULAR),
            ),
        )

    def test_in_an_outage_says_so(self) -> None:
        [reading] = registers(read("nem13", nem13(register_row(current="1,20240408000000,S14,79,"))))

        assert reading.condition == Condition.NO_READ_OUTAGE

    @pytest.mark.parametrize(
        ("row", "code"),
        [
            (register_row(current="9x9,20240408000000,A,,"), "not_a_number"),
            (register_row(current="999,20240431000000,A,,"), "invalid_time"),
            (register_row(current="999,20240408000000,V,,"), "quality_not_allowed"),
            (register_row(current="999,20240408000000,E,,"), "method_missing"),
            (register_row(current="999,20240408000000,A,x,"), "reason_invalid"),
            (register_row(previous="888,20240408000000,A,,"), "read_order"),
            (register_row(nmi="N M I"), "invalid_nmi"),
            (register_row(uom="k W"), "invalid_uom"),
            (register_row() + ",,,,9", "too_many_fields"),
            ("250,NMI0000001,1141,1,11", "missing_fields"),
            ("550,N,,E,", "details_without_read"),
            ("300,20240408,1", "unknown_record"),
            ("250,\x00", "nul"),
        ],
    )
    def test_that_cannot_be_read_is_refused_alone(self, row: str, code: str) -> None:
        items = read("nem13", nem13(row, register_row()))

        assert refused(items) == [(2, code)]
        assert len(registers(items)) == 1


class TestANem13File:
    def test_that_was_cut_keeps_its_rows_and_says_so(self) -> None:
        items = read("nem13", nem13(register_row()).removesuffix(b"900\n"))

        assert refused(items) == [(2, "missing_trailer")]
        assert len(registers(items)) == 1

    def test_refuses_what_stands_behind_its_end(self) -> None:
        items = read("nem13", nem13(register_row()) + register_row().encode())

        assert refused(items) == [(4, "after_end")]

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "empty_file"),
            (b"\n\n", "empty_file"),
            (b"250,x\n900\n", "missing_header"),
            (b"100,NEM12,x\n900\n", "other_format"),
            (b"100,NEM13,202603040506,MDP1,RET1\n900\n", "no_data"),
            (b"\x89PNG\r\n", "encoding"),
        ],
    )
    def test_that_is_none_is_refused_as_a_whole(self, raw: bytes, code: str) -> None:
        with pytest.raises(FileUnreadable) as failed:
            read("nem13", raw)

        assert failed.value.code == code
