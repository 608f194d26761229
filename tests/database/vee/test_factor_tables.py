"""A factor's values as a grid, pasted, and as CSV in and out."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.factories import vee as make
from vee.configuration_queries import version_of_factor
from vee.models import Factor, FactorValue
from vee.operations import factor_tables
from vee.operations.factor_tables import COLUMNS, UnableToReadTable, read_table, write_csv


pytestmark = pytest.mark.django_db


@pytest.fixture
def factor() -> Factor:
    made = Factor.objects.create(code="RATE", characteristic="rate")
    FactorValue.objects.create(factor=made, characteristic_value="R1", vee_group=make.vee_group("A"))
    FactorValue.objects.create(factor=made, characteristic_value="R2", end_date=dt.date(2026, 1, 31))
    return made


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def row(*cells: str) -> dict[str, str]:
    return dict(zip(COLUMNS, (*cells, "", "", "", "", "")[: len(COLUMNS)], strict=True))


def save(factor: Factor, *rows: dict[str, str], **given: Any) -> factor_tables.TableReport:
    return factor_tables.save_table(
        **{
            "factor_id": factor.pk,
            "rows": rows,
            "seen": version_of_factor(factor.pk),
            "by": User.objects.create_superuser("sue"),
            "at": make.AT,
            **given,
        }
    )


class TestReading:
    def test_takes_what_is_copied_from_a_spreadsheet(self) -> None:
        assert read_table("R1\t2026-01-01\t\tA\r\n\r\nR2\t\t\tB\n") == [
            row("R1", "2026-01-01", "", "A"),
            row("R2", "", "", "B"),
        ]

    def test_takes_columns_in_any_order_by_their_names(self) -> None:
        assert read_table("vee_group;value\nA;R1") == [row("R1", "", "", "A")]

    def test_gives_back_what_was_written(self) -> None:
        rows = [row("=1+1", "", "", "A"), row("'quoted"), row("-5", "2026-01-01"), row("@x, y\n z")]

        assert read_table(write_csv(rows)) == rows

    def test_no_cell_becomes_a_formula(self) -> None:
        lines = write_csv([row("=HYPERLINK(1)", "", "", "+A"), row("@SUM")]).splitlines()

        assert lines[1].startswith("'=HYPERLINK")
        assert ",'+A," in lines[1]
        assert lines[2].startswith("'@SUM")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("value,colour\nR1,red", "colour"),
            ("value,value\nR1,R2", "each once"),
            ("R1,,,A,M,what", "6 cells"),
            ("R1\n" * (factor_tables.MOST_ROWS + 1), "at most"),
        ],
    )
    def test_says_what_is_no_table(self, text: str, words: str) -> None:
        with pytest.raises(UnableToReadTable, match=words):
            read_table(text)


class TestSaving:
    def test_makes_the_values_those_of_the_table_and_tells_of_each_row(self, factor: Factor) -> None:
        report = save(factor, row("R1", "", "2026-06-30", "A"), row("R1", "2026-07-01", "", "A"), row("R3"))

        assert report.saved
        assert [(each.value, each.outcome) for each in report.rows] == [
            ("R1", "CHANGED"),
            ("R1", "NEW"),
            ("R3", "NEW"),
            ("R2", "REMOVED"),
        ]
        assert [each["value"] for each in factor_tables.rows_of(factor)] == ["R1", "R1", "R3"]
        assert FactorValue.objects.get(characteristic_value="R3").history.get().history_user.username == "sue"

    def test_a_dry_run_tells_the_same_and_saves_nothing(self, factor: Factor) -> None:
        before = factor_tables.rows_of(factor)

        report = save(factor, row("R1"), row("R1", "2026-07-01"), dry_run=True)

        assert not report.saved
        assert [each.outcome for each in report.rows] == ["CHANGED", "NEW", "REMOVED"]
        assert "overlap" in report.rows[0].message
        assert factor_tables.rows_of(factor) == before

    @pytest.mark.parametrize(
        ("bad", "words"),
        [
            (row("", "", "", "A"), "value is missing"),
            (row("R9", "31.01.2026"), "no date"),
            (row("R9", "2026-02-01", "2026-01-01"), "before the start"),
            (row("R9", "", "", "NOWHERE"), "no VEE group NOWHERE"),
            (row("R9", "", "", "", "MC-NO"), "no measuring component MC-NO"),
            (row("R1"), "stands twice"),
            (row("x" * 101), "more than 100"),
        ],
    )
    def test_one_bad_row_and_nothing_is_saved(self, factor: Factor, bad: dict[str, str], words: str) -> None:
        before = factor_tables.rows_of(factor)

        report = save(factor, row("R1", "", "", "A"), row("R7"), bad)

        refused = [each for each in report.rows if each.outcome == "REFUSED"]
        assert [each.number for each in refused] == [3]
        assert words in refused[0].message
        assert factor_tables.rows_of(factor) == before

    def test_a_circle_of_groups_is_refused(self, factor: Factor) -> None:
        make.vee_group("LOOP", {"rule": "vee_group_matrix", "parameters": {"factor": "RATE"}})

        report = save(factor, row("R1", "", "", "LOOP"))

        assert report.refused
        assert "lead back to themselves" in report.rows[0].message

    def test_it_is_refused_when_somebody_changed_the_factor_meanwhile(self, factor: Factor) -> None:
        seen = version_of_factor(factor.pk)
        FactorValue.objects.filter(characteristic_value="R2").delete()

        with pytest.raises(factor_tables.FactorChangedMeanwhile):
            save(factor, row("R1"), seen=seen)


class TestPages:
    def address(self, factor: Factor) -> str:
        return reverse("admin:vee_factor_table", args=[factor.pk])

    def test_the_grid_is_saved(self, admin: Client, factor: Factor) -> None:
        seen = admin.get(self.address(factor)).context["seen"]
        grid = {"value": ["R1", "R5", ""], "start_date": ["", "2026-01-01", ""], "end_date": ["", "", ""],
                "vee_group": ["A", "A", ""], "measuring_component": ["", "", ""]}  # fmt: skip

        answer = admin.post(self.address(factor), {"save": "1", "seen": seen, **grid}, follow=True)

        assert "2 rows differ from before" in answer.content.decode()
        assert [each["value"] for each in factor_tables.rows_of(factor)] == ["R1", "R5"]

    def test_a_file_is_checked_row_by_row_and_shown_before_it_is_saved(self, admin: Client, factor: Factor) -> None:
        seen = admin.get(self.address(factor)).context["seen"]
        file = SimpleUploadedFile("t.csv", b"value,vee_group\nR1,A\nR4,NOWHERE")

        answer = admin.post(self.address(factor), {"check": "1", "seen": seen, "file": file})

        content = answer.content.decode()
        assert "There is no VEE group NOWHERE." in content
        assert 'value="R4" aria-label="Value of the characteristic, 2" aria-invalid="true"' in content
        assert FactorValue.objects.count() == 2

    def test_a_file_that_is_not_utf_8_is_refused(self, admin: Client, factor: Factor) -> None:
        file = SimpleUploadedFile("t.csv", b"value\n\xff\xfe")

        answer = admin.post(self.address(factor), {"check": "1", "seen": "", "file": file})

        assert "not in UTF-8" in answer.content.decode()

    def test_the_table_of_a_page_that_is_out_of_date_is_kept_on_it(self, admin: Client, factor: Factor) -> None:
        grid = {name: [""] for name in COLUMNS} | {"value": ["MINE"]}

        answer = admin.post(self.address(factor), {"save": "1", "seen": "old", **grid})

        assert "Somebody else changed this factor meanwhile" in answer.content.decode()
        assert 'value="MINE"' in answer.content.decode()

    def test_it_comes_as_csv(self, admin: Client, factor: Factor) -> None:
        answer = admin.get(reverse("admin:vee_factor_table_export", args=[factor.pk]))

        assert answer["Content-Type"].startswith("text/csv")
        assert read_table(answer.content.decode()) == factor_tables.rows_of(factor)

    def test_who_may_only_look_cannot_save(self, client: Client, factor: Factor) -> None:
        eve = make.person("eve", "vee.view_factor")
        User.objects.filter(pk=eve.pk).update(is_staff=True)
        client.force_login(User.objects.get(pk=eve.pk))

        assert "<input name=" not in client.get(self.address(factor)).content.decode()
        assert client.post(self.address(factor), {"save": "1"}).status_code == 403

    def test_rows_cost_no_query_each(self, admin: Client, factor: Factor, django_assert_max_num_queries: Any) -> None:
        for number in range(40):
            FactorValue.objects.create(factor=factor, characteristic_value=f"V{number}")
        admin.get(self.address(factor))

        with django_assert_max_num_queries(30):
            admin.get(self.address(factor))
