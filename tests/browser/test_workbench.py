"""The workbench of one reading in a browser: chart, drawing, undo, preview, keys alone, and what axe says of it."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.browser.people import log_in, press
from tests.factories import days
from vee.models import InitialMeasurement, MeasuringComponent, ToDo
from vee.operations import manual


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def a_flagged_day() -> ToDo:
    """Four weeks of like days, then a day with a spike, a gap that is estimated, and an hour that is not."""
    days.register("MC-1")
    for week in range(4, 0, -1):
        start = days.START - dt.timedelta(weeks=week)
        values = [value and value * (10 + week) / 10 for value in days.a_day()]
        days.receive(
            "MC-1",
            values,
            start=start.isoformat(),
            end=(start + dt.timedelta(days=1)).isoformat(),
            external_id=f"HES-{week}",
        )
    assert set(InitialMeasurement.objects.values_list("state", flat=True)) == {"COMPLETE"}
    day: list[Decimal | None] = days.a_day()
    day[days.SPIKED] = Decimal("9.99")
    day[20:22] = [None, None]
    imd_id = days.receive("MC-1", day)
    return ToDo.objects.get(imd=imd_id)


def value(page: Any, index: int) -> Any:
    return page.locator(f"#value-{index}")


def draw(page: Any, index: int, *, to: float) -> None:
    """Drag the bar of an interval to a share of the chart's height, from the bottom."""
    box = page.locator("#readings-chart .u-over").bounding_box()
    x = box["x"] + box["width"] * (index + 0.5) / 96
    page.mouse.move(x, box["y"] + box["height"] - 3)
    page.mouse.down()
    page.mouse.move(x, box["y"] + box["height"] * (1 - to / 2), steps=3)
    page.mouse.move(x, box["y"] + box["height"] * (1 - to), steps=3)
    page.mouse.up()


def test_a_value_is_drawn_undone_redone_previewed_and_saved(page: Any, product: Any, shot: Any) -> None:
    todo = a_flagged_day()
    log_in(page, product, where=f"/admin/vee/todo/{todo.pk}/change/")
    expect(page.locator("#readings-chart canvas")).to_be_visible()

    # The chart explains itself: legend with counts, totals, like days, a table.
    expect(page.locator("[data-count=estimated]")).to_have_text("2")
    expect(page.locator("#totals")).to_contain_text("Like days")
    page.click("#readings-table summary")
    expect(page.locator("#readings-table tbody tr")).to_have_count(96)
    page.click("#readings-table summary")

    # What VEE would do as it stands: the spike is found again, and nothing is kept.
    page.click("#preview-button")
    expect(page.locator("#preview-state")).to_have_text("Exception")
    expect(page.locator("#preview-findings")).to_contain_text("Interval Spike Check")

    # Draw the spike down; undo and redo it.
    page.click("#fit-height")
    page.click("#fit-height")
    page.click("#draw-values")
    draw(page, days.SPIKED, to=0.08)
    expect(page.locator("#changes")).to_have_text("Changed, not saved yet: 1")
    drawn = value(page, days.SPIKED).input_value()
    assert 0.5 < float(drawn) < 1.2
    expect(page.locator(".preview-stale")).to_be_visible()
    shot("workbench-drawn")
    page.click("#undo")
    expect(value(page, days.SPIKED)).to_have_value("9.99")
    page.keyboard.press("Control+y")
    expect(value(page, days.SPIKED)).to_have_value(drawn)

    # Typed changes stand in the same row of steps; all can be put back at once.
    value(page, 3).fill("0.2")
    value(page, 3).press("ArrowDown")
    expect(value(page, 4)).to_be_focused()
    expect(page.locator("#changes")).to_have_text("Changed, not saved yet: 2")
    page.keyboard.press("Control+z")
    expect(value(page, 3)).to_have_value("0.21")
    page.keyboard.press("Control+Shift+Z")
    page.click("#put-back")
    expect(page.locator("#changes")).to_have_text("No change yet.")
    page.click("#undo")
    expect(page.locator("#changes")).to_have_text("Changed, not saved yet: 2")

    # The preview passes; nothing has been written until it is saved with a reason.
    page.click("#preview-button")
    expect(page.locator("#preview-state")).to_have_text("Complete")
    expect(page.locator("#preview-values")).to_contain_text(drawn)
    shot("workbench-preview")
    assert not todo.imd.edits.exists()
    page.fill("#edit-reason", "The neighbours say so")
    page.click("button[name=perform]")
    expect(page.locator("#imd-state")).to_have_text("Complete")
    assert set(todo.imd.edits.values_list("interval", flat=True)) == {3, days.SPIKED}


