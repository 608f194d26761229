"""The page that says which VEE group a component's data would pass, and why."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import vee as make
from vee.models import MeasuringComponent


pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def page(client: Client, component: MeasuringComponent, on: str = "2024-03-01") -> dict[str, Any]:
    answer = client.get(f"/admin/vee/measuringcomponent/{component.pk}/rules/", {"on": on})
    assert answer.status_code == 200
    return {str(kind["label"]): kind for kind in answer.context["kinds"]}


def test_it_names_the_group_of_each_kind_with_its_reason(admin: Client) -> None:
    spike = {"rule": "interval_spike_check", "parameters": {"tolerance": 1.8}}
    kind = make.MeasuringComponentTypeFactory(
        initial_load_group=make.vee_group("OF-TYPE", spike), estimation_group=make.vee_group("ALSO-OF-TYPE")
    )
    one = make.MeasuringComponentFactory(type=kind, initial_load_group=make.vee_group("OWN", spike))

    found = page(admin, one)

    assert [(each["group"], str(each["why"]).split(";")[0].split(",")[0]) for each in found.values()] == [
        ("OWN", "set on the measuring component"),
        (None, f"neither the measuring component nor the type {kind} names one: no rule runs"),
        ("ALSO-OF-TYPE", f"set on the type {kind}"),
    ]


def test_rules_stand_in_their_order_in_words_and_those_of_other_days_apart(admin: Client) -> None:
    inner = make.vee_group("INNER", {"rule": "uom_check"})
    group = make.vee_group(
        "OUTER",
        {"rule": "interval_spike_check", "parameters": {"tolerance": 1.8}},
        {"rule": "execute_vee_group", "parameters": {"group": inner.code}},
        {"rule": "zero_consumption_check", "start_date": dt.date(2025, 1, 1)},
        {"rule": "no_such_rule"},
    )
    one = make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=group))

    first = next(iter(page(admin, one).values()))

    assert [(step["rule"], step["path"], step["bad"]) for step in first["steps"]] == [
        ("interval_spike_check", "OUTER", False),
        ("uom_check", "OUTER > INNER", False),
        ("no_such_rule", "OUTER", True),
    ]
    assert "third" in first["steps"][0]["said"]
    assert [rule["rule"] for rule in first["resting"]] == ["zero_consumption_check"]
    later = next(iter(page(admin, one, on="2025-06-01").values()))
    assert [step["rule"] for step in later["steps"]][2] == "zero_consumption_check"


@pytest.mark.parametrize("on", ["", "yesterday", "2024-13-40"])
def test_without_a_day_that_can_be_read_today_counts(admin: Client, on: str) -> None:
    assert page(admin, make.MeasuringComponentFactory(), on=on)


def test_it_is_for_those_who_may_see_groups(client: Client) -> None:
    one = make.MeasuringComponentFactory()
    eve = make.person("eve", "vee.view_measuringcomponent")
    User.objects.filter(pk=eve.pk).update(is_staff=True)
    client.force_login(User.objects.get(pk=eve.pk))

    assert client.get(f"/admin/vee/measuringcomponent/{one.pk}/rules/").status_code == 403


def test_an_unknown_component_is_not_found(admin: Client) -> None:
    assert admin.get("/admin/vee/measuringcomponent/999/rules/").status_code == 404
