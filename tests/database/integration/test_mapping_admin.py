"""Who may do what on the pages of mappings, and in the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from integration.flows.overlay_checks import FieldEdit
from integration.models import MappingOverlay, UnmappedElement
from integration.operations import mapping_overlays, setup
from tests.factories import days
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db

NAME = "enrollment_request"
FIELD = FieldEdit(target="customerInfo.name", expression="upper(customerInfo.name)")


@pytest.fixture(autouse=True)
def _installed() -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")


def somebody(client: Client, role: str) -> Client:
    person = factory.user(role.split()[-1].lower(), is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client.force_login(person)
    return client


def draft() -> MappingOverlay:
    made = mapping_overlays.new_draft(mapping=NAME, by=None, at=timezone.now())
    return mapping_overlays.save_draft(overlay_id=made.pk, fields=[FIELD], note="", by=None, at=timezone.now()).overlay


def page(name: str, *arguments: Any) -> str:
    return reverse(f"admin:integration_{name}", args=arguments)


class TestRoles:
    @pytest.mark.parametrize("role", ["Integration operator", "Auditor"])
    def test_others_look_and_change_nothing(self, client: Client, role: str) -> None:
        row = draft()
        person = somebody(client, role)

        shown = [page("mappings"), page("mapping", NAME), page("overlay", row.pk), page("overlay_preview", row.pk)]
        assert [person.get(address).status_code for address in shown] == [200] * 4
        refused = [page("mapping_new", NAME), page("overlay_activate", row.pk), page("overlay_discard", row.pk)]
        assert [person.post(address, {"reason": "x"}).status_code for address in refused] == [403] * 3
        assert 'id="overlay-form"' not in person.get(page("overlay", row.pk)).content.decode()
        assert person.post(page("overlay", row.pk), {"fields": "0", "note": "mine"}).status_code == 200
        row.refresh_from_db()
        assert (row.note, row.fields.count(), row.is_draft) == ("", 1, True)

    def test_a_preview_is_masked_for_those_who_may_not_unmask(self, client: Client) -> None:
        row = draft()

        shown = somebody(client, "Integration operator").get(
            f"{page('overlay_preview', row.pk)}?unmasked=1&run=example"
        )

        assert "DANA" not in shown.content.decode()
        unmasked = somebody(Client(), "Integration administrator")
        shown = unmasked.get(f"{page('overlay_preview', row.pk)}?unmasked=1&run=example")
        assert "RIVERA, DANA" in shown.content.decode()

    @pytest.mark.parametrize("role", ["VEE analyst"])
    def test_nobody_else_sees_them(self, client: Client, role: str) -> None:
        row = draft()
        person = somebody(client, role)

        pages = [page("mappings"), page("mapping", NAME), page("overlay", row.pk), page("overlay_preview", row.pk)]
        assert [person.get(address).status_code for address in pages] == [403] * 4

    def test_what_an_upgrade_took_the_ground_from_can_be_read_and_discarded(self, client: Client) -> None:
        person = somebody(client, "Integration administrator")
        row = draft()
        row.fields.update(expression="nope(a)")
        MappingOverlay.objects.filter(pk=row.pk).update(mapping="gone_with_the_release")

        assert "There is no mapping gone_with_the_release" in person.get(page("overlay", row.pk)).content.decode()
        assert person.post(page("overlay_discard", row.pk)).url == page("mappings")
        assert not MappingOverlay.objects.exists()
        row = draft()
        row.fields.update(expression="nope(a)")
        shown = person.get(f"{page('overlay_preview', row.pk)}?run=example").content.decode()
        assert "There is no function nope()" in shown

    def test_what_is_not_there_is_not_found(self, client: Client) -> None:
        person = somebody(client, "Integration administrator")

        assert person.get(page("mapping", "nothing")).status_code == 404
        assert person.get(page("overlay", 4711)).status_code == 404


class TestQueries:
    def test_the_list_asks_as_much_for_many_versions_as_for_few(self, client: Client) -> None:
        person = somebody(client, "Integration administrator")
        counted = []
        for _ in range(2):
            for _ in range(5):
                mapping_overlays.put_in_effect(mapping=NAME, fields=[FIELD], note="", by=None, at=timezone.now())
                number = UnmappedElement.objects.count()
                UnmappedElement.objects.create(
                    mapping=NAME, path=f"n{number}", kind="text", first_seen_at=days.AT, last_seen_at=days.AT
                )
            addresses = [
                page("mappings"),
                page("mapping", NAME),
                "/api/v1/mappings/",
                "/api/v1/mapping-overlays/",
                reverse("admin:integration_mappingoverlay_changelist"),
            ]
            found = []
            for address in addresses:
                with CaptureQueriesContext(connection) as queries:
                    assert person.get(address).status_code == 200, address
                found.append(len(queries))
            counted.append(found)

        assert counted[0] == counted[1]


class TestApi:
    def test_gives_base_mappings_and_versions(self) -> None:
        row = mapping_overlays.put_in_effect(mapping=NAME, fields=[FIELD], note="why", by=None, at=timezone.now())
        client = APIClient()
        client.force_authenticate(factory.user("reader", rights=["integration.view_mappingoverlay"]))

        mapping = next(each for each in client.get("/api/v1/mappings/").json() if each["name"] == NAME)
        (version,) = client.get("/api/v1/mapping-overlays/", {"mapping": NAME}).json()["results"]

        assert mapping["overlay_version"] == 1
        assert mapping["fields"][0] == {
            "source": "messageId",
            "target": "transactionId",
            "origin": "RENAMED",
            "lookup": "",
            "note": "",
        }
        assert (version["id"], version["state"], version["note"]) == (row.pk, "ACTIVE", "why")
        assert client.get("/api/v1/mapping-overlays/", {"mapping": "other"}).json()["results"] == []

    def test_is_for_those_who_may_see_overlays(self) -> None:
        client = APIClient()
        client.force_authenticate(factory.user("nobody"))

        assert client.get("/api/v1/mappings/").status_code == 403
        assert client.get("/api/v1/mapping-overlays/").status_code == 403
