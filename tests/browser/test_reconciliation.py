"""Reconciliation in a browser: from a number to its rows to a file, by mouse and by keys, and what axe says of it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from integration.models import Flow
from integration.operations import setup
from tests.browser import axe
from tests.browser.people import PASSWORD, log_in
from tests.factories import reconciliation as world


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ROOT = "/admin/integration/reservation/reconciliation/"


@pytest.fixture
def product(live_server: Any) -> Any:
    setup.setup(at=world.AT, username="admin", password=PASSWORD)
    assert Flow.objects.exists()
    world.a_day_of_everything()
    return live_server


def test_a_number_leads_to_its_rows_and_they_to_a_file(page: Any, product: Any, look_at: Any, tmp_path: Path) -> None:
    log_in(page, product, where=ROOT)
    expect(page.locator("#reconciliation section")).to_have_count(6)
    look_at("reconciliation-overview")
    page.click("nav >> text=Reconciliation")
    page.click(f"a.workbench-link[href='{ROOT}reservations/']")
    page.fill("input[name=since]", "2020-01-01")
    page.click("#selection button[type=submit]")

    row = page.locator("#reconciliation-rows tbody tr").first
    expect(row).to_contain_text("EVT-1")
    expect(row.locator("td").nth(4)).to_have_text("6")
    look_at("reconciliation-events")
    row.locator("td").nth(5).locator("a").click()

    expect(page.locator("[data-view=reserved]")).to_have_attribute("aria-current", "page")
    expect(page.locator("#reconciliation-rows tbody tr")).to_have_count(3)
    with page.expect_download() as loading:
        page.click("#reconciliation-rows >> text=CSV")
    place = tmp_path / "rows.csv"
    loading.value.save_as(place)
    lines = csv.reader(place.read_text(encoding="utf-8").splitlines())
    assert [line[0] for line in lines] == ["Device (nicId)", "NIC-1", "NIC-2", "NIC-3"]
    with page.expect_download() as loading:
        page.click("#reconciliation-rows >> text=XLSX")
    assert loading.value.suggested_filename.endswith(".xlsx")


def test_by_keys_alone_a_gap_is_opened(page: Any, product: Any) -> None:
    log_in(page, product, where=f"{ROOT}outcomes/?since=2020-01-01")
    page.locator("input[name=event]").focus()
    page.keyboard.type("EVT-1")
    page.keyboard.press("Enter")
    expect(page.locator("[data-view=without-outcome]")).to_be_visible()
    page.locator("[data-view=without-outcome]").focus()
    page.keyboard.press("Tab")
    expect(page.locator("[data-view=without-reservation]")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("#reconciliation-rows tbody tr")).to_have_count(2)
    expect(page.locator("#reconciliation-rows")).to_contain_text("NIC-9")


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_axe_finds_nothing_grave(page: Any, product: Any, shot: Any, mode: str) -> None:
    page.goto(f"{product.url}/admin/login/")
    page.evaluate(f"localStorage.setItem('adminTheme', JSON.stringify('{mode}'))")
    log_in(page, product, where=ROOT)
    found: list[str] = []
    for name in ("", "enrollments/", "reservations/", "outcomes/", "syncs/"):
        for width in (1440, 1024):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(f"{product.url}{ROOT}{name}?since=2020-01-01")
            expect(page.locator("html")).to_have_class(mode)
            shot(f"{mode}-{width}-reconciliation-{name.strip('/') or 'overview'}")
            found += [f"{name} {width}: {each}" for each in axe.grave_violations(page)]

    assert not found, "\n".join(found)
