"""The work queue in a browser: keys, bulk actions, and the next one that opens by itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.looking import looked_at
from tests.browser.people import log_in, press, somebody
from tests.factories import days
from vee.models import ToDo


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(product: Any) -> Any:
    somebody("vera", "VEE analyst")
    return product


def with_spikes(*names: str) -> None:
    for name in names:
        values: list[Decimal | None] = days.a_day()
        values[days.SPIKED] = Decimal("9.99")
        days.register(name)
        days.receive(name, values)


def tab_to(page: Any, place: str) -> None:
    """Walk by the Tab key; a field that has the focus already is reached."""
    expect(page.locator(place)).to_be_visible()
    for _ in range(80):
        if page.evaluate("place => document.activeElement.matches(place)", place):
            return
        press(page, "Tab")
    pytest.fail(f"{place} cannot be reached by the Tab key")


def test_an_analyst_works_through_the_queue_by_keys_alone(page: Any, product: Any, shot: Any) -> None:
    with_spikes("MC-1", "MC-2", "MC-3")
    log_in(page, product, "vera", where="/admin/vee/todo/")

    # The keys are explained by a key.
    press(page, "?")
    expect(page.locator("#shortcuts")).to_be_visible()
    looked_at(page, shot, "queue-keys")
    press(page, "Escape")
    expect(page.locator("#shortcuts")).to_be_hidden()

    # Walk to the first row, open it, take it: the page comes back as mine.
    press(page, "u")
    expect(page.locator(".workbench-views [aria-current]")).to_have_text("Unassigned")
    press(page, "j")
    expect(page.locator("tr.workbench-row")).to_contain_text("MC-1")
    shot("queue-list")
    # Enter goes to what has the focus: after a picture of the whole page it takes a moment to be there again.
    expect(page.locator("tr.workbench-row .field-summary a")).to_be_focused()
    press(page, "Enter")
    expect(page.locator("#imd-state")).to_have_text("Exception")
    press(page, "c")
    expect(page.locator("[data-key=r]")).to_be_visible()

    # Discard it with a reason: the next one of the same list opens by itself, and leads on.
    press(page, "d")
    expect(page.locator("#reason")).to_be_visible()
    tab_to(page, "#reason")
    page.keyboard.type("Bench meter")
    press(page, "Tab")
    press(page, "Enter")
    expect(page.locator("dl.workbench-facts")).to_contain_text("MC-2")
    expect(page.locator("body")).to_contain_text("Discard: the state is now Discarded.")
    press(page, "n")
    expect(page.locator("dl.workbench-facts")).to_contain_text("MC-3")
    press(page, "l")
    expect(page.locator(".workbench-views [aria-current]")).to_have_text("Unassigned")
    expect(page.locator("#result_list tbody tr")).to_have_count(2)
    assert ToDo.objects.filter(status="COMPLETE").count() == 1


def test_keys_that_were_turned_off_do_nothing(page: Any, product: Any) -> None:
    with_spikes("MC-1")
    log_in(page, product, "vera", where="/admin/vee/todo/")

    press(page, "?")
    page.uncheck("#shortcuts-on")
    press(page, "Escape")
    press(page, "j")
    expect(page.locator("tr.workbench-row")).to_have_count(0)

    press(page, "?")
    page.check("#shortcuts-on")
    press(page, "Escape")
    press(page, "j")
    expect(page.locator("tr.workbench-row")).to_have_count(1)


def test_a_supervisor_assigns_many_and_reads_a_result_for_each(page: Any, product: Any, shot: Any) -> None:
    with_spikes("MC-1", "MC-2")
    log_in(page, product, where="/admin/vee/todo/")

    for box in page.locator("input[name=_selected_action]").all():
        box.check()
    page.select_option("select[name=action]", "assign")
    page.click("#changelist-actions button[name=index]")
    expect(page.locator("#to")).to_be_visible()
    page.select_option("#to", label="vera")
    looked_at(page, shot, "queue-assign")
    page.click("#confirm-form button[type=submit]")

    expect(page.locator("#results")).to_contain_text("Assign: 2 done, 0 refused")
    expect(page.locator("#results")).to_contain_text("with vera")
    looked_at(page, shot, "queue-results")
    assert ToDo.objects.filter(assigned_to__username="vera").count() == 2
