"""Who tries passwords is locked out: at the API and at the admin's login page alike."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone


pytestmark = pytest.mark.django_db
PASSWORD = "the-right-password-1"


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    from foundation.api import authentication

    monkeypatch.setattr(authentication, "_remembered", authentication._Remembered())


@pytest.fixture
def olga() -> User:
    return User.objects.create_superuser("olga", "olga@example.org", PASSWORD)


def call(name: str, password: str, *, address: str = "127.0.0.1") -> Any:
    pair = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Client().get("/api/v1/flows/", headers={"Authorization": f"Basic {pair}"}, REMOTE_ADDR=address, secure=True)


def log_in(name: str, password: str, *, address: str = "127.0.0.1") -> Any:
    form = {"username": name, "password": password}
    return Client().post(reverse("admin:login"), form, REMOTE_ADDR=address)


class TestBasicCredentials:
    def test_are_refused_once_a_name_failed_too_often_even_the_right_ones(self, olga: User) -> None:
        answers = [call("olga", f"wrong-{number}").status_code for number in range(10)]
        locked = call("olga", PASSWORD)

        assert answers == [401] * 9 + [429]
        assert locked.status_code == 429
        assert locked["Content-Type"] == "application/problem+json"
        assert locked["Retry-After"] == "900"
        assert locked.json()["code"] == "rate_limited"

    def test_of_a_name_that_nobody_has_are_answered_in_the_same_way(self, olga: User) -> None:
        known = [call("olga", f"wrong-{number}") for number in range(12)]
        unknown = [call("nobody", f"wrong-{number}", address="127.0.0.2") for number in range(12)]

        assert [each.status_code for each in known] == [each.status_code for each in unknown]
        assert known[-1].json()["detail"] == unknown[-1].json()["detail"]
        assert known[0].json()["detail"] == unknown[0].json()["detail"]

    def test_are_taken_from_another_address_meanwhile(self, olga: User) -> None:
        for number in range(12):
            call("olga", f"wrong-{number}", address="203.0.113.9")

        assert call("olga", PASSWORD, address="203.0.113.9").status_code == 429
        assert call("olga", PASSWORD, address="198.51.100.4").status_code == 200

    def test_a_name_that_is_tried_from_many_addresses_is_locked_everywhere(self, olga: User, settings: Any) -> None:
        settings.AXES_FAILURE_LIMIT = 2
        for number in range(20):
            call("olga", "wrong", address=f"203.0.113.{number}")

        assert call("olga", PASSWORD, address="198.51.100.4").status_code == 429

    def test_an_address_that_tries_many_names_is_locked_for_all(self, olga: User, settings: Any) -> None:
        settings.AXES_FAILURE_LIMIT = 2
        for number in range(20):
            call(f"name-{number}", "wrong", address="203.0.113.9")

        assert call("olga", PASSWORD, address="203.0.113.9").status_code == 429
        assert call("olga", PASSWORD, address="203.0.113.10").status_code == 200

    def test_that_are_right_clear_what_failed_before_and_only_that(self, olga: User) -> None:
        for number in range(9):
            call("olga", f"wrong-{number}")
            call("nobody", f"wrong-{number}")

        assert call("olga", PASSWORD).status_code == 200
        assert list(AccessAttempt.objects.values_list("username", "failures_since_start")) == [("nobody", 9)]

    def test_after_the_wait_are_taken_again(self, olga: User) -> None:
        for number in range(12):
            call("olga", f"wrong-{number}")
        AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=16))

        assert call("olga", PASSWORD).status_code == 200

    @pytest.mark.parametrize("name", ["o\x00lga", "x" * 3000, "ölga\ud83d".encode("utf-8", "replace").decode()])
    def test_with_a_name_that_no_database_takes_are_wrong_and_no_defect(self, name: str) -> None:
        assert call(name, "wrong").status_code == 401

    def test_without_a_limit_are_never_locked(self, olga: User, settings: Any) -> None:
        settings.AXES_ENABLED = False
        for number in range(12):
            call("olga", f"wrong-{number}")

        assert call("olga", PASSWORD).status_code == 200


class TestTheLoginPage:
    def test_locks_out_and_says_how_long(self, olga: User) -> None:
        for number in range(9):
            assert log_in("olga", f"wrong-{number}").status_code == 200
        locked = log_in("olga", "wrong")

        assert locked.status_code == 429
        assert "Wait 15 minutes" in locked.content.decode()
        assert locked["Retry-After"] == "900"
        assert log_in("olga", PASSWORD).status_code == 429

    def test_and_the_api_count_together(self, olga: User) -> None:
        for number in range(5):
            call("olga", f"wrong-{number}")
            log_in("olga", f"wrong-{number}")

        assert log_in("olga", PASSWORD).status_code == 429

    def test_an_administrator_unlocks(self, olga: User) -> None:
        for number in range(12):
            log_in("olga", f"wrong-{number}")
        administrator = Client()
        administrator.force_login(User.objects.create_superuser("admin", "", PASSWORD))
        attempt = AccessAttempt.objects.get()
        page = reverse("admin:axes_accessattempt_delete", args=[attempt.pk])

        assert "olga" in administrator.get(reverse("admin:axes_accessattempt_changelist")).content.decode()
        assert administrator.post(page, {"post": "yes"}).status_code == 302
        assert log_in("olga", PASSWORD).status_code == 302

    def test_stores_no_password_that_was_tried(self) -> None:
        log_in("olga", "nearly-the-right-password")

        stored = AccessAttempt.objects.get()
        assert "nearly" not in stored.post_data + stored.get_data