def test_a_preview_that_cannot_be_made_says_why(page: Any, product: Any) -> None:
    todo = a_flagged_day()
    log_in(page, product, where=f"/admin/vee/todo/{todo.pk}/change/")
    complaints = page.context.new_page()  # a refusal is also an error on the console, which this page may have
    complaints.goto(f"{product.url}/admin/vee/todo/{todo.pk}/change/")

    complaints.fill("#value-3", "many")
    complaints.click("#preview-button")

    expect(complaints.locator("#preview")).to_have_text("Interval 4: “many” is not a number.")


def test_by_keys_alone_a_spike_is_found_corrected_and_completed(page: Any, product: Any) -> None:
    todo = a_flagged_day()
    log_in(page, product, where=f"/admin/vee/todo/{todo.pk}/change/")
    expect(page.locator("#readings-chart canvas")).to_be_visible()

    press(page, "+")
    page.keyboard.press("0")
    page.keyboard.press("e")
    expect(value(page, days.SPIKED)).to_be_focused()
    page.keyboard.type("0.75")
    for _ in range(96):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "edit-reason":
            break
    page.keyboard.type("The neighbours say 0.75")
    page.keyboard.press("Tab")
    expect(page.locator("#preview-button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#preview-title")).to_be_focused()
    expect(page.locator("#preview-state")).to_have_text("Complete")
    for _ in range(4):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('href')") == "#edit-reason":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#edit-reason")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("button[name=perform]")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#imd-state")).to_have_text("Complete")


def test_every_page_on_the_way_is_fit_to_look_at(page: Any, product: Any, shot: Any) -> None:
    todo = a_flagged_day()
    log_in(page, product, where="/admin/vee/todo/")
    pages = {
        "queue": "/admin/vee/todo/",
        "todo": f"/admin/vee/todo/{todo.pk}/change/",
        "discard": f"/admin/vee/initialmeasurement/{todo.imd_id}/act/discard/",
        "measurements": f"/admin/vee/measuringcomponent/{todo.imd.measuring_component_id}/measurements/",
    }
    for name, address in pages.items():
        page.goto(f"{product.url}{address}")
        if name == "todo":
            page.click("#preview-button")
            expect(page.locator("#preview-state")).to_be_visible()
        shot(f"workbench-{name}")
        if name == "queue":
            page.keyboard.press("?")
            shot("workbench-queue-help")


def drawn_pixels(page: Any) -> int:
    """Count the pixels of the chart in which the colour of a value stands."""
    return int(
        page.evaluate(
            """() => {
              const canvas = document.querySelector("#readings-chart canvas");
              const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
              let found = 0;
              for (let at = 0; at < all.length; at += 4) {
                const [red, green, blue, opaque] = all.slice(at, at + 4);
                found += opaque > 60 && Math.max(red, green, blue) - Math.min(red, green, blue) > 90 ? 1 : 0;
              }
              return found;
            }""",
        )
    )


def test_a_draft_of_one_interval_is_drawn(page: Any, product: Any, shot: Any) -> None:
    days.register("MC-1")
    days.receive("MC-1", days.a_day())
    draft = manual.start_draft(
        component_id=MeasuringComponent.objects.get(identifier="MC-1").pk,
        start=days.START + dt.timedelta(hours=8),
        end=days.START + dt.timedelta(hours=8, minutes=15),
        by=User.objects.get(username="admin"),
        reason="read on site",
        at=days.AT,
    )
    log_in(page, product, where=f"/admin/vee/initialmeasurement/{draft.pk}/change/")

    expect(page.locator("#readings-chart canvas")).to_be_visible()
    expect(page.locator("#chart-readout")).to_contain_text("Mon 05 Jan 08:15 · 0.48 KWH")
    shot("workbench-one-interval")
    assert drawn_pixels(page) > 200
