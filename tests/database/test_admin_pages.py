"""Every page of the admin opens for an administrator, whatever app it belongs to."""

from __future__ import annotations

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


def test_every_list_opens(administrator: Client) -> None:
    answers = {}
    for model in MODELS:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        answers[address] = administrator.get(address).status_code
        answers[f"{address}?q=abc"] = administrator.get(address, {"q": "abc"}).status_code

    assert {address: status for address, status in answers.items() if status != 200} == {}
    assert len(MODELS) > 40


def test_every_form_for_a_new_one_opens_or_is_refused(administrator: Client) -> None:
    request = administrator.get("/admin/").wsgi_request
    wrong = {}
    for model in MODELS:
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")
        expected = 200 if admin.site._registry[model].has_add_permission(request) else 403
        status = administrator.get(address).status_code
        if status != expected:
            wrong[address] = status

    assert wrong == {}
