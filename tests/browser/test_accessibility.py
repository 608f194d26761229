"""What axe says of the main pages, in light and dark, and whether keys alone lead to their content."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from integration.models import FlowRun
from integration.operations import setup
from lookups.models import Lookup
from outbound.models import Connection
from outbound.operations import configuration
from tests.browser import axe
from tests.browser.conftest import WIDTHS
from tests.browser.people import PASSWORD, log_in
from tests.factories import days
from tests.unit.integration.flows import samples
from vee.models import InitialMeasurement


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LISTS = (
    "vee/initialmeasurement",
    "vee/veeexception",
    "vee/measuringcomponent",
    "vee/veegroup",
    "integration/flowrun",
    "integration/flow",
    "integration/pause",
    "outbound/outboundmessage",
    "outbound/connection",
    "lookups/lookup",
)


@pytest.fixture
def product(live_server: Any) -> Any:
    setup.setup(at=timezone.now(), username="admin", password=PASSWORD)
    configuration.apply_connections(
        section={"DACS": {"transport": "rest", "base_url": "http://127.0.0.1:9"}}, at=timezone.now()
    )
    days.register("MC-1")
    days.receive("MC-1", days.a_day())
    answer = requests.post(
        f"{live_server.url}/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DRMS_DACS_ENROLLRQ/1.0/enroll-to-dacs",
        json={"params": [samples.RECORD]},
        auth=("admin", PASSWORD),
        timeout=60,
    )
    assert answer.status_code == 200
    return live_server


def addresses() -> dict[str, str]:
    imd = InitialMeasurement.objects.latest("pk")
    run, connection, lookup = FlowRun.objects.latest("pk"), Connection.objects.get(name="DACS"), Lookup.objects.first()
    assert lookup is not None
    return {
        "home": "/admin/",
        "preferences": "/admin/preferences/",
        "documentation": "/docs/",
        **{each.replace("/", "-"): f"/admin/{each}/" for each in LISTS},
        "run": f"/admin/integration/flowrun/{run.pk}/change/",
        "reading": f"/admin/vee/initialmeasurement/{imd.pk}/change/",
        "lookup": f"/admin/lookups/lookup/{lookup.pk}/change/",
        "connection": f"/admin/outbound/connection/{connection.pk}/change/",
        "audit": reverse("admin:integration_audit"),
    }


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_grave(page: Any, product: Any, shot: Any, mode: str) -> None:
    page.goto(f"{product.url}/admin/login/")
    page.evaluate(f"localStorage.setItem('adminTheme', JSON.stringify('{mode}'))")
    page.reload()
    expect(page.locator("html")).to_have_class(mode)
    found = [f"login: {each}" for each in axe.grave_violations(page)]
    log_in(page, product)
    for name, address in addresses().items():
        page.goto(f"{product.url}{address}")
        expect(page.locator("html")).to_have_class(mode)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            shot(f"axe-{mode}-{width}-{name}")
            found += [f"{name} {width}: {each}" for each in axe.grave_violations(page)]

    assert not found, "\n".join(found)


def tab_to(page: Any, selector: str) -> None:
    """Go to something by the Tab key alone."""
    for _ in range(150):
        page.keyboard.press("Tab")
        if page.evaluate("what => document.activeElement.matches(what)", selector):
            return
    raise AssertionError(f"No way by Tab to {selector}")


def test_by_keys_alone_a_person_logs_in_and_opens_a_run(page: Any, product: Any) -> None:
    page.goto(f"{product.url}/admin/login/?next=/admin/integration/flowrun/")
    expect(page.locator("input[name=username]")).to_be_visible()
    if not page.evaluate("document.activeElement.matches('input[name=username]')"):
        tab_to(page, "input[name=username]")
    page.keyboard.type("admin")
    tab_to(page, "input[name=password]")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#result_list")).to_be_visible()

    # The groups of the sidebar open by keys too.
    tab_to(page, "#nav-sidebar h2:has(+ ol a[href$='/integration/pause/'])")
    page.keyboard.press("Enter")
    expect(page.locator("#nav-sidebar a[href$='/integration/pause/']")).to_be_visible()
    tab_to(page, "#page-help")
    tab_to(page, "#result_list tbody a")
    page.keyboard.press("Enter")

    expect(page.locator("#content")).to_contain_text("Send to DACS")
