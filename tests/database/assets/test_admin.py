"""The DACS side in the admin, as its operator uses it."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth.models import Group, User
from django.urls import reverse

from assets import models, timeline
from assets.operations import enrollments, status_checks
from integration.operations import setup
from lookups.operations import apply_configuration
from tests.database.assets.enrolling import (
    again,
    answer_all,
    enroll,
    enrolled,
    nics,
    receive,
    subscription_of,
    unenroll,
)
from tests.factories.assets import NOW, asset, enrollment_request, make_contact, set_up_programs, unenrollment_request


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def program() -> models.Program:
    setup.install_roles()
    return set_up_programs()


@pytest.fixture
def operator(client):
    person = User.objects.create_user("olga", is_staff=True)
    person.groups.add(Group.objects.get(name="Program operator"))
    client.force_login(person)
    return client


def page_of(row, name: str = "change") -> str:
    return reverse(f"admin:assets_{row._meta.model_name}_{name}", args=[row.pk])


def said(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


class TestTheSubscriptionsPage:
    def test_tells_everything_in_one_line_of_time(self, operator):
        subscription = enrolled(enrollment_request(1))
        later = NOW + dt.timedelta(days=1)
        old = models.ControllableDevice.objects.get()
        enroll(enrollment_request(1, transactionId="T-2", assets=[asset(2, assetId=old.device.identifier)]), at=later)
        answer_all(at=later)
        unenroll(unenrollment_request(1), at=later + dt.timedelta(hours=1))

        answer = operator.get(page_of(subscription))

        assert answer.status_code == 200
        entries = answer.context["page"].entries
        # Changes are captured by the clock of the machine, and not by that of this test.
        assert ("Sync request", "Pending") in [(entry.what, entry.status) for entry in entries]
        told = [(entry.what, entry.status) for entry in reversed(entries) if entry.what != "Sync request"]
        assert told[0] == ("Enroll", "Pending")
        assert told[-1] in {("Subscription", "Inactive"), ("Unenroll", "Complete"), ("Device", "Removed")}
        for expected in (
            ("Subscription", "Active"),
            ("Device set-up", "Status check under way"),
            ("Status check", "Complete"),
            ("Device", "Added"),
            ("Device", "Removed"),
            ("Unenroll", "Complete"),
        ):
            assert expected in told
        assert [entry.at for entry in entries] == sorted((entry.at for entry in entries), reverse=True)
        assert "Replaced by ECOBEE/411912340002" in answer.content.decode()

    def test_reads_it_with_a_fixed_number_of_queries(self, django_assert_num_queries):
        few = enrolled(enrollment_request(1))
        many = enrolled(enrollment_request(2, assets=[asset(number) for number in range(2, 8)]))
        for subscription in (few, many):
            with django_assert_num_queries(11):
                timeline.of_subscription(subscription)

    def test_another_part_adds_its_own(self, monkeypatch):
        monkeypatch.setattr(timeline, "_SOURCES", list(timeline._SOURCES))
        subscription = enrolled(enrollment_request(1))

        @timeline.source
        def visits(scope):
            yield timeline.Entry(
                at=dt.datetime.max.replace(tzinfo=dt.UTC), what="Visit", name=str(scope.subscription.pk)
            )

        assert timeline.of_subscription(subscription)[0].name == str(subscription.pk)

    def test_unenrolls_with_a_reason(self, operator):
        subscription = enrolled(enrollment_request(1))
        address = reverse("admin:assets_programsubscription_unenroll", args=[subscription.pk])
        assert address in operator.get(page_of(subscription)).content.decode()

        assert operator.post(address, {"reason": ""}).context["form"].errors.keys() == {"reason"}
        answer = operator.post(address, {"reason": "moved out", "removal": "X1KP"}, follow=True)

        assert "The customer is unenrolled" in said(answer)
        assert again(subscription).status == "INACTIVE"
        assert models.StatusChange.objects.filter(to_status="INACTIVE").get().by == "olga"
        assert address not in answer.content.decode()

    def test_changes_what_may_be_changed_and_nothing_else(self, operator):
        subscription = enrolled(enrollment_request(1))

        answer = operator.post(
            page_of(subscription),
            {
                "cis_account_id": "42",
                "cis_service_agreement_id": "7710035521",
                "opted_out_until_0": "2023-07-01",
                "opted_out_until_1": "00:00:00",
                "status": "CANCELED",
            },
            follow=True,
        )

        assert answer.status_code == 200
        row = again(subscription)
        assert (row.cis_account_id, row.status) == ("42", "ACTIVE")
        assert row.opted_out_until == dt.datetime(2023, 7, 1, tzinfo=dt.UTC)
        assert row.history.latest("history_id").history_user.username == "olga"


class TestTheDevicesPage:
    def test_shows_subscriptions_communications_and_set_ups(self, operator):
        enrolled(enrollment_request(1))
        device = models.ControllableDevice.objects.get()

        text = operator.get(page_of(device)).content.decode()

        for shown in ("SMART-COOL", "DRMS-ENR-000001", models.Communication.objects.get().identifier):
            assert shown in text

    def test_asks_how_it_is(self, operator):
        enrolled(enrollment_request(1))
        device = models.ControllableDevice.objects.get()

        address = reverse("admin:assets_controllabledevice_check_status", args=[device.pk])

        assert "Check status" in operator.get(address).content.decode()
        assert models.Communication.objects.count() == 1
        answer = operator.post(address, follow=True)

        check = models.Communication.objects.latest("pk")
        assert f"Status check {check.identifier} was asked for" in said(answer)
        assert models.Communication.objects.count() == 2

    def test_says_what_to_do_when_it_cannot_ask(self, operator):
        enrolled(enrollment_request(1))
        models.HeadEndSystem.objects.update(external_system=None)
        device = models.ControllableDevice.objects.get()

        answer = operator.post(reverse("admin:assets_controllabledevice_check_status", args=[device.pk]), follow=True)

        assert "names no external system: choose the one of the hub on its page" in said(answer)

    def test_replaces_it(self, operator):
        subscription = enrolled(enrollment_request(1))
        device = models.ControllableDevice.objects.get()
        address = reverse("admin:assets_controllabledevice_replace_device", args=[device.pk])
        assert operator.get(address).status_code == 200
        form = {"nic_id": "NEW-1", "head_end": device.head_end_system_id, "specification": device.specification_id}

        own = operator.post(address, {**form, "nic_id": device.nic_id})
        assert "enter that of the new one" in own.content.decode()
        answer = operator.post(address, form, follow=True)

        assert "The new device is being set up" in said(answer)
        enrollment = models.Enrollment.objects.latest("pk")
        enrollments.set_up(enrollment_id=enrollment.pk, at=NOW)
        answer_all()
        assert nics(subscription) == ["NEW-1"]


class TestTheEnrollmentsPage:
    def test_retries_what_was_refused(self, operator):
        enrollment = receive(enrollment_request(assets=[asset(specification="EV-1")]))
        address = reverse("admin:assets_enrollment_retry", args=[enrollment.pk])
        text = operator.get(page_of(enrollment)).content.decode()
        assert "there is no device specification EV-1" in text
        assert address in text

        answer = operator.post(address, {"reason": ""}, follow=True)
        assert "there is no device specification EV-1" in said(answer)
        models.DeviceSpecification.objects.create(code="EV-1", device_type="EV-CHARGER", rated_kw=7)
        answer = operator.post(address, {"reason": "added"}, follow=True)

        assert "1 enrollment is under way again" in said(answer)
        assert again(enrollment).status == "PENDING"

    def test_retries_many_from_the_list(self, operator):
        made = [enroll(enrollment_request(number)) for number in (1, 2)]
        answer_all("FAILURE")

        answer = operator.post(
            reverse("admin:assets_enrollment_changelist"),
            {"action": "retry_selected", "_selected_action": [one.pk for one in made]},
            follow=True,
        )

        assert "2 enrollments are under way again" in said(answer)
        assert {again(one).status for one in made} == {"DEVICESETUP"}

    def test_cancels_with_a_reason(self, operator):
        enrollment = enroll(enrollment_request())
        address = reverse("admin:assets_enrollment_cancel", args=[enrollment.pk])

        operator.post(address, {"reason": "wrong house"})

        assert (again(enrollment).status, subscription_of(enrollment).status) == ("CANCELED", "CANCELED")
        assert address not in operator.get(page_of(enrollment)).content.decode()

    def test_shows_its_set_ups_and_its_line_of_time(self, operator):
        enrollment = enroll(enrollment_request())

        answer = operator.get(page_of(enrollment))

        assert "ECOBEE/411912340001" in answer.content.decode()
        assert [entry.status for entry in answer.context["entries"]] == [
            "Status check under way", "Pending", "Device set-up", "Pending", "Pending",
        ]  # fmt: skip


class TestToDos:
    def test_are_taken_assigned_and_completed(self, operator):
        receive(enrollment_request(programInfo={"programCode": "NO-SUCH"}))
        todo = models.AssetToDo.objects.get()
        listing = reverse("admin:assets_assettodo_changelist")
        assert "There is no program NO-SUCH" in operator.get(listing).content.decode()

        operator.post(listing, {"action": "claim", "_selected_action": [todo.pk]})
        assert (again(todo).assigned_to.username, again(todo).status) == ("olga", "BEING_WORKED_ON")
        assert todo.summary in operator.get(f"{listing}?assigned=me").content.decode()
        operator.post(listing, {"action": "release", "_selected_action": [todo.pk]})
        assert (again(todo).assigned_to, again(todo).status) == (None, "OPEN")
        bert = User.objects.create_user("bert", is_staff=True)
        operator.post(reverse("admin:assets_assettodo_assign", args=[todo.pk]), {"to": bert.pk})
        assert again(todo).assigned_to == bert
        operator.post(reverse("admin:assets_assettodo_complete", args=[todo.pk]), {"completion": "called the customer"})

        row = again(todo)
        assert (row.status, row.completed_by, row.completion) == ("COMPLETE", "olga", "called the customer")
        assert "called the customer" not in operator.get(listing).content.decode()
        assert todo.summary in operator.get(f"{listing}?status=all").content.decode()
        # Whoever comes too late is told so.
        late = operator.post(
            reverse("admin:assets_assettodo_complete", args=[todo.pk]), {"completion": "again"}, follow=True
        )
        assert late.status_code == 403

    def test_lead_to_what_they_are_about(self, operator):
        enrollment = receive(enrollment_request(programInfo={"programCode": "NO-SUCH"}))

        text = operator.get(page_of(models.AssetToDo.objects.get())).content.decode()

        assert page_of(enrollment) in text


class TestMasters:
    @pytest.fixture
    def told(self, monkeypatch) -> list[str]:
        heard: list[str] = []
        monkeypatch.setattr(
            "assets.operations.masters.captured",
            lambda *, subscription_ids, what, by, at: heard.append(f"{by} {len(subscription_ids)}: {what}"),
        )
        return heard

    def test_an_edited_contact_is_told_of(self, operator, told):
        enrolled(enrollment_request(1))
        contact = models.Contact.objects.get()

        operator.post(
            page_of(contact),
            {
                "cis_person_id": contact.cis_person_id,
                "name": "Rivera-Lee, Dana",
                "home_phone": contact.home_phone,
                "email": contact.email,
                **_NO_INLINES,
            },
        )

        assert again(contact).name == "Rivera-Lee, Dana"
        assert told == [f"olga 1: Contact {contact.identifier}"]
        assert contact.history.latest("history_id").history_user.username == "olga"

    def test_of_one_without_a_subscription_nobody_is_told(self, operator, told):
        contact = make_contact(7)

        operator.post(page_of(contact), {"cis_person_id": contact.cis_person_id, "name": "Somebody", **_NO_INLINES})

        assert (again(contact).name, told) == ("Somebody", [])

    def test_an_edited_place_and_device_are_told_of(self, operator, told):
        enrolled(enrollment_request(1))
        location, device = models.DeviceLocation.objects.get(), models.ControllableDevice.objects.get()

        operator.post(
            page_of(location),
            {
                "status": "ACTIVE",
                "division": "NV",
                "cis_service_point_id": location.cis_service_point_id,
                "cis_premise_id": location.cis_premise_id,
                **_NO_INLINES,
            },
        )
        operator.post(
            page_of(device),
            {
                "specification": models.DeviceSpecification.objects.get(code="NEST-LEARN3").pk,
                "ownership": "W1CO",
                "installation_method": "X1SI",
                "head_end_registration": "D1RE",
                "serial_number": device.serial_number,
            },
        )

        assert again(location).division == "NV"
        assert again(device).specification.code == "NEST-LEARN3"
        assert told == [f"olga 1: Device location {location.identifier}", f"olga 1: Device {device.device.identifier}"]

    def test_a_program_in_a_zone_that_is_none_is_refused(self, operator):
        answer = operator.post(reverse("admin:assets_program_add"), {"code": "NEW", "time_zone": "Mars/Olympus"})

        assert "This is not an IANA time zone" in answer.content.decode()


_NO_INLINES = {"subscriptions-TOTAL_FORMS": "0", "subscriptions-INITIAL_FORMS": "0"}
_GROUP = "Program subscriptions"


class TestNavigation:
    def test_shows_the_programs_only_where_the_side_is_on(self, operator):
        assert _GROUP in operator.get(reverse("admin:index")).content.decode()

        section = {"OUTL-BRT-DACS_DRMS_ConfigProps": {"dacsSide.enabled": "false"}}
        apply_configuration(section=section, by=None, at=NOW)

        assert _GROUP not in operator.get(reverse("admin:index")).content.decode()

    def test_shows_a_vee_analyst_none_of_it(self, client):
        person = User.objects.create_user("vera", is_staff=True)
        person.groups.add(Group.objects.get(name="VEE analyst"))
        client.force_login(person)

        assert _GROUP not in client.get(reverse("admin:index")).content.decode()
        assert client.get(reverse("admin:assets_enrollment_changelist")).status_code == 403


@pytest.mark.parametrize(
    "model",
    ["enrollment", "programsubscription", "controllabledevice", "contact", "devicelocation", "communication"],
)
def test_lists_read_a_fixed_number_of_queries(operator, model, django_assert_max_num_queries):
    address = reverse(f"admin:assets_{model}_changelist")
    enrolled(enrollment_request(1))
    operator.get(address)
    with django_assert_max_num_queries(60) as one:
        operator.get(address)
    for number in range(2, 7):
        enrolled(enrollment_request(number))

    with django_assert_max_num_queries(len(one)):
        assert operator.get(address).status_code == 200


def test_an_auditor_sees_and_does_nothing(client):
    enrollment = enroll(enrollment_request())
    answer_all("FAILURE")
    person = User.objects.create_user("audrey", is_staff=True)
    person.groups.add(Group.objects.get(name="Auditor"))
    client.force_login(person)

    assert client.get(page_of(enrollment)).status_code == 200
    assert client.post(reverse("admin:assets_enrollment_retry", args=[enrollment.pk]), {}).status_code == 403
    device = models.ControllableDevice.objects.get()
    check = reverse("admin:assets_controllabledevice_check_status", args=[device.pk])
    assert client.post(check).status_code == 403
    assert status_checks.Communication.objects.count() == 1
