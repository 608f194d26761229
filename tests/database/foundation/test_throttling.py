"""An account that asks too much waits; the others do not."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from rest_framework.authtoken.models import Token

from foundation.api import throttling


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _three_a_minute(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_REQUESTS_PER_MINUTE = 3
    monkeypatch.setattr(throttling.time, "time", lambda: 1_000_000_070.0)
    cache.clear()


def caller(name: str) -> dict[str, str]:
    user, _ = User.objects.get_or_create(username=name, defaults={"is_superuser": True})
    token, _ = Token.objects.get_or_create(user=user)
    return {"Authorization": f"Token {token.key}"}


def ask(name: str, *, address: str = "203.0.113.9", **headers: str) -> Any:
    return Client().get("/api/v1/flows/", headers={**caller(name), **headers}, REMOTE_ADDR=address, secure=True)


def test_what_is_over_the_limit_is_told_when_to_come_again() -> None:
    answers = [ask("derms") for _ in range(4)]

    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    # The clock minute ends at 1,000,000,080; one second more, so that nobody comes back a moment too early.
    assert answers[3]["Retry-After"] == "11"
    assert answers[3].json()["code"] == "rate_limited"
    assert answers[3].json()["retryable"] is True


def test_others_are_not_affected() -> None:
    for _ in range(5):
        ask("derms")

    assert ask("dacs").status_code == 200


def test_another_address_of_the_same_account_is_the_same_caller() -> None:
    answers = [ask("derms", address=f"203.0.113.{number}").status_code for number in range(4)]

    assert answers == [200, 200, 200, 429]


def test_the_next_minute_counts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        ask("derms")
    monkeypatch.setattr(throttling.time, "time", lambda: 1_000_000_090.0)

    assert ask("derms").status_code == 200


def test_this_machine_itself_is_not_limited() -> None:
    assert [ask("derms", address="127.0.0.1").status_code for _ in range(5)] == [200] * 5


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_wrote(settings: Any) -> None:
    settings.BEHIND_TLS_PROXY = True
    forwarded = {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"}

    answers = [ask("derms", address="127.0.0.1", **forwarded).status_code for _ in range(4)]

    assert answers == [200, 200, 200, 429]


def test_a_counter_that_is_away_lets_requests_pass(settings: Any) -> None:
    settings.CACHES = {
        # Port 1 of this machine: nobody listens.
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1",
            "OPTIONS": {"socket_connect_timeout": 1},
        }
    }

    assert [ask("derms").status_code for _ in range(5)] == [200] * 5
