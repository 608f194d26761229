"""The journey of a business user: a failed enrollment run, then a To Do that is resolved."""

from __future__ import annotations

import socket
from decimal import Decimal
from typing import Any

import pytest
import requests
from playwright.sync_api import expect

from outbound.operations import configuration
from tests.browser.people import PASSWORD
from tests.factories import days
from tests.unit.integration.flows import samples
from vee.models import InitialMeasurement, ToDo


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def a_port_that_nobody_answers() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture
def product(product: Any) -> Any:
    configuration.apply_connections(
        section={"DACS": {"transport": "rest", "base_url": f"http://127.0.0.1:{a_port_that_nobody_answers()}"}},
        at=days.AT,
    )
    return product


def test_a_failed_enrollment_is_found_and_a_flagged_reading_is_corrected(page: Any, product: Any, shot: Any) -> None:
    answer = requests.post(
        f"{product.url}/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DRMS_DACS_ENROLLRQ/1.0/enroll-to-dacs",
        json={"params": [samples.RECORD]},
        auth=("admin", PASSWORD),
        timeout=30,
    )
    assert (answer.status_code, answer.json()["ackType"]) == (200, "FAILURE")
    values: list[Decimal | None] = days.a_day()
    values[days.SPIKED] = Decimal("9.99")
    values[20] = values[21] = None
    days.register("MC-1")
    imd_id = days.receive("MC-1", values)

    # Log in and find the failed enrollment run from the first page.
    page.goto(f"{product.url}/admin/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#dashboard-runs")
    shot("journey-1-home")
    page.click("#dashboard-runs .badge-bad")
    page.wait_for_selector("#result_list")
    expect(page.locator("#result_list")).to_contain_text("DRMS-ENR-000917")
    shot("journey-2-failed-runs")

    # Read its steps.
    page.click("#result_list tbody a")
    page.wait_for_selector("text=Send to DACS")
    expect(page.locator("#content")).to_contain_text("Check the records")
    expect(page.locator("#content")).not_to_contain_text("Rivera, Dana")
    shot("journey-3-run")

    # Open the To Do and see the flagged interval in the chart and the grid.
    page.goto(f"{product.url}/admin/")
    page.click("#dashboard-todos a")
    page.click("#result_list .field-summary a")
    page.wait_for_selector("#readings-chart canvas")
    expect(page.locator(f".value-cell.flagged #value-{days.SPIKED}")).to_have_count(1)
    expect(page.locator(".value-cell.estimated")).to_have_count(2)
    shot("journey-4-todo")

    # Correct it, perform VEE, and see it complete.
    page.fill(f"#value-{days.SPIKED}", "0.75")
    page.fill("#edit-reason", "The neighbouring quarter-hours say 0.75")
    page.click("button[name=perform]")
    page.wait_for_selector("#imd-state.badge-good")
    shot("journey-5-complete")

    expect(page.locator("#imd-state")).to_have_text("Complete")
    assert InitialMeasurement.objects.get(pk=imd_id).state == "COMPLETE"
    assert ToDo.objects.get(imd_id=imd_id).status == "COMPLETE"
