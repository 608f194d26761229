"""The pages of reconciliation: whom they let in, that numbers are those of their rows, and what leaves as a file."""

from __future__ import annotations

import csv
import io
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from foundation import sessions
from integration.admin import reconciliation, reconciliation_export
from integration.admin.reconciliation_questions import QUESTIONS
from integration.models import EnrollmentRecord
from tests.factories import integration as factory
from tests.factories import reconciliation as world


pytestmark = pytest.mark.django_db
ROOT = "/admin/integration/reservation/reconciliation/"
ALL = "since=2020-01-01"


@pytest.fixture(autouse=True)
def _flows(monkeypatch: pytest.MonkeyPatch) -> None:
    factory.prepare()
    monkeypatch.setattr(sessions, "_NOTED_EVERY_SECONDS", 1_000_000)


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factory.user("admin", is_staff=True, is_superuser=True))
    return client


def as_(client: Client, *rights: str) -> Client:
    client.force_login(factory.user("reader", rights=rights, is_staff=True))
    return client


def rows_of(answer: Any) -> list[list[str]]:
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


class TestNumbers:
    @pytest.mark.parametrize("question", [each.code for each in QUESTIONS])
    def test_of_every_view_are_those_of_the_rows_that_they_lead_to(self, admin: Client, question: str) -> None:
        world.a_day_of_everything()
        page = admin.get(f"{ROOT}{question}/?{ALL}")
        numbers = page.context["numbers"]

        assert len(numbers) == len(next(each for each in QUESTIONS if each.code == question).views)
        for number in numbers:
            assert number["count"] > 0, number["view"].code
            shown = admin.get(number["address"])
            assert len(shown.context["rows"]) == number["count"]
            exported = rows_of(admin.get(shown.context["exports"][0]["address"]))
            assert len(exported) == number["count"] + 1
            assert all(len(line) == len(exported[0]) for line in exported)

    def test_of_an_event_lead_to_its_own_devices(self, admin: Client) -> None:
        world.a_day_of_everything()
        world.reserve(world.event(instance="NMS2"), "NIC-1")
        page = admin.get(f"{ROOT}reservations/?{ALL}")
        cells = next(row for row in page.context["rows"] if row[1]["value"] == "NMS1")

        for cell in cells[-3:]:
            assert len(admin.get(cell["address"]).context["rows"]) == cell["value"]

    def test_of_the_overview_are_those_of_the_pages(self, admin: Client) -> None:
        world.a_day_of_everything()
        page = admin.get(ROOT)

        assert [each["question"].code for each in page.context["questions"]] == [each.code for each in QUESTIONS]
        for each in page.context["questions"]:
            for number in each["numbers"]:
                assert len(admin.get(number["address"]).context["rows"]) == number["count"]

    def test_are_not_counted_beyond_a_bound(self, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("foundation.admin.COUNTED", 2)
        for number in range(4):
            world.sync(number, "NONE")

        numbers = {each["view"].code: each["text"] for each in admin.get(f"{ROOT}syncs/").context["numbers"]}

        assert (numbers["all"], numbers["none"], numbers["failed"]) == ("2+", "2+", "0")

    def test_the_next_page_has_the_next_rows(self, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reconciliation, "PER_PAGE", 2)
        for number in range(3):
            world.sync(number, "NONE")
        first = admin.get(f"{ROOT}syncs/?hours=1")
        following = re.search(r'href="(\?[^"]*page=2)"', first.content.decode())
        assert following is not None

        second = admin.get(f"{ROOT}syncs/{unescape(following[1])}")

        assert [row[0]["value"] for row in second.context["rows"]] == ["SYNC-2"]


class TestFilters:
    def test_days_are_whole_days(self, admin: Client) -> None:
        world.record("before", "SUCCESS", at=world.AT.replace(hour=0) - world.HOUR)
        world.record("that-day", "SUCCESS", at=world.AT.replace(hour=23, minute=59))

        page = admin.get(f"{ROOT}enrollments/?since=2026-03-02&until=2026-03-02")

        assert [row[0]["value"] for row in page.context["rows"]] == ["that-day"]

    def test_a_form_that_is_not_valid_shows_why_and_no_rows(self, admin: Client) -> None:
        page = admin.get(f"{ROOT}enrollments/?since=yesterday")

        assert page.status_code == 200
        assert "since" in page.context["form"].errors
        assert "rows" not in page.context

    @pytest.mark.parametrize("address", ["nothing/", "syncs/?show=nothing", "syncs/pdf/", "syncs/csv/?hours=-1"])
    def test_what_is_not_there_is_not_found(self, admin: Client, address: str) -> None:
        assert admin.get(ROOT + address).status_code == 404


class TestPermission:
    def test_a_person_sees_the_questions_whose_rows_they_may_see(self, client: Client) -> None:
        world.a_day_of_everything()
        as_(client, "integration.view_enrollmentsync")
        page = client.get(ROOT)

        assert [each["question"].code for each in page.context["questions"]] == ["syncs"]
        assert client.get(f"{ROOT}syncs/").status_code == 200
        for closed in ("enrollments/", "reservations/csv/", "status-checks/xlsx/", "sync-requests/"):
            assert client.get(ROOT + closed).status_code == 403, closed

    def test_whoever_may_see_none_sees_no_page_and_no_item(self, client: Client) -> None:
        as_(client, "lookups.view_lookup")

        assert client.get(ROOT).status_code == 403
        assert ROOT not in client.get("/admin/lookups/lookup/").content.decode()

    def test_whoever_may_see_some_has_the_item(self, client: Client) -> None:
        as_(client, "integration.view_enrollmentsync")

        assert ROOT in client.get("/admin/integration/enrollmentsync/").content.decode()


class TestWithoutTheDacsSide:
    def test_its_questions_views_columns_and_filter_are_not_there(self, admin: Client) -> None:
        world.record("E-1", "SUCCESS")
        page = admin.get(f"{ROOT}enrollments/?{ALL}&program=ANY")

        assert {each["view"].code for each in page.context["numbers"]} == {
            *("sent", "acknowledged", "refused", "failed", "unanswered")
        }
        assert "program" not in page.context["form"].fields
        assert len(page.context["rows"]) == 1
        assert len(page.context["rows"][0]) == 5
        assert admin.get(f"{ROOT}sync-requests/").status_code == 404


class TestExport:
    NASTY = '=HYPERLINK("http://evil.example","x")'

    def nasty(self) -> None:
        world.record("E-1", "ERROR")
        world.record("E-2", "ERROR")
        EnrollmentRecord.objects.filter(message_id="E-1").update(answer_value=self.NASTY)
        EnrollmentRecord.objects.filter(message_id="E-2").update(answer_value="bell \x07 rings")

    def test_csv_has_no_formulas(self, admin: Client) -> None:
        self.nasty()

        answer = admin.get(f"{ROOT}enrollments/csv/?{ALL}")
        lines = rows_of(answer)

        assert answer["Content-Disposition"].startswith('attachment; filename="enrollments-sent-')
        assert lines[0][:3] == ["Message id", "Received", "Acknowledgement"]
        assert lines[1][:4] == ["E-2", "2026-03-01T10:00:00+00:00", "Error", "bell \x07 rings"]
        assert lines[2][3] == f"'{self.NASTY}"

    def test_xlsx_has_no_formulas_and_only_what_it_can_hold(self, admin: Client) -> None:
        self.nasty()

        answer = admin.get(f"{ROOT}enrollments/xlsx/?{ALL}")
        sheet = load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active
        lines = [[cell.value for cell in line] for line in sheet.iter_rows()]

        assert [line[0] for line in lines] == ["Message id", "E-2", "E-1"]
        assert lines[1][3] == "bell  rings"
        assert lines[2][3] == f"'{self.NASTY}"
        assert {cell.data_type for line in sheet.iter_rows() for cell in line} == {"s"}

    def test_xlsx_says_when_there_are_more(self, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reconciliation_export, "MOST_XLSX_ROWS", 2)
        for number in range(3):
            world.sync(number, "NONE")

        answer = admin.get(f"{ROOT}syncs/xlsx/")
        lines = list(load_workbook(io.BytesIO(b"".join(answer.streaming_content))).active.iter_rows(values_only=True))

        assert [line[0] for line in lines[1:]] == [
            *("SYNC-0", "SYNC-1", "There are more rows: the CSV has all of them.")
        ]

    def test_csv_is_read_as_it_is_sent(self, admin: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        world.a_day_of_everything()
        answer = admin.get(f"{ROOT}enrollments/csv/?{ALL}")

        with django_assert_num_queries(1):
            assert len(rows_of(answer)) == 7


@pytest.mark.parametrize("question", [each.code for each in QUESTIONS])
def test_a_page_asks_as_much_for_many_rows_as_for_few(
    admin: Client, question: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    world.a_day_of_everything()
    views = len(next(each for each in QUESTIONS if each.code == question).views)
    admin.get(f"{ROOT}{question}/")

    # The session, the account, the switch of the DACS side, the programs; a number per view, and the rows.
    with django_assert_max_num_queries(6 + views + 1):
        page = admin.get(f"{ROOT}{question}/?{ALL}")

    assert page.context["rows"]
