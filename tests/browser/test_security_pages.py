"""What a browser makes of the strict policy: the API's page works, a second factor is set up, a lockout is told."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django_otp.oath import totp

from tests.browser.people import PASSWORD, log_in


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(live_server: Any) -> Any:
    get_user_model().objects.create_superuser("admin", "", PASSWORD)
    return live_server


def test_the_page_of_the_api_lists_its_addresses(page: Any, product: Any, shot: Any) -> None:
    log_in(page, product, where="/api/docs/")

    # The schema of all addresses takes its time.
    page.wait_for_selector(".opblock", timeout=60_000)
    assert page.locator(".opblock").count() > 50
    shot("api-docs")


def test_a_second_factor_is_set_up_and_asked_for(page: Any, product: Any, settings: Any, look_at: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    log_in(page, product)
    picture = page.locator("img[alt^=Picture]")
    picture.wait_for()
    look_at("second-factor-set-up")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    key = base64.b32decode(page.inner_text("#key").replace(" ", ""))

    page.fill("input[name=code]", f"{totp(key):06}")
    page.click("#second-factor button[type=submit]")
    page.wait_for_selector("#paper-codes")
    page.wait_for_load_state()
    paper = page.locator("#paper-codes li").all_inner_texts()
    page.click("text=Go on")
    page.wait_for_url(f"{product.url}/admin/")

    page.context.clear_cookies()
    log_in(page, product)
    page.fill("input[name=code]", paper[0])
    page.click("#second-factor button[type=submit]")
    page.wait_for_url(f"{product.url}/admin/")
