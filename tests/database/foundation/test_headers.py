"""Headers that protect the browser are on every answer, whatever it is."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client


pytestmark = pytest.mark.django_db
ADDRESSES = [
    "/",
    "/admin/login/",
    "/admin/",
    "/admin/nothing/",
    "/admin/second-factor/",
    "/api/schema/",
    "/api/docs/",
    "/api/docs/?script=",
    "/api/v1/flows/",
    "/api/v1/nothing/",
    "/dacs/nothing",
    "/health/live",
    "/health/ready",
]


@pytest.fixture(params=["nobody", "somebody"])
def caller(request: pytest.FixtureRequest, client: Client) -> Client:
    if request.param == "somebody":
        client.force_login(User.objects.create_superuser("olga", "", "x"))
    return client


def directives(answer: Any) -> dict[str, set[str]]:
    policy = answer["Content-Security-Policy"]
    return {name: set(sources) for name, *sources in (part.split() for part in policy.split(";"))}


@pytest.mark.parametrize("address", ADDRESSES)
def test_each_is_there(caller: Client, address: str) -> None:
    answer = caller.get(address)

    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in answer["Permissions-Policy"]
    assert "no-store" in answer["Cache-Control"]
    policy = directives(answer)
    assert policy["default-src"] == {"'self'"}
    assert policy["script-src"] == {"'self'", "'unsafe-eval'"}
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == policy["frame-src"] == {"'none'"}
    assert policy["form-action"] == policy["connect-src"] == {"'self'"}


def test_the_pages_of_the_api_need_no_script_in_the_page(client: Client) -> None:
    client.force_login(User.objects.create_superuser("olga", "", "x"))
    page = client.get("/api/docs/").content.decode()

    scripts = re.findall(r"<script[^>]*>", page)
    assert len(scripts) >= 2
    assert [script for script in scripts if "src=" not in script] == []
