"""The pages of meter data: what they ask the database, whom they let do what, and what they refuse."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from integration.operations import setup
from tests.factories import days
from vee.models import InitialMeasurement, ReadingFile, ToDo, VeeException, VeeGroup, VeeRule


pytestmark = pytest.mark.django_db

LISTS = (
    "todo",
    "initialmeasurement",
    "veeexception",
    "measuringcomponent",
    "registermeasurement",
    "measuringcomponenttype",
    "columnprofile",
    "servicepoint",
    "device",
    "veegroup",
    "veeexceptiontype",
    "readingfile",
    "usagesubscription",
    "usagetransaction",
)


@pytest.fixture(autouse=True)
def product() -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(User.objects.get(username="admin"))
    return client


def person(name: str, role: str) -> User:
    user = get_user_model().objects.create_user(name, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    return user


def spiked(name: str = "MC-1") -> InitialMeasurement:
    values: list[Decimal | None] = days.a_day()
    values[days.SPIKED] = Decimal("9.99")
    days.register(name)
    return InitialMeasurement.objects.get(pk=days.receive(name, values))


def queries_of(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        response = client.get(address)
    assert response.status_code == 200
    return len(captured)


class TestLists:
    @pytest.mark.parametrize("model", LISTS)
    def test_twelve_rows_ask_no_more_than_one(self, admin: Client, model: str) -> None:
        spiked("MC-0")
        ReadingFile.objects.create(name="a", format="nem12", size=1, sha256="0", created_at=days.AT)
        address = f"/admin/vee/{model}/"
        admin.get(address)
        with_one = queries_of(admin, address)
        for number in range(1, 12):
            spiked(f"MC-{number}")
            VeeGroup.objects.create(code=f"G-{number}")
            ReadingFile.objects.create(name="a", format="nem12", size=1, sha256="0", created_at=days.AT)

        assert queries_of(admin, address) <= with_one
        assert with_one <= 13


class TestDashboard:
    def test_it_asks_little_whatever_there_is(self, admin: Client) -> None:
        spiked("MC-0")
        admin.get("/admin/")
        with_one = queries_of(admin, "/admin/")
        for number in range(1, 6):
            spiked(f"MC-{number}")

        assert queries_of(admin, "/admin/") == with_one
        assert with_one <= 17

    def test_a_person_sees_only_what_their_role_may(self, client: Client) -> None:
        client.force_login(person("vera", "VEE analyst"))

        page = client.get("/admin/").content.decode()

        assert "dashboard-todos" in page
        assert "dashboard-connections" not in page


class TestActions:
    @pytest.mark.parametrize("action", ["perform-vee", "force-complete", "discard"])
    def test_a_person_without_the_right_is_refused_and_nothing_changes(self, client: Client, action: str) -> None:
        imd = spiked()
        client.force_login(person("audrey", "Auditor"))

        response = client.post(f"/admin/vee/initialmeasurement/{imd.pk}/act/{action}/", {"reason": "because"})

        assert response.status_code == 403
        imd.refresh_from_db()
        assert imd.state == "EXCEPTION"
        assert ToDo.objects.get(imd=imd).status == "OPEN"

    def test_an_action_without_a_reason_is_refused_with_a_message(self, admin: Client) -> None:
        imd = spiked()

        response = admin.post(f"/admin/vee/initialmeasurement/{imd.pk}/act/discard/", {"reason": "  "})

        assert response.status_code == 200
        assert "reason" in " ".join(str(message) for message in response.context["messages"]).lower()
        imd.refresh_from_db()
        assert imd.state == "EXCEPTION"

    def test_an_action_that_the_state_does_not_allow_says_so(self, admin: Client) -> None:
        imd = spiked()
        admin.post(f"/admin/vee/initialmeasurement/{imd.pk}/act/discard/", {"reason": "test meter"})

        response = admin.post(f"/admin/vee/initialmeasurement/{imd.pk}/act/force-complete/", {"reason": "no"})

        assert "Discarded" in " ".join(str(message) for message in response.context["messages"]) or (
            "discarded" in " ".join(str(message) for message in response.context["messages"])
        )
        imd.refresh_from_db()
        assert imd.state == "DISCARDED"

    def test_it_leads_back_only_to_this_site(self, admin: Client) -> None:
        imd = spiked()

        response = admin.post(
            f"/admin/vee/initialmeasurement/{imd.pk}/act/discard/",
            {"reason": "test meter", "next": "https://elsewhere.example/"},
        )

        assert response["Location"] == f"/admin/vee/initialmeasurement/{imd.pk}/change/"

    def test_an_unknown_action_and_an_unknown_imd_are_not_found(self, admin: Client) -> None:
        imd = spiked()

        assert admin.get(f"/admin/vee/initialmeasurement/{imd.pk}/act/explode/").status_code == 404
        assert admin.get("/admin/vee/initialmeasurement/999999/act/discard/").status_code == 404
        assert admin.get("/admin/vee/initialmeasurement/999999/change/").status_code == 404

    def test_evidence_cannot_be_added_changed_or_deleted(self, admin: Client) -> None:
        imd = spiked()

        assert admin.get("/admin/vee/initialmeasurement/add/").status_code == 403
        assert admin.post(f"/admin/vee/initialmeasurement/{imd.pk}/delete/", {"post": "yes"}).status_code == 403
        assert InitialMeasurement.objects.filter(pk=imd.pk).exists()


class TestEdit:
    @pytest.mark.parametrize("text", ["nonsense", "NaN", "1_000", "1e400000"])
    def test_a_value_that_is_no_number_is_refused_by_its_interval(self, admin: Client, text: str) -> None:
        imd = spiked()

        response = admin.post(
            f"/admin/vee/initialmeasurement/{imd.pk}/edit/", {"value-3": text, "reason": "typo"}, follow=True
        )

        assert "nterval 4" in " ".join(str(message) for message in response.context["messages"])
        assert not imd.edits.exists()

    def test_values_are_changed_with_who_and_why(self, admin: Client) -> None:
        imd = spiked()

        admin.post(
            f"/admin/vee/initialmeasurement/{imd.pk}/edit/",
            {f"value-{days.SPIKED}": "0.75", "reason": "neighbours", "perform": "1"},
        )

        imd.refresh_from_db()
        edit = imd.edits.get()
        assert (edit.interval, edit.old_value, edit.new_value) == (days.SPIKED, 9_990_000, 750_000)
        assert (edit.by.get_username(), edit.reason) == ("admin", "neighbours")
        assert imd.state == "COMPLETE"


class TestVeeGroups:
    def form_of(self, group: VeeGroup, **changes: Any) -> dict[str, Any]:
        rule = group.rules.get()
        return {
            "description": "",
            "rules-TOTAL_FORMS": "1",
            "rules-INITIAL_FORMS": "1",
            "rules-0-id": rule.pk,
            "rules-0-group": group.pk,
            "rules-0-sequence": rule.sequence,
            "rules-0-rule": rule.rule,
            "rules-0-severity": rule.severity,
            "rules-0-parameters": "{}",
            **changes,
        }

    def test_parameters_that_a_rule_does_not_take_are_refused(self, admin: Client) -> None:
        group = VeeGroup.objects.create(code="G")
        VeeRule.objects.create(group=group, sequence=10, rule="interval_spike_check", parameters={"tolerance": 1.8})

        response = admin.post(
            f"/admin/vee/veegroup/{group.pk}/change/", self.form_of(group, **{"rules-0-parameters": '{"tolerence": 2}'})
        )

        assert response.status_code == 200
        assert "tolerence" in response.content.decode()
        assert group.rules.get().parameters == {"tolerance": 1.8}

    def test_groups_that_would_call_each_other_in_a_circle_are_refused(self, admin: Client) -> None:
        first = VeeGroup.objects.create(code="A")
        second = VeeGroup.objects.create(code="B")
        VeeRule.objects.create(group=second, sequence=10, rule="execute_vee_group", parameters={"group": "A"})
        VeeRule.objects.create(group=first, sequence=10, rule="uom_check")

        response = admin.post(
            f"/admin/vee/veegroup/{first.pk}/change/",
            self.form_of(first, **{"rules-0-rule": "execute_vee_group", "rules-0-parameters": '{"group": "B"}'}),
        )

        assert response.status_code == 200
        assert "circle" in response.content.decode()
        assert first.rules.get().rule == "uom_check"


class TestUpload:
    def test_a_file_is_received_and_its_page_opens(self, admin: Client) -> None:
        content = SimpleUploadedFile("day.csv", b"100,NEM12,202603040506,MDP1,RET1\n900\n")

        response = admin.post("/admin/vee/readingfile/upload/", {"file": content, "format": "nem12"}, follow=True)

        file = ReadingFile.objects.get()
        assert (file.name, file.status, file.uploaded_by.get_username()) == ("day.csv", "RECEIVED", "admin")
        assert response.status_code == 200

    def test_registering_components_needs_a_type(self, admin: Client) -> None:
        content = SimpleUploadedFile("day.csv", b"100,NEM12,202603040506,MDP1,RET1\n900\n")

        response = admin.post(
            "/admin/vee/readingfile/upload/", {"file": content, "format": "nem12", "auto_register": "on"}
        )

        assert "Choose the type" in response.content.decode()
        assert not ReadingFile.objects.exists()

    def test_a_person_without_the_right_cannot_upload(self, client: Client) -> None:
        client.force_login(person("audrey", "Auditor"))

        assert client.get("/admin/vee/readingfile/upload/").status_code == 403


def test_an_exception_names_its_rule_and_leads_to_it_for_those_who_may_see_groups(
    admin: Client, client: Client
) -> None:
    imd = spiked()
    address = f"/admin/vee/veegroup/rule/{VeeException.objects.get().rule_id_used}/"
    pages = ("/admin/vee/veeexception/", f"/admin/vee/initialmeasurement/{imd.pk}/change/")
    link = f'<a class="workbench-link" href="{address}">Interval Spike Check</a>'

    shown = [admin.get(page).content.decode() for page in pages]
    eve = get_user_model().objects.create_user("eve", is_staff=True)
    eve.user_permissions.set(Permission.objects.filter(codename__in=("view_veeexception", "view_initialmeasurement")))
    client.force_login(eve)
    hidden = [client.get(page).content.decode() for page in pages]

    assert [link in content for content in shown] == [True, True]
    assert [address in content for content in hidden] == [False, False]
    assert all("Interval Spike Check" in content for content in hidden)
