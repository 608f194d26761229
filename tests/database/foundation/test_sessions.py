"""A session ends when nobody uses it, and after a working day whatever happens."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from foundation import sessions


pytestmark = pytest.mark.django_db
PAGE = "/admin/integration/flowrun/"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    now = [1_800_000_000]
    monkeypatch.setattr(sessions.time, "time", lambda: now[0])
    return now


@pytest.fixture
def person(client: Client, settings: Any, clock: list[int]) -> Client:
    settings.SESSION_IDLE_MINUTES = 30
    client.force_login(User.objects.create_superuser("olga", "", "x"))
    assert client.get(PAGE).status_code == 200
    return client


def test_idle_for_half_an_hour_it_ends(person: Client, clock: list[int]) -> None:
    clock[0] += 30 * 60 + 1

    answer = person.get(PAGE)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/admin/login/")
    assert person.get(PAGE).status_code == 302


def test_in_use_it_goes_on_until_twelve_hours_are_over(person: Client, clock: list[int]) -> None:
    for _ in range(12 * 3):
        clock[0] += 20 * 60
        assert person.get(PAGE).status_code == 200
    clock[0] += 60

    assert person.get(PAGE).status_code == 302


def test_of_an_account_that_is_switched_off_it_ends_at_once(person: Client) -> None:
    User.objects.update(is_active=False)

    assert person.get(PAGE).status_code == 302


def test_login_gives_it_a_new_key(client: Client, settings: Any) -> None:
    User.objects.create_superuser("olga", "", "the-right-password-1")
    settings.SESSION_IDLE_MINUTES = 30
    client.get("/admin/login/")
    session = client.session
    session["planted"] = True
    session.save()
    before = session.session_key

    client.post("/admin/login/", {"username": "olga", "password": "the-right-password-1"})

    assert client.session.session_key != before
