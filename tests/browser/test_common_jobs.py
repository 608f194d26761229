"""The commonest jobs, walked click by click; `docs/explanation/comparison.md` says how many each takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integration.models import Flow, FlowRun, Pause
from integration.operations import setup, setup_review, unmapped_codes
from lookups.queries import table
from outbound.operations import configuration
from tests.browser.walking import Walk
from tests.factories import control, days, reconciliation
from vee.models import ToDo


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PASSWORD = "a-long-password-1"
TABLE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "comparison.md"


def said(job: str) -> tuple[int, int]:
    """Give the clicks and the seconds that the page says a job takes here."""
    row = next(line for line in TABLE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {job} |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[-1] == "walked"
    return int(cells[1]), int(cells[2])


@pytest.fixture
def walk(page: Any, live_server: Any) -> Walk:
    """Begin at the first page, as an administrator."""
    setup.setup(at=timezone.now(), username="admin", password=PASSWORD)
    configuration.apply_connections(
        section={"DACS": {"transport": "rest", "base_url": "http://127.0.0.1:9"}}, at=timezone.now()
    )
    values = days.a_day()
    values[days.SPIKED] *= 40  # type: ignore[operator]  # this one has a value
    days.register("MC-1")
    days.receive("MC-1", values)
    Flow.objects.filter(name="enrollment_request").update(pattern="ASYNC")
    control.failed_run("E-1", at=timezone.now())
    page.goto(f"{live_server.url}/admin/login/?next=/admin/")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("#page-zone")).to_be_visible()
    return Walk(page)


def test_a_to_do_a_failed_message_and_a_patch_window(walk: Walk) -> None:
    page, home = walk.page, walk.page.url

    walk.click("#fact-todos_unassigned")
    walk.click("#result_list .field-summary a")
    walk.type(f"#value-{days.SPIKED}", "0.75")
    walk.type("#edit-reason", "The neighbours say 0.75")
    walk.click("button[name=perform]")
    expect(page.locator("#imd-state")).to_have_text("Complete")
    assert ToDo.objects.get().status == "COMPLETE"
    assert (walk.clicks, walk.seconds) == said("Clear a To Do")

    page.goto(home)
    walk = Walk(page)
    walk.click("#content a[href*='/integration/flowrun/'][href*='FAILED']")
    walk.click("#result_list tbody a")
    expect(page.locator("#content")).to_contain_text("DACS cannot be reached")
    walk.click(page.get_by_role("link", name="Resubmit"))
    walk.type("#id_reason", "The target is back")
    walk.click("#confirm-form button[type=submit]")
    expect(page).to_have_url(re.compile(r"/integration/flowrun/"))
    assert FlowRun.objects.get().state != "FAILED"
    assert (walk.clicks, walk.seconds) == said("Find why a message failed, and resubmit it")

    page.goto(home)
    walk = Walk(page)
    walk.click(page.locator("#nav-sidebar h2", has_text="Control"))
    walk.click("#nav-sidebar a[href$='/integration/pause/']")
    walk.click("a[href*='/integration/pause/add/']")
    walk.choose("select[name=scope]", "CONNECTION")
    walk.type("[name=target]", "DACS")
    walk.type("[name=reason]", "New firmware")
    walk.click("[name=_save]")
    expect(page.locator("#result_list")).to_contain_text("New firmware")
    walk.click("#result_list tbody th a, #result_list tbody a")
    walk.click(page.get_by_role("link", name="End the pause"))
    walk.type("#id_reason", "All well")
    walk.click("#confirm-form button[type=submit]")
    expect(page.get_by_text("The pause has ended")).to_be_visible()
    assert Pause.objects.get().resumed_at is not None
    assert (walk.clicks, walk.seconds) == said("Pause a connection for a patch window, and go on")


def test_a_missing_lookup_value_from_home_and_from_the_set_up_help(walk: Walk) -> None:
    asset_types = table(name="OUTL-BRT-DACS_DRMS_AssetType")
    unmapped_codes.forget()
    for value in ("HEAT_PUMP_V2", "POOL_PUMP_V2"):
        unmapped_codes.watched(asset_types, clock=timezone.now).translate(
            source="DRMS_ASSET_TYPE", value=value, target="DACS_ASSET_TYPE", strict=False
        )
    setup_review.review(at=timezone.now())
    page, home = walk.page, walk.page.url
    page.reload()

    walk.click("#fact-unmapped_codes")
    walk.click(page.locator("#result_list tbody tr", has_text="HEAT_PUMP_V2").get_by_role("link", name="Add to lookup"))
    walk.type("#id_column_0", "Heat pump")
    walk.click(page.get_by_role("button", name="Add to lookup"))
    expect(page.get_by_text("HEAT_PUMP_V2 is in the lookup")).to_be_visible()
    assert (walk.clicks, walk.seconds) == said("Add a missing lookup value")

    page.goto(home)
    walk = Walk(page)
    walk.click("#home-setup")
    walk.click(page.locator("#setup-codes .setup-step", has_text="POOL_PUMP_V2").get_by_role("link"))
    walk.type("#id_column_0", "Pool pump")
    walk.click(page.get_by_role("button", name="Add to lookup"))
    expect(page.get_by_text("POOL_PUMP_V2 is in the lookup")).to_be_visible()
    assert (walk.clicks, walk.seconds) == said("Add a missing lookup value")

    held = table(name=asset_types.name)
    for value, meant in (("HEAT_PUMP_V2", "Heat pump"), ("POOL_PUMP_V2", "Pool pump")):
        found = held.translate(source="DRMS_ASSET_TYPE", value=value, target="DACS_ASSET_TYPE", strict=False)
        assert found.result == meant


def test_devices_without_an_acknowledgement(walk: Walk) -> None:
    now = timezone.now()
    for number, state in enumerate(("OPEN", "OVERDUE", "ANSWERED"), 1):
        reconciliation.check(number, state, at=now - 2 * reconciliation.DAY)
    page = walk.page

    walk.click(page.locator("#nav-sidebar h2", has_text="Exchange"))
    walk.click(page.locator("#nav-sidebar").get_by_role("link", name="Reconciliation"))
    walk.click("section[aria-labelledby=question-status-checks] [data-view=all]")
    expect(page.locator("#reconciliation-rows tbody tr")).to_have_count(2)
    expect(page.locator("#reconciliation-rows tbody")).to_contain_text("NIC-1")
    expect(page.locator("#reconciliation-rows tbody")).to_contain_text("NIC-2")
    assert (walk.clicks, walk.seconds) == said("Find devices without an acknowledgement")
