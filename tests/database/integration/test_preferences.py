"""Each account sees the admin in its own language and time zone; nothing else changes with it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation

from foundation.models import Preference
from integration.operations import setup
from tests.factories import days
from vee.models import InitialMeasurement


pytestmark = pytest.mark.django_db
PAGE = "/admin/preferences/"
CET = dt.timedelta(hours=1)


@pytest.fixture
def greta(client: Client) -> User:
    user = User.objects.create_superuser("greta", "", "x")
    client.force_login(user)
    return user


def choose(client: Client, *, language: str = "", time_zone: str = "") -> Any:
    return client.post(PAGE, {"language": language, "time_zone": time_zone}, follow=True)


def test_a_choice_is_kept_per_account_and_used_from_the_next_page_on(client: Client, greta: User) -> None:
    answer = choose(client, language="de", time_zone="Europe/Berlin")

    assert "Ihre Einstellungen sind gespeichert." in answer.content.decode()
    assert Preference.objects.get(user=greta).time_zone == "Europe/Berlin"
    page = client.get("/admin/vee/todo/")
    assert page.headers["Content-Language"] == "de"
    assert 'lang="de"' in page.content.decode()
    assert "Zeiten in Europe/Berlin" in page.content.decode()
    # Another account is asked for nothing and gets the site's.
    other = Client()
    other.force_login(User.objects.create_superuser("olga", "", "x"))
    assert "Times in UTC" in other.get("/admin/vee/todo/").content.decode()
    # A new session of the same account has the choice again.
    again = Client()
    again.force_login(greta)
    assert "Zeiten in Europe/Berlin" in again.get("/admin/vee/todo/").content.decode()


def test_times_are_shown_in_the_chosen_zone_and_stored_in_utc(client: Client, greta: User) -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")
    days.register("MC-1")
    imd_id = days.receive("MC-1", days.a_day())
    step = InitialMeasurement.objects.get(pk=imd_id).transitions.last()
    address = f"/admin/vee/initialmeasurement/{imd_id}/change/"
    assert f"{step.at:%Y-%m-%d %H:%M:%S}" in client.get(address).content.decode()

    choose(client, language="de", time_zone="Asia/Tokyo")

    page = client.get(address).content.decode()
    assert f"{step.at + dt.timedelta(hours=9):%Y-%m-%d %H:%M:%S}" in page
    assert f"{step.at:%Y-%m-%d %H:%M:%S}" not in page
    stored = InitialMeasurement.objects.get(pk=imd_id).transitions.last()
    assert stored.at == step.at
    assert stored.at.utcoffset() == dt.timedelta(0)


def test_states_are_shown_by_their_names_in_the_history_of_a_reading(client: Client, greta: User) -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")
    days.register("MC-1")
    imd_id = days.receive("MC-1", days.a_day())
    choose(client, language="de")

    page = client.get(f"/admin/vee/initialmeasurement/{imd_id}/change/").content.decode()

    assert "VEE_READY" not in page
    assert "Bereit für VEE" in page


def test_the_api_knows_neither(client: Client, greta: User) -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")
    days.register("MC-1")
    days.receive("MC-1", days.a_day())
    before = client.get("/api/v1/imds/")
    choose(client, language="de", time_zone="Asia/Tokyo")

    after = client.get("/api/v1/imds/", headers={"accept-language": "de"})

    assert after.status_code == 200
    assert after.json() == before.json()
    assert translation.get_language() == "en-us"
    assert timezone.get_current_timezone_name() == "UTC"


def test_without_a_choice_the_language_is_that_of_the_browser(client: Client) -> None:
    page = client.get("/admin/login/", headers={"accept-language": "de-AT,de;q=0.9"})

    assert page.headers["Content-Language"] == "de"
    assert "Accept-Language" in page.headers["Vary"]
    assert "Anmelden" in page.content.decode()
    assert client.get("/admin/login/").headers["Content-Language"] == "en"


@pytest.mark.parametrize(("language", "zone"), [("xx", ""), ("", "Mars/Olympus"), ("", "Etc/GMT+5")])
def test_what_is_not_offered_is_refused(client: Client, greta: User, language: str, zone: str) -> None:
    assert choose(client, language=language, time_zone=zone).status_code == 400
    assert not Preference.objects.exists()


def test_what_is_no_longer_offered_counts_as_no_choice(client: Client, greta: User) -> None:
    choose(client, language="de", time_zone="Europe/Berlin")
    session = client.session
    session["preference"] = ["xx", "Mars/Olympus"]
    session.save()

    assert "Times in UTC" in client.get("/admin/").content.decode()


def test_a_session_of_before_takes_the_choice_up(client: Client, greta: User) -> None:
    session = client.session
    del session["preference"]
    session.save()
    Preference.objects.create(user=greta, language="de", time_zone="Europe/Berlin")

    assert "Zeiten in Europe/Berlin" in client.get("/admin/").content.decode()


def test_the_page_is_for_people_who_are_logged_in(client: Client) -> None:
    assert client.get(PAGE).headers["Location"].startswith("/admin/login/")


def test_a_page_costs_no_query_for_it(client: Client, greta: User, django_assert_num_queries: Any) -> None:
    choose(client, language="de", time_zone="Europe/Berlin")
    with django_assert_num_queries(4):  # session, account, its choice, whether there are program events
        client.get(PAGE)


def test_a_day_that_is_asked_for_begins_in_the_chosen_zone(client: Client, greta: User) -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")
    days.register("MC-1")
    imd_id = days.receive("MC-1", days.a_day())
    start = InitialMeasurement.objects.get(pk=imd_id).start
    local = start + CET
    choose(client, language="de", time_zone="Africa/Lagos")
    asked = {"start_from_0": f"{local:%Y-%m-%d}", "start_from_1": f"{local:%H:%M:%S}"}

    found = client.get("/admin/vee/initialmeasurement/", asked)
    none = client.get(
        "/admin/vee/initialmeasurement/", {**asked, "start_from_1": f"{local + dt.timedelta(minutes=1):%H:%M:%S}"}
    )

    assert f"/admin/vee/initialmeasurement/{imd_id}/change/" in found.content.decode()
    assert f"/admin/vee/initialmeasurement/{imd_id}/change/" not in none.content.decode()
