from __future__ import annotations

from datetime import date

from integration.demo.nem12 import generate_file


ON = date(2024, 5, 6)


class TestGenerateFile:
    def test_the_same_seed_gives_the_same_file(self) -> None:
        assert generate_file(run="AB123", meters=30, on=ON, seed=7) == generate_file(
            run="AB123", meters=30, on=ON, seed=7
        )

    def test_it_has_one_channel_with_one_day_for_each_meter(self) -> None:
        file = generate_file(run="AB123", meters=30, on=ON, seed=7)
        rows = [row.split(",") for row in file.content.splitlines()]

        assert rows[0][:2] == ["100", "NEM12"]
        assert rows[-1] == ["900"]
        channels = [f"{row[1]}-{row[4]}" for row in rows if row[0] == "200"]
        assert tuple(channels) == file.components
        assert {len(row[1]) for row in rows if row[0] == "200"} == {10}
        assert {len(row) for row in rows if row[0] == "300"} == {2 + 48 + 5}
        assert len([row for row in rows if row[0] == "300"]) == 30

    def test_bad_rows_are_where_it_says(self) -> None:
        file = generate_file(run="AB123", meters=200, on=ON, seed=7)

        bad = [number for number, row in enumerate(file.content.splitlines(), start=1) if "#VALUE!" in row]

        assert tuple(bad) == file.bad_lines
        assert len(bad) == 4
        assert file.good_rows == 196
