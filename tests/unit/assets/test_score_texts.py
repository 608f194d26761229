from __future__ import annotations

import csv
import datetime as dt
import io
from decimal import Decimal

import pytest

from assets.engine import cycles, score_explanation, score_rows, score_texts, score_words, scores
from assets.engine.score_rows import Packing


class TestTexts:
    def test_what_is_written_is_what_was_read(self) -> None:
        assert score_texts.definition(score_texts.texts(score_words.DEFAULT)) == score_words.DEFAULT

    @pytest.mark.parametrize(
        ("pointer", "place"),
        [
            ("/formulas/1/expression", ("formulas", "line 3")),
            ("/tables/SNn/0", ("tables", "line 2")),
            ("/reasons/0/code", ("reasons", "line 1")),
            ("/eligible", ("eligible", "")),
            ("/formulas", ("formulas", "")),
            ("/stale_hours", ("stale_hours", "")),
            ("/none", ("", "")),
        ],
    )
    def test_a_pointer_names_the_line(self, pointer: str, place: tuple[str, str]) -> None:
        given = {"formulas": "n = 1\n\nSC = 2", "tables": "BRn = 1\nSNn = x", "reasons": "A: 1 > 2", "eligible": ""}

        assert score_texts.place(pointer, given) == place


class TestExplain:
    def test_names_rows_formulas_and_each_condition(self) -> None:
        calculation = scores.read({**score_words.DEFAULT, "eligible": "  AV == 1 and\n comm > 0 and CUyear < CAyear"})
        given = dict.fromkeys(score_words.NAMES, Decimal(1)) | {
            "CA": Decimal(4), "DP": Decimal(30), "d": Decimal(15), "DE": Decimal(9), "CUyear": Decimal(1),
            "successes": Decimal(11), "attempts": Decimal(12),
        }  # fmt: skip

        found = score_explanation.explain(calculation, given)

        assert {table.name: table.used for table in found.tables} == {"BRn": {2}, "SNn": {2}}
        values = {line.name: line.value for line in found.formulas}
        assert (values["BR"], values["rel"]) == (Decimal("0.5"), Decimal("0.8571"))
        assert [(line.text, line.met) for line in found.eligible] == [
            ("AV == 1", True),
            ("comm > 0", True),
            ("CUyear < CAyear", False),
        ]
        assert [line.name for line in found.reasons if line.decided] == [found.found.reason]
        assert len(found.variables) == len(score_words.VARIABLES)

    def test_shows_how_far_a_calculation_came(self) -> None:
        calculation = scores.read(score_words.DEFAULT)
        given = {**dict.fromkeys(score_words.NAMES, Decimal(1)), "CA": Decimal(0)}

        found = score_explanation.explain(calculation, given)

        assert found.found.failure == "a division by zero"
        assert next((line.name, line.failed) for line in found.formulas if line.value is None) == ("BR", True)
        assert found.eligible[1].met is None


class TestWindow:
    @pytest.mark.parametrize(
        ("_case", "cycle", "at", "days", "day", "began"),
        [
            ("clock goes forward", "MONTH", "2024-03-31T12:00+02:00", 31, 31, "2024-02-29T23:00:00+00:00"),
            ("leap month", "MONTH", "2024-02-29T23:30+01:00", 29, 29, "2024-01-31T23:00:00+00:00"),
            ("first minute", "MONTH", "2024-03-01T00:00+01:00", 31, 1, "2024-02-29T23:00:00+00:00"),
            ("monday", "WEEK", "2024-03-25T00:00+01:00", 7, 1, "2024-03-24T23:00:00+00:00"),
            ("sunday of the change", "WEEK", "2024-03-31T23:59+02:00", 7, 7, "2024-03-24T23:00:00+00:00"),
        ],
    )
    def test_is_that_of_the_zone(self, _case: str, cycle: str, at: str, days: int, day: int, began: str) -> None:
        found = cycles.window(zone="Europe/Berlin", cycle=cycle, at=dt.datetime.fromisoformat(at))

        assert (found.days_in_cycle, found.day_of_cycle) == (days, day)
        assert found.cycle_began_at.isoformat() == began
        assert found.year_began_at.isoformat() == "2023-12-31T23:00:00+00:00"

    def test_months_before_end_on_the_last_day_of_a_shorter_month(self) -> None:
        moment = dt.datetime(2024, 3, 31, 5, tzinfo=dt.UTC)

        assert cycles.months_before(moment, 1) == dt.datetime(2024, 2, 29, 5, tzinfo=dt.UTC)
        assert cycles.months_before(moment, 12) == dt.datetime(2023, 3, 31, 5, tzinfo=dt.UTC)


class TestRows:
    def test_quotes_what_needs_it_and_names_by_number(self) -> None:
        at = dt.datetime(2023, 6, 2, 6, tzinfo=dt.UTC)
        row = score_rows.Row(
            *("D,1", '4"1', "ECOBEE", "COOL", "S1", Decimal("33.4"), True, "", "ONLINE", 1, 4, None, at)
        )
        file = io.BytesIO()

        written = score_rows.write(file, [row], separator=",", packing=Packing.NONE, name="x.csv", at=at)

        (read,) = csv.DictReader(io.StringIO(file.getvalue().decode()))
        assert (read["deviceId"], read["nicId"], read["controlScore"]) == ("D,1", '4"1', "33.40")
        assert (written.totals.rows, written.totals.eligible, written.totals.score_cents) == (1, 1, 3340)
        assert written.size == len(file.getvalue())
        name = score_rows.file_name(prefix="SDCSE", batch_number=42, rerun_number=0, packing=Packing.ZIP)
        assert name == "SDCSE_0042_00.csv.zip"
