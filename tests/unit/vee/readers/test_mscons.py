from __future__ import annotations

import datetime as dt
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from tests.factories.readings import intervals, mscons, quantity, read, refused, registers
from vee.codes import Condition
from vee.readers import FileUnreadable


ZURICH = ZoneInfo("Europe/Zurich")
GOOD = quantity("201912140000", "201912140015")
NEXT = quantity("201912140015", "201912140030", "2")


class TestAQuantity:
    def test_gives_an_interval_by_its_own_offset(self) -> None:
        items = read("mscons", mscons(GOOD, NEXT), zone=ZURICH)

        [item] = intervals(items)
        assert item.component == "CH1-1-1:1.29.0*255"
        assert item.start == dt.datetime(2019, 12, 13, 23, tzinfo=dt.UTC)
        assert (item.values, item.uom, item.seconds_per_interval) == ([Decimal("1.5"), 2], "KWH", 900)
        assert (item.line, item.rows) == (1, 2)

    @pytest.mark.parametrize(
        ("qualifier", "condition"),
        [
            ("220", Condition.REGULAR),
            ("67", Condition.EXTERNAL_ESTIMATED),
            ("187", Condition.EXTERNAL_ESTIMATED_LOW),
            ("20", Condition.MISSING),
        ],
    )
    def test_has_the_condition_of_its_qualifier(self, qualifier: str, condition: Condition) -> None:
        group = quantity("201912140000", "201912140015", "1", qualifier)

        [item] = intervals(read("mscons", mscons(group)))

        assert item.conditions == [condition]
        assert item.values == [None if condition == Condition.MISSING else 1]

    def test_may_have_a_decimal_comma(self) -> None:
        group = quantity("201912140000", "201912140015", "0,900")

        [item] = intervals(read("mscons", mscons(group, una="UNA:+,? '")))

        assert item.values == [Decimal("0.900")]

    def test_names_its_own_unit_when_it_has_one(self) -> None:
        group = quantity("201912140000", "201912140015", "3:MTQ")

        [item] = intervals(read("mscons", mscons(group)))

        assert item.uom == "M3"

    def test_of_a_register_is_a_read_at_its_time(self) -> None:
        [reading] = registers(read("mscons", mscons("QTY+220:1234.5:KWH'DTM+9:201912140000?+0100:303'")))

        assert (reading.reading, reading.uom) == (Decimal("1234.5"), "KWH")
        assert reading.read_at == dt.datetime(2019, 12, 13, 23, tzinfo=dt.UTC)

    def test_without_offset_is_read_by_the_components_clock(self) -> None:
        group = quantity("201907010000", "201907010015", offset=":203")

        [item] = intervals(read("mscons", mscons(group), zone=ZURICH, clock=ZURICH))

        assert item.start == dt.datetime(2019, 6, 30, 22, tzinfo=dt.UTC)

    @pytest.mark.parametrize(
        ("start", "end", "code"),
        [
            ("202003290200", "202003290215", "nonexistent_time"),
            ("202010250200", "202010250215", "ambiguous_time"),
        ],
    )
    def test_without_offset_is_never_guessed(self, start: str, end: str, code: str) -> None:
        group = quantity(start, end, offset=":203")

        assert refused(read("mscons", mscons(group), clock=ZURICH)) == [(1, code)]

    def test_without_offset_needs_a_zone(self) -> None:
        group = quantity("201907010000", "201907010015", offset=":203")

        assert refused(read("mscons", mscons(group), clock=None)) == [(1, "zone_unknown")]

    @pytest.mark.parametrize(
        ("group", "code"),
        [
            (quantity("201912140015", "201912140031"), "invalid_interval_length"),
            (quantity("201912140015", "201912140020"), "interval_length_changed"),
            (quantity("201912140020", "201912140035"), "off_grid"),
            (GOOD, "repeated_interval"),
            (quantity("201912140030", "201912140015"), "invalid_interval_length"),
            (quantity("201912140015", "201912140030", "1", "999"), "unknown_quality"),
            (quantity("201912140015", "201912140030", "x"), "not_a_number"),
            (quantity("201912140015", "201912140030", "1.234,5"), "not_a_number"),
            (quantity("201913140015", "201912140030"), "invalid_time"),
            (quantity("201912140015", "201912140030", offset=":102"), "invalid_time"),
            ("QTY+220:1'DTM+163:201912140015?+01:303'", "missing_time"),
            ("QTY+220:1'", "missing_time"),
            ("QTY+220:1\x00'", "nul"),
            (f"QTY+220:{'1' * 20_000}'", "segment_too_long"),
        ],
    )
    def test_that_does_not_fit_is_refused_alone(self, group: str, code: str) -> None:
        after = quantity("201912140045", "201912140100")

        items = read("mscons", mscons(GOOD, group, after))

        assert refused(items) == [(2, code)]
        assert [item.line for item in intervals(items)] == [1, 3]

    def test_is_not_counted_to_a_point_whose_successor_cannot_be_read(self) -> None:
        items = read("mscons", mscons(GOOD, "LOC+172+CH\x002'", NEXT))

        assert refused(items) == [(2, "nul"), (3, "no_point")]


class TestAnInterchange:
    def test_may_have_separators_of_its_own(self) -> None:
        plain = mscons(GOOD).decode().replace("?:", "¦").replace("?+", "^").replace("*", "!*")
        raw = plain.translate(str.maketrans(":+'^¦", "|*~+:")).replace("~", "~\r\n")

        [item] = intervals(read("mscons", f"UNA|*.! ~{raw}".encode()))

        assert item.component == "CH1-1-1:1.29.0*255"

    def test_that_was_cut_keeps_its_rows_and_says_so(self) -> None:
        items = read("mscons", mscons(GOOD, end="QTY+220:1"))

        assert refused(items) == [(2, "unterminated"), (3, "missing_trailer")]
        assert len(intervals(items)) == 1

    def test_refuses_messages_of_another_kind(self) -> None:
        raw = mscons(GOOD).replace(b"MSCONS:D", b"INVOIC:D")

        assert refused(read("mscons", raw)) == [(1, "other_format")]

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "empty_file"),
            (b"100,NEM12", "other_format"),
            (b"UNA::::::UNB+x'", "invalid_una"),
            (b"UNA", "invalid_una"),
            (b"UNB+UNOC:3'UNZ+0+1'", "no_data"),
        ],
    )
    def test_that_is_none_is_refused_as_a_whole(self, raw: bytes, code: str) -> None:
        with pytest.raises(FileUnreadable) as failed:
            read("mscons", raw)

        assert failed.value.code == code
