"""The set-up help in a browser: from home to the step, a code is added to its lookup, and what axe says."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from integration.operations import setup_review, unmapped_codes
from lookups.queries import lookup_value, table
from tests.browser import axe
from tests.browser.people import log_in
from tests.factories import vee


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WIDTHS = (1440, 1024)
LOOKUP, SOURCE, TARGET = "OUTL-BRT-DACS_DRMS_AssetType", "DRMS_ASSET_TYPE", "DACS_ASSET_TYPE"


@pytest.fixture
def product(product: Any) -> Any:
    unmapped_codes.forget()
    vee.ServicePointFactory()
    held = unmapped_codes.watched(table(name=LOOKUP), clock=timezone.now)
    held.translate(source=SOURCE, value="HEAT_PUMP_V2", target=TARGET, strict=False)
    setup_review.review(at=timezone.now())
    return product


def test_a_code_seen_in_traffic_is_added_to_its_lookup(page: Any, product: Any, look_at: Any) -> None:
    log_in(page, product, where="/admin/")
    page.click("#home-setup")
    step = page.locator("#setup-codes .setup-step", has_text="HEAT_PUMP_V2")
    expect(step.locator(".workbench-badge")).to_have_text("To do")
    look_at("setup-help")

    # By keys. The page asks that its first field has the focus; when a browser without a window gives it is its own
    # matter: a busy one has been seen to leave it out, so that the test gives it as a person would.
    step.locator("a").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#code-value")).to_have_text("HEAT_PUMP_V2")
    first = page.locator("#id_column_0")
    expect(first).to_have_attribute("autofocus", "")
    first.focus()
    assert axe.grave_violations(page) == []
    look_at("setup-add-code")
    page.keyboard.type("Heat pump")
    page.keyboard.press("Enter")

    expect(page.locator("body")).to_contain_text("the next message finds it")
    expect(page.locator("#setup-codes .workbench-badge").first).to_have_text("Done")
    assert lookup_value(table=LOOKUP, source=SOURCE, value="HEAT_PUMP_V2", target=TARGET).result == "Heat pump"


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_it_is_accessible(page: Any, product: Any, shot: Any, mode: str) -> None:
    page.goto(f"{product.url}/admin/login/")
    page.evaluate(f"localStorage.setItem('adminTheme', JSON.stringify('{mode}'))")
    log_in(page, product, where="/admin/set-up/")

    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.locator("#setup-protection")).to_be_visible()
        assert axe.grave_violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        shot(f"setup-help-{mode}-{width}")
