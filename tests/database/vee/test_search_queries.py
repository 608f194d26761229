"""What people find by a name: the start of a component's identifier, an external id, a part of an open To Do."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from integration.operations import setup
from tests.factories import days
from vee import search_queries
from vee.models import InitialMeasurement, ToDo, VeeException
from vee.operations import actions


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def spiked() -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")
    values: list[Decimal | None] = days.a_day()
    values[days.SPIKED] = Decimal("9.99")
    for name in ("MC-Spiked", "MC-OTHER"):
        days.register(name)
        days.receive(name, values)


def names(text: str) -> list[str]:
    found = InitialMeasurement.objects.filter(search_queries.imds(text))
    return sorted(found.values_list("component_identifier", flat=True))


def test_imds_are_found_by_the_start_of_their_component_and_by_their_id() -> None:
    assert names("MC-") == ["MC-OTHER", "MC-Spiked"]
    assert names(" MC-Sp ") == ["MC-Spiked"]
    assert names("mc-o") == ["MC-OTHER"]
    assert names("Spiked") == []
    assert names("HES-MC-OTHER") == ["MC-OTHER"]
    assert names("HES-MC-OTH") == []


def test_imds_of_a_component_that_nobody_knows_are_found_by_what_the_sender_called_it() -> None:
    InitialMeasurement.objects.filter(component_identifier="MC-OTHER").update(
        component_identifier="GHOST-1", measuring_component=None
    )

    assert names("GHOST") == ["GHOST-1"]
    assert names("MC-O") == []


def test_todos_are_found_by_their_imd_and_open_ones_by_their_summary() -> None:
    def found(text: str) -> int:
        return ToDo.objects.filter(search_queries.todos(text)).count()

    summary = ToDo.objects.get(imd__component_identifier="MC-OTHER").summary
    assert found("MC-OTHER") == 1
    assert found(summary[3:10].lower()) >= 1

    by = User.objects.get(username="admin")
    for todo in ToDo.objects.all():
        actions.discard(imd_id=todo.imd_id, by=by, reason="broken", at=timezone.now())

    assert found("MC-OTHER") == 1
    assert found(summary[3:10].lower()) == 0


def test_exceptions_are_found_by_component_and_by_type_while_they_are_open(client: Client) -> None:
    client.force_login(User.objects.get(username="admin"))
    kind = VeeException.objects.filter(open=True)[0].exception_type

    def found(text: str) -> int:
        return int(client.get("/admin/vee/veeexception/", {"q": text}).context["cl"].result_count)

    assert found("MC-OTHER") == VeeException.objects.filter(imd__component_identifier="MC-OTHER").count() > 0
    assert found(kind.lower()) == VeeException.objects.filter(open=True, exception_type=kind).count() > 0
    VeeException.objects.update(open=False)
    assert found(kind) == 0
