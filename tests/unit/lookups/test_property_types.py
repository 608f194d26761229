from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from lookups.property_types import NotOfItsType, PropertyType, read_value


class TestReadValue:
    @pytest.mark.parametrize(
        ("text", "kind", "value"),
        [
            (" a ", PropertyType.TEXT, " a "),
            ("TRUE", PropertyType.BOOLEAN, True),
            ("No", PropertyType.BOOLEAN, False),
            (" 42 ", PropertyType.INTEGER, 42),
            ("-1", PropertyType.INTEGER, -1),
            ("1.50", PropertyType.DECIMAL, Decimal("1.50")),
            ("5", PropertyType.DURATION, dt.timedelta(seconds=5)),
            ("0.5", PropertyType.DURATION, dt.timedelta(milliseconds=500)),
            ("24h", PropertyType.DURATION, dt.timedelta(hours=24)),
            ("15 min", PropertyType.DURATION, dt.timedelta(minutes=15)),
            ("2d", PropertyType.DURATION, dt.timedelta(days=2)),
        ],
    )
    def test_reads_text_as_the_type(self, text: str, kind: PropertyType, value: object) -> None:
        assert read_value(text, kind) == value

    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("", PropertyType.BOOLEAN),
            ("maybe", PropertyType.BOOLEAN),
            ("4.0", PropertyType.INTEGER),
            ("١", PropertyType.INTEGER),
            ("", PropertyType.INTEGER),
            ("NaN", PropertyType.DECIMAL),
            ("x", PropertyType.DECIMAL),
            ("-5", PropertyType.DURATION),
            ("5 weeks", PropertyType.DURATION),
            ("99999999d", PropertyType.DURATION),
        ],
    )
    def test_refuses_what_is_not_of_the_type(self, text: str, kind: PropertyType) -> None:
        with pytest.raises(NotOfItsType):
            read_value(text, kind)
