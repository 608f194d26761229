"""The pages of mappings as somebody who runs the integration sees them."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from integration import mapping_queries
from integration.flows import runner
from integration.flows.canonical import digest
from integration.models import Flow, FlowRun
from integration.operations import unmapped_elements
from tests.browser.people import log_in, somebody
from tests.factories import integration as factory


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(product: Any) -> Any:
    unmapped_elements.forget()
    somebody("inga", "Integration administrator")
    return product


@pytest.fixture
def stored_run(product: Any) -> FlowRun:
    """A message that came, with an element that nothing maps."""
    record = factory.record("DRMS-ENR-77")
    record["locationInfo"]["gateCode"] = "B-7"
    document = factory.collection(record)
    unmapped_elements.observe("enrollment_request", record, at=timezone.now())
    import json

    return runner.receive(
        flow=Flow.objects.get(name="enrollment_request"),
        body=json.dumps(document).encode(),
        media_type="application/json",
        digest=digest(document),
        identifiers=[("messageId", "DRMS-ENR-77")],
        requested_by_id=None,
        by="derms",
        reason="message received",
        at=timezone.now(),
    )


def test_an_administrator_takes_up_an_unmapped_element(
    page: Any, product: Any, stored_run: FlowRun, look_at: Any
) -> None:
    log_in(page, product, "inga")
    page.goto(f"{product.url}/admin/")
    address = page.locator("a", has_text="Mappings").first.get_attribute("href")
    page.goto(f"{product.url}{address}")
    page.wait_for_selector("#mappings")
    look_at("mappings")
    page.get_by_role("link", name="Enrollment Request: record to X1-ProgramEnrollment").click()
    page.wait_for_selector("#mapping")
    look_at("mapping")
    row = page.locator("#unmapped tr", has_text="locationInfo.gateCode")
    row.get_by_role("button", name="Use in overlay").click()
    page.wait_for_selector("#overlay-form")
    assert page.input_value("[name=field-0-extra]") == "locationInfo.gateCode"
    page.fill("[name=note]", "The gate that installers need")
    page.fill("[name=field-0-expression]", "locationInfo.gateCode[")
    page.select_option("[name=field-1-known]", "customerInfo.name")
    page.fill("[name=field-1-expression]", "`5`")
    look_at("overlay-draft")
    page.get_by_role("button", name="Save the draft").click()
    page.wait_for_selector("text=This is no JMESPath")
    look_at("overlay-refused")
    page.fill("[name=field-0-expression]", "locationInfo.gateCode")
    page.get_by_role("button", name="Save the draft").click()
    page.wait_for_selector("text=it gives a number, the target takes a text")
    page.fill("[name=field-1-expression]", "upper(customerInfo.name)")
    page.get_by_role("button", name="Save and preview").click()
    page.wait_for_selector("#preview-documents")
    look_at("overlay-preview")
    differing = page.locator("#preview-documents tr[data-differs]").all_inner_texts()
    assert any("gateCode" in line and "B-7" in line for line in differing)
    assert "RIVERA" not in page.content()
    page.get_by_role("link", name="Activate").click()
    page.wait_for_selector("#activate-form")
    look_at("overlay-activate")
    page.get_by_role("button", name="Activate").click()
    page.wait_for_selector("#overlay-versions")
    look_at("mapping-overlaid")
    active = mapping_queries.active("enrollment_request", at=timezone.now())
    assert active is not None
    assert (active.note, active.activated_by) == ("The gate that installers need", "inga")
    page.get_by_role("link", name="Version 1", exact=True).first.click()
    page.wait_for_selector("#overlay-fields")
    look_at("overlay-version")
    page.get_by_role("link", name="Retire").click()
    page.fill("[name=reason]", "The gate is in another field now")
    page.get_by_role("button", name="Retire").click()
    page.wait_for_selector("#overlay-versions")
    assert mapping_queries.active("enrollment_request", at=timezone.now()) is None
