"""The home page in a browser: it leads to the rows, keeps itself up to date and moves nothing, and is accessible."""

from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integration.models import Flow, FlowRun, FlowStatistics, SetupReview
from integration.operations import setup_review
from tests.browser import axe
from tests.browser.people import log_in, press, somebody
from tests.factories import days
from vee.models import DailyCount, ToDo


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 1024)
REFRESH = "document.getElementById('home').dispatchEvent(new Event('home:refresh'))"


def failed_run(*, minutes_ago: int) -> None:
    finished = timezone.now() - dt.timedelta(minutes=minutes_ago)
    flow = Flow.objects.get(name="enrollment_request")
    run = FlowRun(
        id=uuid.uuid4(), flow=flow, state="FAILED", correlation_id="c", body_digest="d", fault_type="REMOTE",
        fault_reason="DACS does not answer.", identifiers_shown=f"DRMS-ENR-{minutes_ago}",
        started_at=finished - dt.timedelta(seconds=2), finished_at=finished,
    )  # fmt: skip
    FlowRun.objects.bulk_create([run])


def with_spikes(*ages: int) -> None:
    for number, hours in enumerate(ages):
        values: list[Decimal | None] = days.a_day()
        values[days.SPIKED] = Decimal("9.99")
        days.register(f"MC-{number}")
        imd_id = days.receive(f"MC-{number}", values)
        ToDo.objects.filter(imd=imd_id).update(created_at=timezone.now() - dt.timedelta(hours=hours))


def two_weeks() -> None:
    """Days of runs, readings and To Dos for the charts."""
    flow = Flow.objects.get(name="enrollment_request")
    for number in range(14):
        day = timezone.now().date() - dt.timedelta(days=number)
        FlowStatistics.objects.create(
            flow=flow,
            version="1",
            day=day,
            received=50,
            succeeded=40 + 3 * number,
            failed=number % 4,
            aborted=number // 9,
        )
        for kind, count in (
            ("COMPLETE", 900 - 20 * number), ("EXCEPTION", 40 + number), ("ERROR", number % 3),
            ("DISCARDED", 2), ("TODO_OPENED", 20 + number % 5), ("TODO_CLOSED", 15 + number % 7),
        ):  # fmt: skip
            DailyCount.objects.create(day=day, kind=kind, number=count)


def test_numbers_lead_to_their_rows_and_the_page_keeps_itself_up_to_date(page: Any, product: Any, look_at: Any) -> None:
    failed_run(minutes_ago=3)
    with_spikes(1, 30, 100)
    two_weeks()
    setup_review.review(at=timezone.now())
    log_in(page, product)
    expect(page.locator("#fact-new_failures .home-number")).to_have_text("1")
    expect(page.locator("#chart-runs svg")).to_be_visible()
    look_at("home-superuser")

    # Something happens meanwhile: focus, scroll and what is opened stay, only the numbers change.
    page.locator("#numbers-readings summary").click()
    page.locator("#fact-failed_runs").focus()
    page.evaluate("window.scrollTo(0, 120)")
    before = page.evaluate("window.scrollY")
    failed_run(minutes_ago=1)
    page.evaluate(REFRESH)
    expect(page.locator("#fact-new_failures .home-number")).to_have_text("2")
    assert page.evaluate("document.activeElement.id") == "fact-failed_runs"
    assert page.evaluate("window.scrollY") == before
    expect(page.locator("#numbers-readings")).to_have_attribute("open", "")

    # While the person selects text, nothing is exchanged.
    page.evaluate("document.getSelection().selectAllChildren(document.getElementById('home-headline'))")
    failed_run(minutes_ago=2)
    page.evaluate(REFRESH)
    with page.expect_response("**/admin/home/"):
        page.evaluate(f"document.getSelection().removeAllRanges(); {REFRESH}")
    expect(page.locator("#fact-new_failures .home-number")).to_have_text("3")

    # A change of the headline is read out.
    ToDo.objects.all().delete()
    page.evaluate(REFRESH)
    expect(page.locator("#home-status")).to_contain_text("need a person")

    # The number opens exactly its rows; seen, they are new no more.
    page.click("#fact-new_failures")
    expect(page.locator("#result_list tbody tr")).to_have_count(3)
    look_at("home-failed-rows")
    page.goto(f"{product.url}/admin/")
    page.click("#home-seen button")
    expect(page.locator("#fact-new_failures .home-number")).to_have_text("0")
    expect(page.locator("#fact-failed_runs .home-number")).to_have_text("3")


def test_a_session_that_ended_is_said(page: Any, product: Any) -> None:
    log_in(page, product)
    page.context.clear_cookies()

    page.evaluate(REFRESH)

    expect(page.locator("#home-status")).to_have_text("Not up to date: log in again.")


def test_an_analyst_reaches_a_to_do_by_keys(page: Any, product: Any, look_at: Any) -> None:
    with_spikes(30)
    somebody("vera", "VEE analyst")
    log_in(page, product, "vera")
    expect(page.locator(".home-part h2").first).to_have_text("Meter data")
    look_at("home-analyst")

    for _ in range(60):
        if page.evaluate("document.activeElement.matches('#dashboard-todos td a')"):
            break
        press(page, "Tab")
    press(page, "Enter")

    expect(page.locator("#result_list tbody tr")).to_have_count(1)


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_it_is_accessible(page: Any, product: Any, shot: Any, mode: str) -> None:
    failed_run(minutes_ago=3)
    with_spikes(1, 30, 100)
    two_weeks()
    SetupReview.objects.create(pk=1, reviewed_at=timezone.now(), open_steps=[["x", "auth.view_user"]])
    page.goto(f"{product.url}/admin/login/")
    page.evaluate(f"localStorage.setItem('adminTheme', JSON.stringify('{mode}'))")
    log_in(page, product)

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.locator("#chart-todos svg")).to_be_visible()
        assert axe.grave_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        shot(f"home-{mode}-{width}")
