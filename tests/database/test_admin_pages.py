"""Every page of the admin opens for an administrator, whatever app it belongs to."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from integration.operations import setup
from tests.factories import days


pytestmark = pytest.mark.django_db
MODELS = sorted((model for model in admin.site._registry), key=lambda model: model._meta.label)


@pytest.fixture
def administrator(client: Client) -> Client:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")
    client.force_login(User.objects.get(username="admin"))
    return client


def inline_scripts(page: str) -> list[str]:
    """Scripts and handlers in the page itself, which the Content-Security-Policy does not let run."""
    scripts = re.findall(
        r"<script(?![^>]*\b(?:src=|type=\"(?:application/json|text/html|text/template)\"))[^>]*>", page
    )
    return (
        scripts
        + re.findall(r"<[a-z][^>]*\s(on[a-z]+=\"[^\"]*\")", page)
        + re.findall(r"href=\"javascript:[^\"]*", page)
    )


def test_inline_scripts_are_seen() -> None:
    assert inline_scripts('<script>alert(1)</script><a href="x" onclick="go()">') == ["<script>", 'onclick="go()"']
    assert inline_scripts('<script src="a.js"></script><script id="d" type="application/json">{}</script>') == []


def test_every_list_opens(administrator: Client) -> None:
    answers = {}
    inline = {}
    for model in MODELS:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        page = administrator.get(address)
        answers[address] = page.status_code
        inline[address] = inline_scripts(page.content.decode())
        answers[f"{address}?q=abc"] = administrator.get(address, {"q": "abc"}).status_code

    assert {address: status for address, status in answers.items() if status != 200} == {}
    assert {address: found for address, found in inline.items() if found} == {}
    assert len(MODELS) > 40


def test_every_form_for_a_new_one_opens_or_is_refused(administrator: Client) -> None:
    request = administrator.get("/admin/").wsgi_request
    wrong: dict[str, int | list[str]] = {}
    for model in MODELS:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
        expected = 200 if admin.site._registry[model].has_add_permission(request) else 403
        page = administrator.get(address)
        if page.status_code != expected:
            wrong[address] = page.status_code
        elif found := inline_scripts(page.content.decode()):
            wrong[address] = found

    assert wrong == {}
