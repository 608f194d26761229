"""The commonest jobs, walked click by click; `docs/explanation/comparison.md` says how many each takes."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from playwright.sync_api import expect
from rest_framework.test import APIClient

from integration.flows import health_check
from integration.models import Flow, FlowRun, Pause
from integration.operations import setup, setup_review, unmapped_codes
from lookups.queries import table
from outbound.operations import configuration
from tests.browser.people import PASSWORD
from tests.browser.walking import Walk
from tests.database.integration import reservations
from tests.database.integration.participation import refusal, serving
from tests.factories import control, days, messages, reconciliation
from tests.factories import integration as factory
from vee.models import RuleTrial, ServicePoint, ToDo, UsageSubscription, UsageTransaction, VeeRule
from vee.operations import trials, usage


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
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


def reserve(dacs: str) -> None:
    """Take in and work on a file of reservations for this DACS."""
    health_check.forget()
    configuration.apply_connections(section={"DACS": {"transport": "rest", "base_url": dacs}}, at=timezone.now())
    derms = APIClient()
    derms.force_authenticate(factory.user("derms", rights=["integration.call_flow"]))
    answered = reservations.post(derms, reservations.request(recordCount=3), reservations.rows(3))
    assert answered.status_code == 202, answered.content
    reservations.process(FlowRun.objects.get(flow__name="event_device_reservation"))


def billed(component: str) -> UsageTransaction:
    """Send CIS the usage of a component's day."""
    admin = get_user_model().objects.get(username="admin")
    messages.make_system("CIS")
    days.register(component)
    days.receive(component, days.a_day())
    row = UsageTransaction.objects.create(
        identifier=f"UT-{component}",
        usage_subscription=UsageSubscription.objects.create(
            identifier=f"US-{component}",
            service_point=ServicePoint.objects.get(identifier=f"SP-{component}"),
            recipient="CIS",
        ),
        start=days.START,
        end=days.START + dt.timedelta(days=1),
    )
    for act in (usage.calculate, usage.send):
        act(transaction_id=row.pk, by=admin, reason="Month end", at=days.AT)
    sent = UsageTransaction.objects.get(pk=row.pk)
    assert sent.status == "SENT"
    return sent


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
    walk.choose("select[name=what]", "CONNECTION:DACS")
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


def test_a_reservation_file_is_followed_to_its_devices(walk: Walk) -> None:
    with serving() as dacs:
        dacs.decide = lambda request: refusal("No such device") if "411900000001" in str(request["body"]) else None
        reserve(dacs.base_url)
    page = walk.page

    walk.click(page.locator("#nav-sidebar").get_by_role("link", name="Flow runs"))
    walk.type("#searchbar", "DRMS-RSV-1")
    walk.enter()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    walk.click("#result_list tbody th a")
    expect(page.locator("#steps")).to_contain_text("No such device")
    expect(page.locator("#payloads")).to_contain_text("Response received · segment 1")
    expect(page.locator("#related").get_by_role("link", name="RESERVATION-ACK")).to_have_count(1)
    walk.click(page.locator("#related").get_by_role("link", name="EVT-2023-0417"))
    expect(page.locator("#content")).to_contain_text("Failed 3")
    assert (walk.clicks, walk.seconds) == said("Follow a reservation file")


def test_a_billed_reading_is_corrected(walk: Walk) -> None:
    sent = billed("MC-2")
    page = walk.page

    walk.click(page.locator("#nav-sidebar h2", has_text="Meter data"))
    walk.click(page.locator("#nav-sidebar").get_by_role("link", name="Measuring components"))
    walk.type("#searchbar", "MC-2")
    walk.enter()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    walk.click("#result_list tbody th a")
    walk.click(page.get_by_role("link", name="Add values"))
    walk.type("#id_start", "2026-01-05 18:00")
    walk.type("#id_end", "2026-01-05 18:15")
    walk.type("#id_reason", "Read on site")
    walk.click("#data-form button[type=submit]")
    expect(page.locator("#value-0")).to_be_visible()
    walk.type("#value-0", "0.75")
    walk.type("#edit-reason", "Read on site")
    walk.click("button[name=perform]")
    expect(page.locator("#imd-state")).to_have_text("Complete")
    assert UsageTransaction.objects.get(pk=sent.pk).status == "SUBSEQUENT_CORRECTION"
    assert (walk.clicks, walk.seconds) == said("Correct a reading that is billed")


def test_a_rule_is_tried_and_promoted(walk: Walk, shot: Any) -> None:
    values = days.a_day()
    values[days.SPIKED] = Decimal("2.4")
    days.register("MC-3")
    begun = timezone.now().replace(hour=5, minute=0, second=0, microsecond=0) - dt.timedelta(days=3)
    days.receive("MC-3", values, start=begun.isoformat(), end=(begun + dt.timedelta(days=1)).isoformat())
    assert ToDo.objects.filter(imd__measuring_component__identifier="MC-3", status="OPEN").exists()
    page = walk.page

    walk.click(page.locator("#nav-sidebar h2", has_text="Configuration"))
    walk.click(page.locator("#nav-sidebar").get_by_role("link", name="VEE groups"))
    walk.click(page.locator("#result_list").get_by_role("link", name="DEFAULT-INTERVAL", exact=True))
    walk.type("#id_rules-4-parameters--tolerance", "2.5")
    walk.click("button[name=carried]")
    expect(page.locator("#trial-form #id_rules-4-parameters--tolerance")).to_have_value("2.5")
    walk.click(page.get_by_role("button", name="Run the trial"))
    expect(page.get_by_text("this page refreshes itself")).to_be_visible()
    trials.run_trial(trial_id=RuleTrial.objects.get().pk, at=timezone.now())
    expect(page.locator("#trial-summary")).to_be_visible()
    expect(page.get_by_text("Are held today, and would not be: 1")).to_be_visible()
    shot("trial-result")
    walk.type("#reason", "Too many false alarms")
    walk.click("#promote-form button[type=submit]")
    expect(page.get_by_text("The rules of DEFAULT-INTERVAL are now those of the trial.")).to_be_visible()

    assert VeeRule.objects.get(group__code="DEFAULT-INTERVAL", sequence=50).parameters == {
        "tolerance": 2.5,
        "mode": "PER_24H",
    }
    assert (walk.clicks, walk.seconds) == said("Change a VEE rule safely")
