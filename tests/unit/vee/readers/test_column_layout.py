from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.factories.readings import layout
from vee.readers.column_layout import ColumnLayout, faults


class TestFaults:
    def test_finds_none_in_a_layout_that_makes_sense(self) -> None:
        assert list(faults(layout())) == []

    @pytest.mark.parametrize(
        ("fields", "at"),
        [
            ({"component_column": ""}, "component_column"),
            ({"delimiter": "x"}, "delimiter"),
            ({"seconds_per_interval": None}, "seconds_per_interval"),
            ({"seconds_per_interval": 7}, "seconds_per_interval"),
            ({"content": "REGISTER"}, "seconds_per_interval"),
            ({"time_zone": "Mars/Base"}, "time_zone"),
            ({"time_zone": "../etc/passwd"}, "time_zone"),
            ({"uom": ""}, "uom"),
            ({"unit_factor": 0}, "unit_factor"),
            ({"total_tolerance": -1}, "total_tolerance"),
            ({"quality_column": "q"}, "quality_conditions"),
            ({"has_header": False, "component_column": "#1", "date_column": "#2"}, "value_column"),
            ({"arrangement": "ROW_PER_DAY", "time_column": "t"}, "time_column"),
            ({"total_column": "t"}, "total_column"),
            ({"value_count": 50}, "value_count"),
        ],
    )
    def test_names_the_field_that_makes_none(self, fields: dict[str, Any], at: str) -> None:
        assert [field for field, _ in faults(layout(**fields))] == [at]


class TestAColumnLayout:
    def test_survives_being_kept_as_json(self) -> None:
        before = layout(unit_factor="0.001", no_value=["-"], quality_column="q", quality_conditions={"A": 501000})

        after = msgspec.convert(msgspec.json.decode(msgspec.json.encode(before)), ColumnLayout)

        assert after == before

    @pytest.mark.parametrize(
        "fields", [{"label": "MIDDLE"}, {"quality_conditions": {"A": 7}}, {"unknown": 1}, {"skip_rows": -1}]
    )
    def test_refuses_what_it_does_not_know(self, fields: dict[str, Any]) -> None:
        with pytest.raises(msgspec.ValidationError):
            layout(**fields)
