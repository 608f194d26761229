"""Reading the DACS side by API."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from assets import models
from tests.database.assets.enrolling import enroll, enrolled, receive, unenroll
from tests.factories.assets import NOW, asset, enrollment_request, set_up_programs, unenrollment_request


pytestmark = pytest.mark.django_db
ADDRESSES = ("contacts", "controllable-devices", "program-subscriptions", "enrollments")


@pytest.fixture(autouse=True)
def program() -> models.Program:
    return set_up_programs()


def caller_with(*rights: str) -> APIClient:
    user = get_user_model().objects.create_user("reader")
    user.user_permissions.set(Permission.objects.filter(codename__in=rights, content_type__app_label="assets"))
    caller = APIClient()
    caller.force_authenticate(user)
    return caller


@pytest.fixture
def reader() -> APIClient:
    return caller_with("view_contact", "view_controllabledevice", "view_programsubscription", "view_enrollment")


def results(reader: APIClient, address: str, **asked: str) -> list[dict]:
    answer = reader.get(f"/api/v1/{address}/", asked)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_a_subscription_with_its_devices(reader):
    subscription = enrolled(enrollment_request(1))
    old = models.ControllableDevice.objects.get()
    enrolled(
        enrollment_request(1, transactionId="T-2", assets=[asset(2, assetId=old.device.identifier)]),
        at=NOW + dt.timedelta(days=1),
    )

    (row,) = results(reader, "program-subscriptions")

    new = models.ControllableDevice.objects.get(nic_id="411912340002")
    assert (row["id"], row["status"], row["program"]) == (
        subscription.usage_subscription.identifier, "ACTIVE", "SMART-COOL",
    )  # fmt: skip
    assert (row["cis_person_id"], row["cis_service_point_id"], row["division"]) == ("5512030001", "8874100001", "CA")
    assert (row["starts_at"], row["ends_at"]) == ("2023-06-05T07:00:00Z", None)
    assert [(one["nic_id"], one["removed_at"], one["replaced_by"]) for one in row["devices"]] == [
        ("411912340001", "2023-06-17T00:00:00Z", new.device.identifier),
        ("411912340002", None, None),
    ]


def test_a_device_a_contact_and_an_enrollment(reader):
    enrollment = enroll(enrollment_request(1))

    (device,) = results(reader, "controllable-devices")
    (contact,) = results(reader, "contacts")
    (row,) = results(reader, "enrollments")

    assert (device["nic_id"], device["head_end_system"], device["reach"]) == ("411912340001", "ECOBEE", "UNKNOWN")
    assert device["service_point"] == models.DeviceLocation.objects.get().service_point.identifier
    assert (contact["cis_person_id"], contact["name"]) == ("5512030001", "Rivera, Dana")
    assert (row["id"], row["status"], row["kind"]) == (enrollment.identifier, "DEVICESETUP", "ENROLL")
    assert "request" not in row
    (setup,) = row["device_setups"]
    assert (setup["status"], setup["communication"]) == ("CHECKING", models.Communication.objects.get().identifier)


@pytest.mark.parametrize(
    ("address", "asked", "count"),
    [
        ("program-subscriptions", {"status": "ACTIVE"}, 1),
        ("program-subscriptions", {"status": ["ACTIVE", "INACTIVE"]}, 2),
        ("program-subscriptions", {"cis_person_id": "5512030001"}, 1),
        ("program-subscriptions", {"program": "OTHER"}, 0),
        ("program-subscriptions", {"search": "8874100002"}, 1),
        ("program-subscriptions", {"search": "874100002"}, 0),
        ("program-subscriptions", {"search": "55120300"}, 2),
        ("program-subscriptions", {"search": " "}, 2),
        ("controllable-devices", {"search": "411912340002"}, 1),
        ("controllable-devices", {"search": "11912340002"}, 0),
        ("controllable-devices", {"reach": "ONLINE"}, 2),
        ("controllable-devices", {"nic_id": "411912340002", "head_end_system": "ECOBEE"}, 1),
        ("contacts", {"search": "rivera"}, 2),
        ("contacts", {"search": "5512030001"}, 1),
        ("contacts", {"search": "ivera"}, 0),
        ("contacts", {"search": "%"}, 0),
        ("enrollments", {"kind": "UNENROLL"}, 1),
        ("enrollments", {"status": "VALERROR"}, 1),
        ("enrollments", {"received_before": "2023-06-16T00:00:00Z"}, 0),
    ],
)
def test_filters(reader, address, asked, count):
    enrolled(enrollment_request(1))
    enrolled(enrollment_request(2))
    unenroll(unenrollment_request(2))
    receive(enrollment_request(3, programInfo={"programCode": "NO-SUCH"}))

    assert len(results(reader, address, **asked)) == count


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_page_reads_a_fixed_number_of_queries(reader, address, django_assert_max_num_queries):
    enrolled(enrollment_request(1))
    with django_assert_max_num_queries(20) as few:
        results(reader, address)
    for number in range(2, 7):
        enrolled(enrollment_request(number))

    with django_assert_max_num_queries(len(few)):
        assert len(results(reader, address)) == 6
    assert reader.get(f"/api/v1/{address}/", {"page_size": "2", "page": "2"}).json()["count"] == 6


@pytest.mark.parametrize("address", ADDRESSES)
def test_without_the_right_it_is_refused_and_nothing_is_written_by_it(reader, address):
    assert reader.post(f"/api/v1/{address}/", {}, format="json").status_code == 405
    nobody = APIClient()
    nobody.force_authenticate(get_user_model().objects.create_user("nobody"))
    assert nobody.get(f"/api/v1/{address}/").status_code == 403
