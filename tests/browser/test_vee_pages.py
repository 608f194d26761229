"""The meter data pages as a business user sees them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.people import log_in, somebody
from tests.factories import days
from vee.models import InitialMeasurement, ToDo


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def analyst(product: Any) -> Any:
    return somebody("vera", "VEE analyst")


def with_a_spike() -> tuple[int, list[Decimal | None]]:
    values = days.a_day()
    values[days.SPIKED] = Decimal("9.99")
    days.register("MC-1")
    return days.receive("MC-1", values), values


class TestToDoWorkbench:
    def test_an_analyst_corrects_a_spike_and_sees_it_complete(
        self, page: Any, product: Any, analyst: Any, shot: Any
    ) -> None:
        imd_id, _ = with_a_spike()

        log_in(page, product, "vera")
        shot("home")
        page.click("#dashboard-todos a")
        shot("todos")
        page.click("#result_list .field-summary a")
        page.wait_for_selector("#readings-chart canvas")
        shot("todo-spike")
        assert "SPIKE" in page.inner_text("#exceptions").upper()
        expect(page.locator(".value-cell.flagged")).to_have_count(1)
        expect(page.locator(f".value-cell.flagged #value-{days.SPIKED}")).to_have_count(1)

        page.fill(f"#value-{days.SPIKED}", "0.75")
        page.fill("#edit-reason", "Head-end spike; the neighbour quarter-hours say 0.75")
        page.click("button[name=perform]")
        page.wait_for_selector("#imd-state.badge-good")

        expect(page.locator("#imd-state")).to_have_text("Complete")
        shot("todo-complete")
        imd = InitialMeasurement.objects.get(pk=imd_id)
        assert imd.state == "COMPLETE"
        assert imd.user_edited
        assert ToDo.objects.get(imd=imd).status == "COMPLETE"

    def test_an_exception_leads_to_its_rule(self, page: Any, product: Any, analyst: Any, shot: Any) -> None:
        imd_id, _ = with_a_spike()

        log_in(page, product, "vera", where=f"/admin/vee/initialmeasurement/{imd_id}/change/")
        page.locator("#exceptions").get_by_role("link", name="Interval Spike Check").click()

        rule = page.locator(".rule-version:target")
        expect(rule).to_contain_text("more than 180 % above the third-highest")
        expect(rule).to_be_in_viewport()
        expect(rule).to_have_css("outline-style", "solid")
        shot("rule-linked")

    def test_discarding_asks_for_a_reason_first(self, page: Any, product: Any, shot: Any) -> None:
        imd_id, _ = with_a_spike()

        log_in(page, product)
        page.goto(f"{product.url}/admin/vee/initialmeasurement/{imd_id}/change/")
        page.click("#action-discard")
        shot("discard")
        page.fill("#reason", "Test meter on the bench")
        page.click("#confirm-form button[type=submit]")
        page.wait_for_selector("#imd-state.badge-neutral")

        assert InitialMeasurement.objects.get(pk=imd_id).state == "DISCARDED"

    def test_many_are_completed_by_force_from_the_list(self, page: Any, product: Any, shot: Any) -> None:
        imd_id, _ = with_a_spike()

        log_in(page, product)
        page.goto(f"{product.url}/admin/vee/todo/")
        page.check("input[name=_selected_action]")
        page.select_option("select[name=action]", "force_complete")
        page.click("button[name=index], #changelist-actions button, button:has-text('Run')")
        shot("force-complete-many")
        page.fill("#reason", "Confirmed with the customer")
        page.click("#confirm-form button[type=submit]")
        page.wait_for_selector("text=1 done")

        assert InitialMeasurement.objects.get(pk=imd_id).state == "COMPLETE"

    def test_a_person_without_the_right_sees_no_action(self, page: Any, product: Any) -> None:
        imd_id, _ = with_a_spike()
        somebody("audrey", "Auditor")

        log_in(page, product, "audrey")
        page.goto(f"{product.url}/admin/vee/initialmeasurement/{imd_id}/change/")

        expect(page.locator("#imd-state")).to_have_text("Exception")
        expect(page.locator("[id^=action-]")).to_have_count(0)
        expect(page.locator("#edit-reason")).to_have_count(0)


class TestPages:
    @pytest.mark.parametrize(
        ("address", "name"),
        [
            ("vee/initialmeasurement/", "imds"),
            ("vee/veeexception/", "exceptions"),
            ("vee/measuringcomponent/", "components"),
            ("vee/measuringcomponenttype/", "types"),
            ("vee/servicepoint/", "service-points"),
            ("vee/veegroup/", "groups"),
            ("vee/readingfile/", "reading-files"),
            ("vee/readingfile/upload/", "upload"),
            ("vee/todotype/", "todo-types"),
            ("vee/veeexceptiontype/", "exception-types"),
            ("django_celery_beat/periodictask/", "schedules"),
            ("auth/user/", "users"),
            ("auth/group/", "roles"),
            ("lookups/lookup/", "lookups"),
            ("outbound/connection/", "connections"),
            ("outbound/parameter/", "parameters"),
            ("outbound/mail/", "mails"),
            ("integration/flow/", "flows"),
            ("integration/flowrun/", "runs"),
            ("integration/incident/", "incidents"),
            ("integration/event/", "events"),
            ("integration/transferredfile/", "transferred-files"),
            ("integration/flowschedule/", "flow-schedules"),
            ("integration/pause/add/", "pause"),
            ("outbound/outboundmessage/", "outbound-messages"),
            ("outbound/certificate/", "certificates"),
        ],
    )
    def test_each_page_opens_without_an_error(
        self, page: Any, product: Any, shot: Any, address: str, name: str
    ) -> None:
        with_a_spike()

        log_in(page, product)
        response = page.goto(f"{product.url}/admin/{address}")

        assert response.status == 200
        shot(f"page-{name}")

    def test_a_group_and_a_components_measurements_can_be_opened(self, page: Any, product: Any, shot: Any) -> None:
        days.register("MC-2")
        days.receive("MC-2", days.a_day())

        log_in(page, product)
        page.goto(f"{product.url}/admin/vee/measuringcomponent/")
        page.click("text=Chart")
        page.wait_for_selector("#readings-chart canvas")
        shot("measurements")
        page.goto(f"{product.url}/admin/vee/veegroup/")
        page.click("#result_list .field-code a")
        page.wait_for_selector("text=In words")
        shot("group")

    def test_who_may_only_look_reads_rules_in_words(self, page: Any, product: Any, shot: Any) -> None:
        somebody("audra", "Auditor")

        log_in(page, product, "audra")
        page.goto(f"{product.url}/admin/vee/veegroup/")
        page.click("#result_list .field-code a")
        expect(page.get_by_text("Tolerance: 1.8 ratio")).to_be_visible()
        shot("group-read")
