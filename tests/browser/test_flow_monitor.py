"""The flow monitor in a browser: a run followed from the list to its difference, live progress, keys, and axe."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import TimeoutError as NothingCame
from playwright.sync_api import expect

from integration.choices import PayloadDirection
from integration.flows import run_payloads
from integration.models import (
    Event,
    FileAttempt,
    FlowRun,
    Reservation,
    RunIdentifier,
    RunStep,
    Segment,
    StoredFile,
)
from tests.browser.people import log_in
from tests.factories import control as waiting
from tests.factories import integration as factory
from tests.factories import reconciliation as world


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LIST = "/admin/integration/flowrun/"


def a_failed_run_with_two_attempts() -> FlowRun:
    """An enrollment that failed, was resubmitted two hours later and failed again, and was replayed by a person."""
    at = timezone.now() - dt.timedelta(hours=3)
    run = world.run("enrollment_request", at=at, state="FAILED", attempts=2, fault_type="REMOTE")
    FlowRun.objects.filter(pk=run.pk).update(
        fault_reason="DACS did not answer in time",
        fault_code="target_timed_out",
        identifiers_shown="messageId DRMS-ENR-7",
        finished_at=at + dt.timedelta(seconds=7250),
    )
    RunIdentifier.objects.create(run=run, name="messageId", value="DRMS-ENR-7")
    for before, after, seconds, by, reason in (
        ("", "RECEIVED", 0, "derms", "message received"),
        ("RECEIVED", "IN_PROGRESS", 2, "system", ""),
        ("IN_PROGRESS", "FAILED", 40, "system", ""),
        ("FAILED", "RECEIVED", 7200, "anna", "DACS is back"),
        ("RECEIVED", "IN_PROGRESS", 7205, "system", ""),
        ("IN_PROGRESS", "FAILED", 7250, "system", ""),
    ):
        moved = at + dt.timedelta(seconds=seconds)
        run.transitions.create(from_state=before, to_state=after, at=moved, by=by, reason=reason)
    for sequence, attempt, begun, took, name, outcome in (
        (1, 1, 2, 1, "Check the message", "SUCCEEDED"),
        (2, 1, 3, 4, "Translate codes", "SUCCEEDED"),
        (3, 1, 15, 25, "Send to DACS", "FAILED"),
        (4, 2, 7205, 1, "Check the message", "SUCCEEDED"),
        (5, 2, 7206, 44, "Send to DACS", "FAILED"),
    ):
        failed = outcome == "FAILED"
        detail = [{"position": 0, "messageId": "DRMS-ENR-7", "code": "FAILURE", "text": "no answer", "seconds": took}]
        RunStep.objects.create(
            run=run,
            name=name,
            sequence=sequence,
            attempt=attempt,
            started_at=at + dt.timedelta(seconds=begun),
            duration_seconds=took,
            outcome=outcome,
            fault_type="REMOTE" if failed else "",
            message="DACS did not answer in time" if failed else "",
            detail=detail if failed else [],
        )
    record = factory.record("DRMS-ENR-7")
    sent = {
        "transactionId": "DRMS-ENR-7",
        "contact": {"name": record["customerInfo"]["name"] if "customerInfo" in record else "Rivera, Dana"},
        "status": "NEW",
    }
    for direction, body, label in (
        (PayloadDirection.REQUEST_IN, {"params": [record]}, ""),
        (PayloadDirection.REQUEST_OUT, sent, "DRMS-ENR-7"),
        (PayloadDirection.RESPONSE_OUT, {"ackType": "FAILURE"}, ""),
    ):
        run_payloads.keep(run, direction, json.dumps(body, default=str).encode(), label=label, at=timezone.now())
    world.run("enrollment_request", at=at + dt.timedelta(hours=2.5), state="SUCCEEDED", kind="REPLAY", parent=run)
    return run


def a_refused_segment() -> Segment:
    """A segment of reservations that DACS refused as a whole, naming the second of its devices."""
    now = timezone.now()
    run = world.run("event_device_reservation", at=now, state="FAILED")
    segment = Segment.objects.create(
        run=run,
        number=1,
        offset=0,
        first_line=2,
        rows=2,
        state="FAILED",
        attempts=1,
        refused=2,
        fault_type="BUSINESS",
        fault_code="refused",
        fault_reason="2 rows were refused",
        errors=[{"line": 3, "id": "NIC-2", "value": "2026-07-01", "code": "P3", "named": True}],
        started_at=now,
        finished_at=now,
    )
    event = Event.objects.create(
        drms_instance_id="NMS1", external_id="EV-1", starts_at=now, ends_at=now, first_seen_at=now, changed_at=now
    )
    for line in (2, 3):
        Reservation.objects.create(
            event=event,
            head_end_system="HES-1",
            nic_id=f"NIC-{line - 1}",
            run=run,
            segment=segment,
            line=line,
            state="REFUSED",
            message="The device is not enrolled",
            changed_at=now,
        )
    return segment


def a_file_at_work() -> FlowRun:
    now = timezone.now()
    run = world.run("event_outcome", at=now, state="IN_PROGRESS", progress_done=2_000, progress_total=8_000)
    StoredFile.objects.create(
        run=run,
        flow=run.flow,
        drms_instance_id="NMS1",
        message_id="OUT-1",
        name="EVT_OUTCOME.csv",
        size=1,
        rows=8_000,
        received_at=now,
    )
    planned = now - dt.timedelta(seconds=20)
    FileAttempt.objects.create(run=run, number=1, parallel=2, started_at=planned, planned_at=planned)
    for number, state in enumerate(["DONE", "IN_PROGRESS", "PENDING", "PENDING"]):
        Segment.objects.create(run=run, number=number, offset=0, first_line=2, rows=2_000, state=state)
    return run


def test_a_run_is_found_by_its_identifier_and_followed_to_what_the_mapping_did(
    page: Any, product: Any, shot: Any
) -> None:
    run = a_failed_run_with_two_attempts()
    log_in(page, product, where=LIST)
    expect(page.locator("[data-state=FAILED] strong")).to_have_text("1")
    shot("monitor-list")
    page.click("text=Last 24 hours")
    page.click("[data-state=FAILED]")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.fill("#searchbar", "drms-enr")
    page.keyboard.press("Enter")
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    page.click("#result_list tbody th a")

    expect(page.locator("#steps .monitor-step")).to_have_count(5)
    expect(page.locator("#steps")).to_contain_text("until the next attempt")
    expect(page.locator("#steps .monitor-step.failed")).to_have_count(2)
    bars = [each.bounding_box()["width"] for each in page.locator("#steps rect.bar").all()[:3]]
    # To scale: a step of four seconds beside one of twenty-five.
    assert bars[2] / bars[1] == pytest.approx(25 / 4, rel=0.1)
    expect(page.locator("#run-tree [aria-current=true]")).to_contain_text("this run")
    expect(page.locator("#run-tree > li > ul > li")).to_have_count(1)
    shot("monitor-run")
    page.click("text=Before and after mapping")

    expect(page.locator("#differences .difference-moved")).to_contain_text(["DRMS-ENR-7"])
    expect(page.locator("#payload-comparison")).not_to_contain_text("Rivera")
    shot("monitor-difference")
    with page.expect_download() as loading:
        page.locator("text=Download").first.click()
    assert str(run.pk) in loading.value.suggested_filename


def test_a_refused_segment_and_its_devices_can_be_read(page: Any, product: Any, shot: Any) -> None:
    segment = a_refused_segment()
    log_in(page, product, where=f"/admin/integration/segment/{segment.pk}/change/")

    expect(page.get_by_role("link", name=re.compile(r"^Segment 1 of ")).first).to_be_visible()
    expect(page.get_by_role("link", name="HES-1/NIC-2")).to_be_visible()
    expect(page.get_by_text("DACS refused the segment as a whole and named:")).to_be_visible()
    shot("monitor-segment")


def test_progress_is_told_as_it_goes_and_stops_at_the_end(page: Any, product: Any, shot: Any) -> None:
    run = a_file_at_work()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/progress/") else None)
    log_in(page, product, where=f"{LIST}{run.pk}/change/")
    expect(page.locator("[data-progress=percent]")).to_have_text("25 %")
    expect(page.locator("[data-progress=rate]")).to_contain_text("rows/s")
    kept = page.locator("#run-progress").element_handle()

    FlowRun.objects.filter(pk=run.pk).update(progress_done=6_000)
    Segment.objects.filter(run=run, number__in=[1, 2]).update(state="DONE")
    expect(page.locator("[data-progress=percent]")).to_have_text("75 %")
    expect(page.locator("[data-progress=rows]")).to_have_text("6,000 of 8,000 rows")
    expect(page.locator("[data-progress=segments]")).to_contain_text("Done: 3")
    shot("monitor-progress")

    FlowRun.objects.filter(pk=run.pk).update(progress_done=8_000, state="SUCCEEDED")
    expect(page.locator("[data-progress-end]")).to_be_visible()
    expect(page.locator("[data-progress=state]")).to_have_text("Succeeded")
    # The page was not drawn anew, and nothing asks any more.
    assert kept.evaluate("element => element.isConnected")
    so_far = len(asked)
    with pytest.raises(NothingCame), page.expect_request(re.compile("/progress/$"), timeout=4_000):
        pass
    assert len(asked) == so_far


def test_progress_rests_while_the_tab_is_hidden(page: Any, product: Any) -> None:
    run = a_file_at_work()
    log_in(page, product, where=f"{LIST}{run.pk}/change/")
    expect(page.locator("[data-progress=percent]")).to_have_text("25 %")
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s})"
    page.evaluate(f"{hide % 'true'}; document.dispatchEvent(new Event('visibilitychange'))")
    FlowRun.objects.filter(pk=run.pk).update(progress_done=4_000)
    with pytest.raises(NothingCame), page.expect_request(re.compile("/progress/$"), timeout=4_000):
        pass
    expect(page.locator("[data-progress=percent]")).to_have_text("25 %")

    page.evaluate(f"{hide % 'false'}; document.dispatchEvent(new Event('visibilitychange'))")

    expect(page.locator("[data-progress=percent]")).to_have_text("50 %")


def test_many_are_resubmitted_by_keys_alone_with_a_line_for_each(page: Any, product: Any, shot: Any) -> None:
    from integration.models import Flow

    Flow.objects.filter(name="enrollment_request").update(pattern="ASYNC")
    runs = [waiting.failed_run(f"E-{number}") for number in range(2)]
    FlowRun.objects.filter(pk=runs[1].pk).update(state="SUCCEEDED")
    log_in(page, product, where=LIST)
    expect(page.locator("#result_list tbody input.action-select")).to_have_count(2)
    for box in page.locator("#result_list tbody input.action-select").all():
        box.focus()
        page.keyboard.press("Space")
    page.select_option("select[name=action]", "resubmit_selected")
    page.locator("button[name=index]").focus()
    page.keyboard.press("Enter")
    page.locator("#bulk-form textarea[name=reason]").focus()
    page.keyboard.type("DACS is back")
    page.locator("#bulk-form button[type=submit]").focus()
    page.keyboard.press("Enter")

    expect(page.locator("#bulk-title")).to_have_text("1 of 2 runs done")
    expect(page.locator("#bulk-results")).to_contain_text("cannot be resubmitted")
    shot("monitor-bulk")


def test_every_page_on_the_way_is_fit_to_look_at(page: Any, product: Any, shot: Any) -> None:
    run, file = a_failed_run_with_two_attempts(), a_file_at_work()
    log_in(page, product, where=LIST)
    pages = {
        "list": LIST,
        "run": f"{LIST}{run.pk}/change/",
        "file": f"{LIST}{file.pk}/change/",
        "payloads": f"{LIST}{run.pk}/payloads/",
    }
    for name, address in pages.items():
        page.goto(f"{product.url}{address}")
        shot(f"monitor-page-{name}")
