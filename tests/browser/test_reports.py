"""Reports in a browser: from the list to a table, a chart, a file and a schedule, and what axe says of it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integration.models import ReportSchedule
from outbound.models import Mail
from tests.browser.people import log_in, somebody
from tests.factories import vee as make
from vee.models import DayCompleteness, VeeException


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
REPORTS = "/admin/integration/reportschedule/reports/"


@pytest.fixture
def product(product: Any) -> Any:
    somebody("vera", "VEE supervisor")
    _a_fortnight()
    _exceptions()
    return product


def _a_fortnight() -> None:
    kind = make.MeasuringComponentTypeFactory(identifier="RES-15MIN")
    today = timezone.now().date()
    for back in range(1, 15):
        for route, components in (("NORTH-1", 420), ("SOUTH-2", 260)):
            expected = components * 96
            missing, estimated = (back * 37) % 400, (back * 91 + components) % 900
            DayCompleteness.objects.create(
                day=today - dt.timedelta(days=back),
                type=kind,
                route=route,
                components=components,
                expected=expected,
                received=expected - missing - estimated if back != 5 else expected // 2,
                estimated=estimated,
                computed_at=timezone.now(),
            )


def _exceptions() -> None:
    imd = make.interval_imd(make.MeasuringComponentFactory(), ["1"])
    now = timezone.now()
    for number in range(60):
        raised = now - dt.timedelta(days=8 + number, hours=number % 7)
        closed = raised + dt.timedelta(hours=1 + number % 9) if number % 5 else None
        VeeException.objects.create(
            imd=imd,
            severity="ISSUE" if number % 3 else "INFO",
            exception_type="TOO-HIGH" if number % 2 else "SPIKE",
            rule=("high_low_check", "spike_check", "sum_check")[number % 3],
            message="found",
            open=closed is None,
            created_at=raised,
            closed_at=closed,
        )


def test_a_supervisor_reads_a_report_and_has_it_mailed(page: Any, product: Any, shot: Any) -> None:
    log_in(page, product, "vera", where=REPORTS)
    expect(page.locator("#reports")).not_to_contain_text("Acknowledgement times")
    page.click("text=Data completeness")
    expect(page.locator("#report-rows tbody tr")).to_have_count(7)
    expect(page.locator("#report-chart svg rect").first).to_be_visible()

    # By route, over more days, the least complete first; then the file.
    page.select_option("select[name=period]", "LAST_31_DAYS")
    page.select_option("select[name=group]", "ROUTE")
    page.click("#report-form button[type=submit]")
    expect(page.locator("#report-rows tbody tr")).to_have_count(2)
    page.click("#report-rows th:has-text('Missing (intervals)') a")
    expect(page.locator("#report-rows th[aria-sort=ascending]")).to_contain_text("Missing")
    with page.expect_download() as download:
        page.click("text=Download CSV")
    assert download.value.suggested_filename.startswith("data_completeness_")

    # The number leads to the sums that it adds up.
    page.click("#report-rows tbody tr >> nth=0 >> .workbench-link")
    expect(page.locator("#result_list tbody tr")).to_have_count(14)
    page.go_back()

    page.click("text=Mail regularly")
    page.fill("input[name=name]", "Routes of the month")
    page.fill("input[name=recipients]", "boss@example.org")
    expect(page.get_by_role("link", name="Reports", exact=True).last).to_be_visible()
    shot("report-schedule")
    page.click("button[name=_continue]")
    expect(page.locator("body")).to_contain_text("Routes of the month")
    row = ReportSchedule.objects.get()
    assert (row.report, row.parameters["group"], row.parameters["period"]) == (
        "data_completeness",
        "ROUTE",
        "LAST_31_DAYS",
    )
    page.click("text=Send now")
    expect(page.locator("body")).to_contain_text("The mail to boss@example.org is on its way.")
    shot("report-sent")
    assert Mail.objects.get().attachments.count() == 1


def test_every_report_is_fit_to_look_at(page: Any, product: Any, shot: Any) -> None:
    log_in(page, product, where=REPORTS)
    pages = {
        "list": REPORTS,
        "completeness": f"{REPORTS}data_completeness/?period=LAST_31_DAYS",
        "exceptions": f"{REPORTS}exceptions_by_rule/",
        "refused": f"{REPORTS}data_completeness/?period=CUSTOM&since=2026-02-02&until=2026-02-01",
    }
    for name, address in pages.items():
        page.goto(f"{product.url}{address}")
        expect(page.locator("#reports, #report-form")).to_be_visible()
        shot(f"report-{name}")
