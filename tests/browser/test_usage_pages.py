"""The usage pages as a business user sees them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.looking import looked_at
from tests.browser.people import log_in, somebody
from tests.factories import days
from tests.factories.messages import make_system
from vee.models import ServicePoint, UsageSubscription, UsageTransaction


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(product: Any) -> Any:
    somebody("vera", "VEE analyst")
    return product


def usage_of_a_day() -> UsageTransaction:
    """PENDING usage of CIS over a complete day."""
    days.register("MC-1")
    days.receive("MC-1", days.a_day())
    subscription = UsageSubscription.objects.create(
        identifier="US-1", service_point=ServicePoint.objects.get(identifier="SP-MC-1"), recipient="CIS"
    )
    return UsageTransaction.objects.create(
        identifier="UT-2026-01-05",
        usage_subscription=subscription,
        start=days.START,
        end=days.START + dt.timedelta(days=1),
    )


def act(page: Any, name: str, reason: str) -> None:
    page.click(f"#action-{name}")
    page.fill("#reason", reason)
    page.click("#confirm-form button[type=submit]")


class TestUsageTransaction:
    def test_an_analyst_calculates_and_sends_it_and_sees_what_changed_afterwards(
        self, page: Any, product: Any, shot: Any
    ) -> None:
        make_system("CIS")
        row = usage_of_a_day()

        log_in(page, product, "vera")
        page.goto(f"{product.url}/admin/vee/usagetransaction/")
        page.click(f"a:has-text('{row.identifier}')")
        act(page, "calculate", "Month end")
        page.wait_for_selector("#totals")
        looked_at(page, shot, "usage-calculated")
        act(page, "send", "Month end")
        page.wait_for_selector("#usage-status.badge-good")
        values = days.a_day()
        values[3] = None if values[3] is None else values[3] * 2
        days.receive("MC-1", values, external_id="HES-AGAIN")
        page.reload()

        expect(page.locator("#usage-status")).to_have_text("Subsequent correction")
        expect(page.locator("#totals tbody tr")).to_have_count(1)
        expect(page.locator("#correction")).to_have_count(1)
        looked_at(page, shot, "usage-corrected")
        page.goto(f"{product.url}/admin/vee/usagetransaction/")
        looked_at(page, shot, "usage-list")

    def test_what_cannot_be_sent_says_why(self, page: Any, product: Any, shot: Any) -> None:
        row = usage_of_a_day()

        log_in(page, product, "vera")
        page.goto(f"{product.url}/admin/vee/usagetransaction/{row.pk}/change/")
        act(page, "calculate", "Month end")
        page.wait_for_selector("#totals")
        act(page, "send", "Month end")
        page.wait_for_selector("#issues")

        expect(page.locator("#issues")).to_contain_text("There is no external system CIS.")
        looked_at(page, shot, "usage-issue")
