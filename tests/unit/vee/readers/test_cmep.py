from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.factories.readings import cmep, intervals, read, refused, registers
from vee.codes import Condition
from vee.readers import FileUnreadable


def rows(*records: str) -> bytes:
    return ("\n".join(records) + "\n").encode()


class TestAMepmd01Record:
    def test_gives_intervals_that_end_at_its_times(self) -> None:
        items = read("cmep", rows(cmep("202606020800,R0,8", ",R0,9", "202606021000,E2,6")))

        [item] = intervals(items)
        assert (item.component, item.uom, item.seconds_per_interval) == ("MTR1-KWH", "KWH", 3600)
        assert item.start == dt.datetime(2026, 6, 2, 7, tzinfo=dt.UTC)
        assert item.values == [8, 9, 6]
        assert item.conditions == [Condition.REGULAR, Condition.REGULAR, Condition.EXTERNAL_ESTIMATED]
        assert item.rows == 1

    def test_gives_missing_intervals_where_its_times_leave_some_out(self) -> None:
        [item] = intervals(read("cmep", rows(cmep("202606020800,,8", "202606021100,N0,", "202606021200,A,6"))))

        assert item.values == [8, None, None, None, 6]
        assert item.conditions[1:4] == [Condition.MISSING] * 3

    def test_multiplies_by_its_constant_exactly(self) -> None:
        [item] = intervals(read("cmep", rows(cmep("202606020800,R0,0.3", constant="1.1"))))

        assert item.values == [Decimal("0.33")]

    def test_of_a_register_gives_all_its_reads(self) -> None:
        record = cmep("202606020700,R0,2931567", "202606030700,R0,2932046", units="CFREG")

        [reading] = registers(read("cmep", rows(record)))

        assert (reading.component, reading.uom, reading.reading) == ("MTR1-CF:REG", "CF", 2932046)
        assert reading.read_at == dt.datetime(2026, 6, 3, 7, tzinfo=dt.UTC)
        assert [read.reading for read in reading.earlier] == [2931567]

    @pytest.mark.parametrize(
        ("record", "code"),
        [
            (cmep("202606020800,Z0,8"), "unknown_quality"),
            (cmep("202606020800,R0,"), "missing_value"),
            (cmep("202606020800,R0,8x"), "not_a_number"),
            (cmep(",R0,8"), "missing_time"),
            (cmep("202606022500,R0,8"), "invalid_time"),
            (cmep("202606020800,R0,8", "202606020800,R0,8"), "time_order"),
            (cmep("202606020800,R0,8", "202606020830,R0,8"), "off_grid"),
            (cmep("202606020800,R0,8", "210606020800,R0,8"), "interval_count"),
            (cmep("202606020800,R0,8", interval="00000007"), "invalid_interval_length"),
            (cmep("202606020800,R0,8", interval="01000000"), "invalid_interval_length"),
            (cmep("202606020800,R0,8", interval=""), "invalid_interval_length"),
            (cmep("202606020800,R0,8", constant="0"), "invalid_constant"),
            (cmep("202606020800,R0,8", units="$"), "invalid_uom"),
            (cmep("202606020800,R0,8", meter=""), "invalid_meter"),
            (cmep("202606020800,R0,8", purpose="SUMMARY"), "purpose"),
            (cmep("202606020800,R0,8").replace("00000100,1,", "00000100,2,"), "interval_count"),
            (cmep("202606020700,N0,", units="CFREG"), "missing_value"),
            ("MEPMD01,x", "missing_fields"),
            ("MEPXX99,x", "unknown_record"),
            ("MEPMD01,\x00", "nul"),
        ],
    )
    def test_that_cannot_be_read_is_refused_alone(self, record: str, code: str) -> None:
        items = read("cmep", rows(record, cmep("202606020800,R0,8")))

        assert refused(items) == [(1, code)]
        assert len(intervals(items)) == 1


class TestAMepmd02Record:
    HEAD = "MEPMD02,20080501,HES,U:1,R1,C1,202606031515,MTR1,OK,E,{units},S,10,202606020700,202606030700"

    def test_gives_a_register_for_each_label(self) -> None:
        record = self.HEAD.format(units="KWHREG") + ",3,ON-PEAK,R0,5,TOTAL,,12,OFF PEAK!,R0,7"

        items = read("cmep", rows(record))

        assert [(item.component, item.reading) for item in registers(items)] == [
            ("MTR1-KWH:REG:ON-PEAK", 50),
            ("MTR1-KWH:REG", 120),
        ]
        assert refused(items) == [(1, "invalid_label")]

    def test_of_consumption_is_refused(self) -> None:
        assert refused(read("cmep", rows(self.HEAD.format(units="KWH") + ",1,TOTAL,R0,5"))) == [(1, "not_a_register")]


class TestACmepFile:
    def test_passes_over_records_without_readings(self) -> None:
        items = read("cmep", rows("MEPAD01,19970912,a", "MLA01,x", cmep("202606020800,R0,8")))

        assert [item.line for item in items] == [3]

    @pytest.mark.parametrize(
        ("raw", "code"), [(b"", "empty_file"), (b"<html>\n", "other_format"), (b"MEPAD01,x\n", "no_data")]
    )
    def test_that_is_none_is_refused_as_a_whole(self, raw: bytes, code: str) -> None:
        with pytest.raises(FileUnreadable) as failed:
            read("cmep", raw)

        assert failed.value.code == code
