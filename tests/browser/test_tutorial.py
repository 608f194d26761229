"""
The tutorial's way to a cleared To Do, and its pictures.

With TIELINE_TUTORIAL_IMAGES set the pictures in `docs/images/tutorial` are taken anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integration.beat import LEASE_NAME
from integration.operations import leases
from tests.browser.people import PASSWORD
from tests.factories import days


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images" / "tutorial"
LARGEST = 150_000


@pytest.fixture
def product(product: Any) -> Any:
    values = days.a_day()
    values[days.SPIKED] *= 40  # type: ignore[operator]  # this one has a value
    values[20] = values[21] = None
    days.register("0H2K4-SPIKE-0001")
    days.receive("0H2K4-SPIKE-0001", values)
    # As where the product runs: its scheduler has been heard.
    leases.acquire(name=LEASE_NAME, owner="beat", at=timezone.now(), seconds=600)
    return product


@pytest.fixture
def picture(page: Any, tmp_path: Path) -> Callable[[str], None]:
    """Take what the window shows; what it does not show is not what a reader looks for."""
    folder = PICTURES if os.environ.get("TIELINE_TUTORIAL_IMAGES") else tmp_path
    folder.mkdir(parents=True, exist_ok=True)

    def take(name: str) -> None:
        page.wait_for_load_state()
        place = folder / f"{name}.png"
        page.screenshot(path=str(place), animations="disabled")
        assert place.stat().st_size < LARGEST, name

    return take


def test_from_the_first_page_to_a_cleared_to_do(page: Any, product: Any, picture: Callable[[str], None]) -> None:
    page.set_viewport_size({"width": 1300, "height": 800})
    page.goto(f"{product.url}/admin/login/?next=/admin/")
    picture("1-login")
    page.fill("input[name=username]", "admin")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("#page-zone")).to_be_visible()
    picture("2-home")

    page.goto(f"{product.url}/admin/vee/todo/?q=SPIKE")
    expect(page.locator("#result_list .field-summary a")).to_have_count(1)
    picture("3-to-dos")
    page.click("#result_list .field-summary a")
    expect(page.locator("#readings-chart canvas")).to_be_visible()
    page.locator("#readings-chart").scroll_into_view_if_needed()
    picture("4-reading")

    page.fill(f"#value-{days.SPIKED}", "0.75")
    page.click("#preview-button")
    expect(page.locator("#preview-state")).to_have_text("Complete")
    page.locator("#preview-state").scroll_into_view_if_needed()
    picture("5-preview")
    page.fill("#edit-reason", "Its neighbours say 0.75")
    page.click("button[name=perform]")
    expect(page.locator("#imd-state")).to_have_text("Complete")
    page.evaluate("window.scrollTo(0, 0)")
    picture("6-complete")


def test_the_tutorial_shows_every_picture() -> None:
    text = (PICTURES.parents[1] / "tutorial.md").read_text(encoding="utf-8")
    shown = {path.name for path in PICTURES.glob("*.png")}

    assert len(shown) == 6
    assert {name for name in shown if f"(images/tutorial/{name})" not in text} == set()
    assert all((PICTURES / name).stat().st_size < LARGEST for name in shown)
