"""Reports: figures counted by hand, pages, files, links to exactly the rows, and who may see what."""

from __future__ import annotations

import csv
import datetime as dt
import html
import io
import re
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from openpyxl import load_workbook

from assets import models as assets
from integration.reports import catalogue, parameters
from integration.reports.contract import Answer
from tests.database.integration import report_data as data
from tests.factories import assets as programs
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db
MARCH = {"period": "CUSTOM", "since": "2026-03-01", "until": "2026-03-15"}
PAGE = "/admin/integration/reportschedule/reports/"


def ask(name: str, *, zone: str = "America/New_York", **given: str) -> Answer:
    report = catalogue.find(name)
    return report.answer(parameters.read(report, {**MARCH, **given}, zone=ZoneInfo(zone), at=data.AT))


def cells(answer: Answer, *keys: str) -> list[tuple[Any, ...]]:
    return [tuple(row[key] for key in keys) for row in answer.rows]


def staff(client: Client, *rights: str) -> Client:
    client.force_login(factory.user("ann", rights=rights, is_staff=True))
    return client


class TestCompleteness:
    KEYS = ("expected", "received", "estimated", "missing")

    def test_by_day(self) -> None:
        data.completeness()
        answer = ask("data_completeness")

        assert cells(answer, "day", "component_days", *self.KEYS) == [
            (dt.date(2026, 3, 7), 17, 1488, 1454, 6, 28),
            (dt.date(2026, 3, 8), 10, 920, 920, 0, 0),
        ]
        assert answer.totals is not None
        assert [answer.totals[key] for key in self.KEYS] == [2408, 2374, 6, 28]
        assert answer.totals["missing_share"] == pytest.approx(100 * 28 / 2408)
        assert answer.chart is not None
        assert [line.values[1] for line in answer.chart.lines] == [100.0, 0.0, 0.0]

    def test_by_route_and_type_with_filters(self) -> None:
        data.completeness()

        assert cells(ask("data_completeness", group="ROUTE"), "route", "expected") == [
            ("", 48),
            ("=R2", 480),
            ("R1", 1880),
        ]
        assert cells(ask("data_completeness", group="TYPE", route="R1"), "type__identifier", "estimated") == [
            ("QUARTERS", 6)
        ]
        assert cells(ask("data_completeness", route="-"), "expected", "missing") == [(48, 24)]
        assert cells(ask("data_completeness", type="HOURS", group="ALL"), "route", "received") == [("", 24)]

    def test_a_page_over_31_days_reads_sums_alone(self, django_assert_num_queries: Any) -> None:
        data.completeness()
        report = catalogue.find("data_completeness")
        asked = parameters.read(report, MARCH, zone=ZoneInfo("UTC"), at=data.AT)

        with django_assert_num_queries(1):
            report.answer(asked)


class TestExceptions:
    def test_by_week_of_the_zone(self, django_assert_num_queries: Any) -> None:
        data.exceptions()
        with django_assert_num_queries(1):
            answer = ask("exceptions_by_rule")

        assert cells(answer, "week", "rule_title", "opened", "closed", "still_open", "median_seconds") == [
            ("2026-W10", "High/Low Check", 3, 2, 1, 7_200.0),
            ("2026-W10", "spike_check", 1, 1, 0, 1_800.0),
            ("2026-W11", "High/Low Check", 1, 0, 1, None),
        ]
        assert answer.totals == {"opened": 5, "closed": 3, "still_open": 2}
        assert answer.chart is not None
        assert {str(line.title): list(line.values) for line in answer.chart.lines} == {
            "High/Low Check": [3, 1],
            "spike_check": [1, 0],
        }
        # In UTC, 9 March begins four hours earlier.
        assert cells(ask("exceptions_by_rule", zone="UTC"), "week", "opened")[0] == ("2026-W10", 2)

    def test_its_numbers_link_to_exactly_their_rows(self, admin_client: Client) -> None:
        data.exceptions()
        _links_lead_to_their_rows(admin_client, "exceptions_by_rule")


