from __future__ import annotations

import datetime as dt
import io
import zipfile
from decimal import Decimal

import pytest

from tests.factories.readings import green_button, interval_reading, intervals, read, refused, registers
from vee.codes import Condition
from vee.readers import FileUnreadable


START = 1330578000  # 2012-03-01 00:00 in New York
DOCTYPE = '<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "b">{}]><feed xmlns="http://www.w3.org/2005/Atom">&a;</feed>'


class TestAReading:
    def test_is_an_interval_of_its_usage_point_and_meter_reading(self) -> None:
        raw = green_button(interval_reading(START), interval_reading(START + 900, 5, duration=None))

        [item] = intervals(read("green_button", raw))

        assert (item.component, item.uom, item.seconds_per_interval) == ("UP1-MR1", "WH", 900)
        assert item.start == dt.datetime(2012, 3, 1, 5, tzinfo=dt.UTC)
        assert (item.values, item.rows) == ([974, 5], 2)

    @pytest.mark.parametrize(("power", "value"), [(3, Decimal(974_000)), (-3, Decimal("0.974")), (0, Decimal(974))])
    def test_is_scaled_by_the_power_of_ten(self, power: int, value: Decimal) -> None:
        [item] = intervals(read("green_button", green_button(interval_reading(START), power=power)))

        assert item.values == [value]

    @pytest.mark.parametrize(
        ("qualities", "condition"),
        [
            ((), Condition.REGULAR),
            ((17,), Condition.REGULAR),
            ((8,), Condition.EXTERNAL_ESTIMATED),
            ((7,), Condition.EXTERNAL_ESTIMATED),
            ((18,), Condition.SUPER),
            ((17, 12), Condition.EXTERNAL_ESTIMATED_LOW),
            ((17, 8), Condition.EXTERNAL_ESTIMATED),
        ],
    )
    def test_has_the_lowest_condition_of_its_qualities(self, qualities: tuple[int, ...], condition: Condition) -> None:
        [item] = intervals(read("green_button", green_button(interval_reading(START, 1, *qualities))))

        assert item.conditions == [condition]

    def test_without_value_is_missing(self) -> None:
        [item] = intervals(read("green_button", green_button(interval_reading(START, None))))

        assert (item.values, item.conditions) == ([None], [Condition.MISSING])

    def test_of_a_register_is_a_read_at_the_end_of_its_period(self) -> None:
        [reading] = registers(read("green_button", green_button(interval_reading(START, 7), behaviour=3)))

        assert (reading.reading, reading.component) == (7, "UP1-MR1")
        assert reading.read_at == dt.datetime(2012, 3, 1, 5, 15, tzinfo=dt.UTC)

    @pytest.mark.parametrize(
        ("reading", "code"),
        [
            (interval_reading(START + 900, "1e99"), "too_many_digits"),
            (interval_reading(START + 900, "x"), "not_a_number"),
            (interval_reading(START + 900, 1, 99), "unknown_quality"),
            (interval_reading(START + 900, 1, duration=2_678_400), "invalid_interval_length"),
            (interval_reading(START + 900, 1, duration=1000), "invalid_interval_length"),
            (interval_reading(START + 60), "off_grid"),
            (interval_reading(START), "repeated_interval"),
            (interval_reading(-5), "invalid_time"),
            ("<IntervalReading><value>1</value></IntervalReading>", "missing_time"),
        ],
    )
    def test_that_cannot_be_used_is_refused_alone(self, reading: str, code: str) -> None:
        raw = green_button(interval_reading(START), reading, interval_reading(START + 1800))

        items = read("green_button", raw)

        assert refused(items) == [(2, code)]
        assert [item.line for item in intervals(items)] == [1, 3]

    def test_of_a_local_day_with_23_hours_makes_one_run_of_92(self) -> None:
        midnight = int(dt.datetime(2012, 3, 11, 5, tzinfo=dt.UTC).timestamp())
        raw = green_button(*(interval_reading(midnight + 900 * index, index) for index in range(96)))

        items = intervals(read("green_button", raw))

        assert [len(item.values) for item in items] == [92, 4]


class TestAFeed:
    def test_may_name_its_reading_type_behind_the_blocks(self) -> None:
        [item] = intervals(read("green_button", green_button(interval_reading(START), links_last=True)))

        assert item.uom == "WH"

    def test_with_an_unknown_unit_refuses_its_readings(self) -> None:
        assert refused(read("green_button", green_button(interval_reading(START), uom=80))) == [(1, "invalid_uom")]

    def test_that_breaks_off_keeps_what_came_before(self) -> None:
        raw = green_button(interval_reading(START), interval_reading(START + 900))
        cut = raw[: raw.rindex(b"<IntervalReading>") + 20]

        items = read("green_button", cut)

        assert refused(items) == [(2, "not_well_formed")]
        assert len(intervals(items)) == 1

    def test_with_two_meter_readings_of_one_name_refuses_both(self) -> None:
        raw = green_button(interval_reading(START))
        other = b'<entry><link rel="self" href="/x/RetailCustomer/2/UsagePoint/UP1/MeterReading/MR1"/><content>'
        other += b"<MeterReading/></content></entry></feed>"

        items = read("green_button", raw.replace(b"</feed>", other))

        assert refused(items) == [(1, "ambiguous_meter_reading")]

    def test_is_read_from_a_zip_archive(self) -> None:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.xml", green_button(interval_reading(START)))
            archive.writestr("b.xml", green_button(interval_reading(START + 900)))

        assert [item.line for item in intervals(read("green_button", target.getvalue()))] == [1, 3]

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"", "empty_file"),
            (b"a,b,c\n", "other_format"),
            (b"<html><body/></html>", "other_format"),
            (b"<feed></feed>", "no_data"),
            (DOCTYPE.format("").encode(), "document_type"),
            (DOCTYPE.format('<!ENTITY x SYSTEM "file:///etc/passwd">').encode(), "document_type"),
            (b"<feed>" + b"<a>" * 100, "too_deep"),
            (b"<feed><a b='" + b"x" * 2_000_000, "element_too_long"),
            (b"<feed><!--" + b"x" * 2_000_000, "element_too_long"),
        ],
    )
    def test_that_is_none_or_not_to_be_trusted_is_refused_as_a_whole(self, raw: bytes, code: str) -> None:
        with pytest.raises(FileUnreadable) as failed:
            read("green_button", raw)

        assert failed.value.code == code

    def test_keeps_no_more_than_a_piece_of_a_long_text(self) -> None:
        raw = green_button(interval_reading(START, "1" * 3_000_000))

        assert refused(read("green_button", raw)) == [(1, "not_a_number")]
