"""The pages of device scores as a business user sees them."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from assets.models import ControlScore, ScoreCalculation
from assets.operations import scoring
from integration.operations import setup
from tests.browser.people import PASSWORD, log_in, somebody
from tests.database.assets.score_world import AT, make_vectors, make_world


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(live_server: Any) -> Any:
    setup.setup(at=AT, username="admin", password=PASSWORD)
    somebody("olga", "Program operator")
    return live_server


def test_an_operator_reads_why_a_score_is_what_it_is_and_tries_another_rule(
    page: Any, product: Any, look_at: Any
) -> None:
    make_vectors(make_world())
    scoring.run(at=AT)

    log_in(page, product, "olga")
    page.goto(f"{product.url}/admin/assets/controlscore/")
    look_at("scores")
    page.click("a:has-text('ECOBEE/411912340100')")

    expect(page.locator("#score")).to_have_text("33.43")
    expect(page.locator("#formulas tr[data-name=rel] td:last-child")).to_have_text("0.8571")
    expect(page.locator("#variables tr[data-name=DE] td.number")).to_have_text("9")
    expect(page.locator("#tables tr[data-name=SNn] .badge-info")).to_have_text("2: 90")
    look_at("score")

    page.click("a:has-text('What if')")
    page.fill("#id_tables", "BRn = 1, 1, 1.5, 2\nSNn = 100, 180")
    look_at("score-trial-form")
    page.click("button:has-text('Compare')")

    expect(page.locator("#score-trial-form")).to_contain_text("2 of 2 devices")
    expect(page.locator("#changed-devices")).to_contain_text("66.86")
    look_at("score-trial")

    page.fill("#id_effective_on", "2023-06-01")
    page.fill("#id_note", "Second events count more")
    page.click("button:has-text('Make it the next version')")

    expect(page.locator("body")).to_contain_text("Version 2 of DEFAULT counts from 2023-06-01 on.")
    look_at("score-calculation")
    assert ScoreCalculation.objects.get().versions.count() == 2
    assert str(ControlScore.objects.order_by("pk")[0].score) == "33.43"

    page.goto(f"{product.url}/admin/assets/batchrun/")
    look_at("batch-runs")
    page.click("a:has-text('Run now')")
    expect(page.locator("#run-batch-form")).to_contain_text("X1-SDCSE")
    look_at("run-batch")
