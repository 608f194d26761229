"""Enrollments that come at the same time, on both databases: nothing is made twice, and nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from assets import models
from assets.operations import enrollments, status_checks
from tests.database.assets.enrolling import enroll, nics, receive, unenroll
from tests.factories.assets import NOW, asset, enrollment_request, set_up_programs, unenrollment_request
from vee.models import InstallEvent, ServicePoint


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def program() -> models.Program:
    return set_up_programs()


def together(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make calls at the same time, each with a connection of its own; give results or what was raised."""
    barrier = threading.Barrier(len(calls))

    def run(call: Callable[[], Any]) -> Any:
        try:
            barrier.wait(30)
            return call()
        except enrollments.AlreadyExists as known:
            return known
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=len(calls)) as pool:
        return [future.result(120) for future in [pool.submit(run, call) for call in calls]]


def test_two_of_one_customer_at_two_places_make_one_contact():
    same = {"cisPersonId": "5512030001"}

    done = together([lambda n=n: receive(enrollment_request(n, customerInfo=same)) for n in (1, 2, 3, 4)])

    assert [one.status for one in done] == ["PENDING"] * 4
    assert models.Contact.objects.count() == 1
    assert models.ProgramSubscription.objects.count() == 4


def test_two_devices_of_one_place_make_one_subscription():
    requests = [enrollment_request(1, transactionId=f"T-{n}", assets=[asset(n)]) for n in (1, 2, 3, 4)]

    done = together([lambda request=request: receive(request) for request in requests])

    assert [one.status for one in done] == ["PENDING"] * 4
    assert (ServicePoint.objects.count(), models.DeviceLocation.objects.count()) == (1, 1)
    assert models.ProgramSubscription.objects.count() == 1
    assert models.ControllableDevice.objects.count() == 4
    assert InstallEvent.objects.count() == 4


def test_one_transaction_that_comes_twice_is_done_once():
    done = together([lambda: receive(enrollment_request()) for _ in range(4)])

    assert sorted(type(one).__name__ for one in done) == ["AlreadyExists"] * 3 + ["Enrollment"]
    assert models.Enrollment.objects.count() == 1
    assert models.ControllableDevice.objects.count() == 1


def test_one_device_for_two_places_goes_to_one_of_them():
    done = together([lambda n=n: receive(enrollment_request(n, assets=[asset(9)])) for n in (1, 2)])

    assert sorted(one.status for one in done) == ["PENDING", "VALERROR"]
    assert models.ControllableDevice.objects.count() == 1
    assert InstallEvent.objects.filter(removed_at__isnull=True).count() == 1


def test_two_answers_of_one_enrollment_activate_once_and_complete_once():
    enrollment = enroll(enrollment_request(assets=[asset(1), asset(2), asset(3)]))
    checks = list(models.Communication.objects.values_list("identifier", flat=True))

    together(
        [lambda key=key: status_checks.answer(identifier=key, result="SUCCESS", by="hub", at=NOW) for key in checks]
    )

    assert models.Enrollment.objects.get().status == "COMPLETE"
    subscription = models.ProgramSubscription.objects.get()
    assert (subscription.status, len(nics(subscription))) == ("ACTIVE", 3)
    activated = models.StatusChange.objects.filter(subject="programsubscription", to_status="ACTIVE")
    completed = models.StatusChange.objects.filter(
        subject="enrollment", subject_id=str(enrollment.pk), to_status="COMPLETE"
    )
    assert (activated.count(), completed.count()) == (1, 1)


def test_an_answer_beside_an_unenrollment_leaves_nothing_half_done():
    enroll(enrollment_request())
    key = models.Communication.objects.get().identifier

    _, request = together(
        [
            lambda: status_checks.answer(identifier=key, result="SUCCESS", by="hub", at=NOW),
            lambda: unenroll(unenrollment_request()),
        ]
    )

    assert request.status == "COMPLETE"
    subscription = models.ProgramSubscription.objects.get()
    # Whichever came first: it is over, and no device takes part.
    assert subscription.status in ("CANCELED", "INACTIVE")
    assert nics(subscription) == []
    assert models.Enrollment.objects.get(kind="ENROLL").status in ("CANCELED", "COMPLETE")


def test_two_wake_ups_at_once_ask_once():
    enrollment = receive(enrollment_request())

    together([lambda: enrollments.set_up(enrollment_id=enrollment.pk, at=NOW) for _ in range(3)])

    assert models.Communication.objects.count() == 1