class TestAcknowledgements:
    def test_by_day_and_flow(self) -> None:
        data.acknowledgements()
        check, sync = sorted(ask("acknowledgement_times").rows, key=lambda row: row["flow"])

        assert (sync["day"], sync["sent"], sync["acknowledged"], sync["waiting"]) == (dt.date(2026, 3, 9), 5, 4, 1)
        # Of 10, 20, 30 and 7,200 s: the middle of the two in the middle; nine tenths of the way along.
        assert (sync["median_seconds"], sync["max_seconds"]) == (25.0, 7_200.0)
        assert sync["p90_seconds"] == pytest.approx(30 + 0.7 * 7_170)
        # Later than an hour, and waiting for longer than that.
        assert sync["over_limit"] == 2
        assert (check["sent"], check["median_seconds"], check["limit_seconds"]) == (1, 90_000.0, 86_400.0)
        assert check["over_limit"] == 1

    def test_a_limit_and_a_flow(self, django_assert_max_num_queries: Any) -> None:
        data.acknowledgements()
        with django_assert_max_num_queries(8):
            answer = ask("acknowledgement_times", group="FLOW", flow="enrollment_sync", limit_minutes="180")

        assert cells(answer, "sent", "over_limit") == [(5, 1)]

    def test_its_numbers_link_to_exactly_their_rows(self, admin_client: Client) -> None:
        data.acknowledgements()
        _links_lead_to_their_rows(admin_client, "acknowledgement_times")


class TestEvents:
    def test_devices_of_an_event(self, django_assert_num_queries: Any) -> None:
        data.events()
        with django_assert_num_queries(3):
            answer = ask("event_participation")

        keys = ("external_id", "reserved", "not_reserved", "reported", "participated")
        assert cells(answer, *keys) == [("EV-1", 3, 1, 3, 2)]
        assert answer.rows[0]["participation"] == pytest.approx(200 / 3)

    def test_its_numbers_link_to_exactly_their_rows(self, admin_client: Client) -> None:
        data.events()
        _links_lead_to_their_rows(admin_client, "event_participation")


