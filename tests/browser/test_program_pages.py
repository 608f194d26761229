"""The pages of the DACS side as its operator sees them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from assets import models
from integration.operations import configuration, setup
from tests.browser.people import PASSWORD, log_in, somebody
from tests.database.assets.enrolling import again, answer_all, enroll, enrolled, receive
from tests.factories.assets import NOW, asset, enrollment_request


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DOCUMENT = Path(__file__).resolve().parents[2] / "docs/how-to/run-without-dacs.yaml"


@pytest.fixture
def product(live_server: Any) -> Any:
    setup.setup(at=NOW, username="admin", password=PASSWORD)
    configuration.apply_file(path=DOCUMENT, by=None, at=NOW)
    somebody("olga", "Program operator")
    return live_server


def a_customer_with_a_past() -> models.ProgramSubscription:
    """Enrolled with one device, which another one replaced; a further one could not be reached."""
    subscription = enrolled(enrollment_request(1))
    old = models.ControllableDevice.objects.get()
    later = NOW + dt.timedelta(days=3)
    enrolled(
        enrollment_request(1, transactionId="DRMS-ENR-2", assets=[asset(2, assetId=old.device.identifier)]), at=later
    )
    enroll(enrollment_request(1, transactionId="DRMS-ENR-3", assets=[asset(3)]), at=later + dt.timedelta(days=1))
    answer_all("FAILURE", at=later + dt.timedelta(days=1, minutes=2))
    receive(enrollment_request(4, programInfo={"programCode": "WINTER"}), at=later)
    return again(subscription)


class TestAsTheOperator:
    def test_work_from_the_to_do_to_the_active_device(self, product: Any, page: Any, look_at: Any) -> None:
        subscription = a_customer_with_a_past()
        log_in(page, product, "olga")

        page.goto(f"{product.url}/admin/")
        look_at("programs-home")
        page.locator("#nav-sidebar").get_by_role("link", name="Program To Dos").click()
        look_at("program-todos")
        page.get_by_role("link", name="could not be reached").click()
        look_at("program-todo")
        page.get_by_role("link", name="open", exact=True).click()
        look_at("enrollment")
        page.get_by_role("link", name="Retry").click()
        look_at("enrollment-retry")
        page.get_by_label("Reason").fill("The customer rebooted it")
        page.locator("#data-form button[type=submit]").click()
        expect(page.locator("body")).to_contain_text("under way again")
        answer_all(at=NOW + dt.timedelta(days=5))

        page.goto(f"{product.url}/admin/assets/programsubscription/")
        look_at("subscriptions")
        page.get_by_role("link", name=subscription.usage_subscription.identifier).click()
        look_at("subscription")
        rows = page.locator("#timeline tbody tr")
        assert rows.count() > 10
        expect(page.locator("#timeline")).to_contain_text("The customer rebooted it")
        page.locator("#devices").get_by_role("link", name="ECOBEE/411912340003").click()
        look_at("device")
        page.get_by_role("link", name="Replace").click()
        look_at("device-replace")
        page.get_by_label("NIC id of the new device").fill("NIC-9")
        page.locator("#data-form button[type=submit]").click()
        page.get_by_text("is being set up").first.wait_for()
        look_at("replacement")

    def test_masters_and_unenrollment(self, product: Any, page: Any, look_at: Any) -> None:
        subscription = a_customer_with_a_past()
        log_in(page, product, "olga")

        for name in ("contact", "devicelocation", "controllabledevice", "enrollment", "communication", "program"):
            page.goto(f"{product.url}/admin/assets/{name}/")
            look_at(f"list-{name}")
        for name, row in (
            ("program", models.Program.objects.get()),
            ("headendsystem", models.HeadEndSystem.objects.first()),
            ("contact", models.Contact.objects.first()),
            ("devicelocation", models.DeviceLocation.objects.first()),
        ):
            assert row is not None
            page.goto(f"{product.url}/admin/assets/{name}/{row.pk}/change/")
            look_at(f"page-{name}")
        page.goto(f"{product.url}/admin/assets/programsubscription/{subscription.pk}/change/")
        page.get_by_role("link", name="Unenroll").click()
        look_at("unenroll")
        page.get_by_label("Reason").fill("moved out")
        page.locator("#data-form button[type=submit]").click()
        look_at("unenrolled")
        assert again(subscription).status == "INACTIVE"
