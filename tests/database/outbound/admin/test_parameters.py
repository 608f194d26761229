from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from outbound.models import Parameter
from outbound.operations.configuration import install_defaults
from tests.factories.outbound import NOW


pytestmark = pytest.mark.django_db


@pytest.fixture
def address(db: None) -> str:
    install_defaults(at=NOW)
    return reverse("admin:outbound_parameter_change", args=[Parameter.objects.get(name="MAX_RETRIES").pk])


class TestChange:
    def test_sets_the_value_and_names_the_person(self, admin_client: Client, admin_user: User, address: str) -> None:
        assert admin_client.post(address, {"value": "5", "description": "more"}).status_code == 302
        row = Parameter.objects.get(name="MAX_RETRIES")
        assert (row.value, row.description) == ("5", "more")
        assert row.history.latest().history_user == admin_user

    @pytest.mark.parametrize("value", ["-1", "2.5", "101", "many", ""])
    def test_a_value_that_does_not_fit_is_refused(self, admin_client: Client, address: str, value: str) -> None:
        answer = admin_client.post(address, {"value": value, "description": ""})
        assert "value" in answer.context["adminform"].form.errors
        assert Parameter.objects.get(name="MAX_RETRIES").value == "3"

    def test_says_what_fits(self, admin_client: Client, address: str) -> None:
        text = admin_client.get(address).content.decode()
        assert "a whole number from 0 to 100; shipped: 3." in text


class TestList:
    def test_shows_all_declared_ones_and_offers_no_new_one(self, admin_client: Client, address: str) -> None:
        text = admin_client.get(reverse("admin:outbound_parameter_changelist")).content.decode()
        assert text.count("outbound/parameter/") >= 6
        assert admin_client.get(reverse("admin:outbound_parameter_add")).status_code == 403
