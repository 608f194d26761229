"""Two people look at the same To Do: one in German and Berlin's time, one in English and New York's."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect

from tests.browser.people import PASSWORD, log_in
from tests.factories import days
from vee.models import ToDo


pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def product(product: Any) -> Any:
    User.objects.create_superuser("greta", "", PASSWORD)
    return product


def choose(page: Any, language: str, zone: str) -> None:
    page.select_option("select[name=language]", language)
    page.select_option("select[name=time_zone]", zone)
    page.click("#data-form button[type=submit]")


def text_of(at: dt.datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}"


def test_german_and_berlin_beside_english_and_new_york(page: Any, product: Any, shot: Any, look_at: Any) -> None:
    values = days.a_day()
    values[days.SPIKED] *= 40  # type: ignore[operator]  # this one has a value
    days.register("MC-1")
    todo = ToDo.objects.get(imd=days.receive("MC-1", values))
    step = todo.imd.transitions.last()
    assert step is not None

    log_in(page, product, "greta", where="/admin/preferences/")
    choose(page, "de", "Europe/Berlin")
    expect(page.get_by_text("Ihre Einstellungen sind gespeichert.")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    look_at("preferences-german")
    page.goto(f"{product.url}/admin/vee/todo/")
    expect(page.locator("#page-zone")).to_have_text("Zeiten in Europe/Berlin")
    expect(page.get_by_role("heading", name=re.compile("Aufgabe")).first).to_be_visible()
    shot("todos-german")
    page.goto(f"{product.url}/admin/vee/todo/{todo.pk}/change/")
    expect(page.locator("#readings-chart canvas")).to_be_visible()
    expect(page.locator("#preview-button")).to_have_text(re.compile("Vorschau"))
    # A decimal point in every language: a value that is copied is one that the form takes.
    expect(page.locator("#value-3")).to_have_value(re.compile(r"^\d+\.\d+$"))
    expect(page.locator("body")).to_contain_text(text_of(step.at, "Europe/Berlin"))
    shot("todo-german")

    page.context.clear_cookies()
    log_in(page, product, where="/admin/preferences/")
    choose(page, "en", "America/New_York")
    expect(page.get_by_text("Your preferences are kept.")).to_be_visible()
    page.goto(f"{product.url}/admin/vee/todo/{todo.pk}/change/")
    expect(page.locator("#page-zone")).to_have_text("Times in America/New_York")
    expect(page.locator("body")).to_contain_text(text_of(step.at, "America/New_York"))
    expect(page.locator("body")).not_to_contain_text(text_of(step.at, "Europe/Berlin"))


def test_dark_mode_is_remembered(page: Any, product: Any) -> None:
    log_in(page, product, where="/admin/")
    page.locator("#nav-sidebar").get_by_text("unfold_more").click()
    page.get_by_text("Dark", exact=True).click()
    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))

    page.goto(f"{product.url}/admin/preferences/")

    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))
