"""The pages of sync requests as a program operator sees them."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from assets.models import SyncRequest
from integration.operations import setup
from tests.browser.people import PASSWORD, log_in, somebody
from tests.factories import syncs
from tests.factories.assets import NOW, make_device


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(live_server: Any) -> Any:
    setup.setup(at=NOW, username="admin", password=PASSWORD)
    syncs.prepare()
    somebody("otto", "Program operator")
    return live_server


def test_an_operator_reads_why_one_is_in_error_and_retries_it(product: Any, page: Any, look_at: Any) -> None:
    subscription = syncs.told()
    old = subscription.devices.get()
    old.removed_at = NOW + syncs.MINUTE
    old.save()
    subscription.devices.create(device=make_device(7, location=subscription.location), added_at=NOW + syncs.MINUTE)
    subscription.contact.cis_person_id = "PER-NEW"
    subscription.contact.save()
    syncs.run()
    syncs.acknowledge(syncs.deliver(syncs.latest(subscription)), exceptions=("CIS person PER-NEW is not known",))
    log_in(page, product, "otto")

    page.goto(product.url + reverse("admin:assets_syncrequest_changelist"))
    look_at("sync-requests")
    page.click(f"text={syncs.latest(subscription).sync_request_id}")
    expect(page.locator("#sync-status")).to_have_text("Error")
    expect(page.locator("#fault")).to_have_text("CIS person PER-NEW is not known")
    look_at("sync-request")
    assert page.locator("#snapshots tr:has-text('differs')").count() >= 3

    page.click("#action-retry")
    look_at("sync-request-retry")
    page.fill("#reason", "entered at the DERMS")
    page.click("#confirm-form button[type=submit]")

    expect(page.locator("#sync-status")).to_have_text("Pending")
    expect(page.locator("#time-line")).to_contain_text("entered at the DERMS")
    assert SyncRequest.objects.latest("pk").status == "PENDING"