class TestPrograms:
    @pytest.fixture
    def _program(self) -> None:
        programs.switch_on()
        subscription = programs.make_subscription(1, program=programs.make_program("COOL"))
        type(subscription).objects.filter(pk=subscription.pk).update(starts_at=data.at(2), status="ACTIVE")
        programs.make_program("IDLE")
        event = assets.ProgramEvent.objects.create(
            external_identifier="EV-9", starts_at=data.at(9), ends_at=data.at(9, 14), created_at=data.at(8),
            changed_at=data.at(8),
        )  # fmt: skip
        for number, (status, outcome, kwh) in enumerate(
            (("REPORTED", "D1SP", "2.5"), ("REPORTED", "D1IO", "0.5"), ("RESERVED", "", None), ("CANCELED", "", None)),
            start=11,
        ):
            part = assets.Participation.objects.create(
                event=event, device=programs.make_device(number), subscription=subscription, status=status,
                outcome=outcome, changed_at=data.at(9),
            )  # fmt: skip
            if kwh:
                assets.EventPerformance.objects.create(
                    participation=part, status="CALCULATED", reduction_kwh=Decimal(kwh),
                    estimated_reduction_kwh=Decimal("0.3"), calculated_at=data.at(10),
                )  # fmt: skip

    @pytest.mark.usefixtures("_program")
    def test_by_program_and_by_event(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(3):
            answer = ask("program_performance", zone="UTC")

        keys = ("program", "enrolled", "active", "events", "reserved", "reported", "participated")
        assert cells(answer, *keys) == [("COOL", 1, 1, 1, 3, 2, 1), ("IDLE", 0, 0, 0, 0, 0, 0)]
        row = answer.rows[0]
        assert (row["reduction_kwh"], row["share"], row["not_calculated"]) == (Decimal("3.0000"), 50.0, 2)
        assert row["estimated_share"] == pytest.approx(20.0)
        by_event = ask("program_performance", zone="UTC", group="EVENT", program="COOL")
        assert cells(by_event, "event__external_identifier", "reserved", "participated") == [("EV-9", 3, 1)]

    @pytest.mark.usefixtures("_program")
    @pytest.mark.parametrize("group", ["PROGRAM", "EVENT"])
    def test_its_numbers_link_to_exactly_their_rows(self, admin_client: Client, group: str) -> None:
        _links_lead_to_their_rows(admin_client, "program_performance", group=group)

    def test_it_is_offered_only_where_the_dacs_side_is_on(self, admin_client: Client) -> None:
        assert "program_performance" not in admin_client.get(PAGE).content.decode()

        programs.switch_on()

        assert "program_performance" in admin_client.get(PAGE).content.decode()


class TestPages:
    def test_a_report_with_chart_totals_and_sorting(self, client: Client) -> None:
        data.completeness()
        page = staff(client, "vee.view_daycompleteness").get(f"{PAGE}data_completeness/", {**MARCH, "sort": "-missing"})
        text = page.content.decode()

        assert page.status_code == 200
        assert "<svg" in text
        assert 'aria-sort="descending"' in text
        assert re.findall(r"2026-03-0\d", text.split("<tbody>")[1])[0] == "2026-03-07"
        assert "2,408" in text.split("<tfoot")[1]

    def test_files_hold_the_rows_and_no_formula(self, client: Client) -> None:
        data.completeness()
        given = {**MARCH, "group": "ROUTE"}
        staff(client, "vee.view_daycompleteness")
        answer: Any = client.get(f"{PAGE}data_completeness/", {**given, "format": "csv"})
        rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))
        book = load_workbook(io.BytesIO(client.get(f"{PAGE}data_completeness/", {**given, "format": "xlsx"}).content))

        assert rows[0][:3] == ["Route", "Components × days", "Expected (intervals)"]
        assert [row[:3] for row in rows[1:]] == [["", "2", "48"], ["'=R2", "5", "480"], ["R1", "20", "1880"]]
        assert "data_completeness_20260301-20260315.csv" in answer["Content-Disposition"]
        assert [cell.value for cell in book.active[3]][:3] == ["'=R2", 5, 480]

    def test_what_cannot_be_read_is_said(self, client: Client) -> None:
        page = staff(client, "vee.view_daycompleteness").get(
            f"{PAGE}data_completeness/",
            {"period": "CUSTOM", "since": "2026-03-09", "until": "2026-03-01", "group": "?"},
        )

        assert page.status_code == 200
        assert 'id="report-problems"' in page.content.decode()

    def test_who_may_see_what(self, client: Client) -> None:
        staff(client, "vee.view_veeexception")

        listed = client.get(PAGE).content.decode()
        assert "exceptions_by_rule" in listed
        assert "data_completeness" not in listed
        assert client.get(f"{PAGE}exceptions_by_rule/").status_code == 200
        assert client.get(f"{PAGE}data_completeness/").status_code == 403
        assert client.get(f"{PAGE}data_completeness/", {"format": "csv"}).status_code == 403
        assert client.get(f"{PAGE}nothing/").status_code == 404

    def test_nobody_without_a_right_finds_reports(self, client: Client) -> None:
        staff(client)

        assert client.get(PAGE).status_code == 403
        assert "/reports/" not in client.get("/admin/").content.decode()


def _links_lead_to_their_rows(client: Client, name: str, **given: str) -> None:
    """Follow every linked number of a page, and count the rows of the list that it leads to."""
    text = client.get(f"{PAGE}{name}/", {**MARCH, **given}).content.decode()
    links = re.findall(r'<a class="workbench-link" href="([^"]+)">([\d,]+)</a>', text.split("<tbody>")[1])
    assert links
    for address, number in links:
        page = client.get(html.unescape(address))
        assert page.status_code == 200, address
        if "cl" in (page.context_data or {}):
            assert page.context_data["cl"].result_count == int(number.replace(",", "")), address
        else:
            assert page.context_data["row_count"] == int(number), address
