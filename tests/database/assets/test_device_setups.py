"""The step between enrolled and active: the status check, its message, its answer, and what happens without one."""

from __future__ import annotations

import datetime as dt

import pytest

from assets import models, receivers
from assets.operations import communications, enrollments, status_checks, sweeping
from assets.refusals import BusinessRefusal
from lookups.operations import apply_configuration
from outbound.models import OutboundMessage
from tests.database.assets.enrolling import (
    again,
    answer_all,
    bodies,
    enroll,
    enrolled,
    history,
    nics,
    receive,
    subscription_of,
)
from tests.factories.assets import NOW, asset, enrollment_request, set_up_programs, switch_on


pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def program() -> models.Program:
    return set_up_programs()


def the_check() -> models.Communication:
    return models.Communication.objects.latest("pk")


def settle(status: str, *, error: str = "") -> None:
    message = OutboundMessage.objects.latest("pk")
    message.last_error = error
    receivers.status_check_settled(message=message, status=status)


class TestTheMessage:
    def test_is_the_one_of_the_guide_and_goes_to_the_hub(self):
        enroll(enrollment_request())

        check = the_check()
        assert len(check.identifier) == 14
        assert bodies() == [
            {
                "sendDetails": {
                    "communicationId": check.identifier,
                    "deviceInfo": {
                        "division": "CA",
                        "deviceType": "SMART-THERMOSTAT",
                        "specification": "ECOBEE-SMART5",
                        "headEndSystem": "ECOBEE",
                        "nicId": "411912340001",
                    },
                }
            }
        ]
        message = OutboundMessage.objects.get()
        assert (message.message_type.code, message.external_system.name) == ("X1-CTRLDVCS", "HUB")
        assert message.message_type.path == "/OUTL-BA-DACS_DRMS_DEVICE_STATUS/1.0/status-check"
        assert (check.type.business_object, check.activity_type.description) == (
            "X1-CtrlDvcStatusCheckComm",
            "Controllable Device Status Check",
        )
        assert check.message_id == message.message_id

    def test_none_is_sent_by_a_program_that_wants_none(self):
        models.Program.objects.update(needs_status_check=False)

        enrollment = enroll(enrollment_request())

        assert enrollment.status == "COMPLETE"
        assert subscription_of(enrollment).status == "ACTIVE"
        assert bodies() == []
        assert models.ControllableDevice.objects.get().reach == "UNKNOWN"

    def test_its_arrival_is_noted(self):
        enroll(enrollment_request())

        settle("SUCCESS")

        assert the_check().status == "AWAITING"

    def test_an_answer_that_is_quicker_than_the_word_of_its_arrival_stands(self):
        enroll(enrollment_request())
        answer_all()

        settle("SUCCESS")

        assert the_check().status == "COMPLETE"
        assert history(the_check()) == ["PENDING", "COMPLETE"]

    @pytest.mark.parametrize(
        ("status", "said"), [("FAIL", "DERMS answered 400"), ("CANCELED", "A person canceled the message.")]
    )
    def test_one_that_does_not_arrive_is_work_for_a_person(self, status, said):
        enrollment = enroll(enrollment_request())

        settle(status, error="DERMS answered 400")

        assert (the_check().status, again(enrollment).status) == ("ERROR", "ERROR")
        assert enrollment.device_setups.get().status == "ERROR"
        assert said in models.AssetToDo.objects.get().summary
        assert again(enrollment).message in models.AssetToDo.objects.get().summary

    def test_one_that_a_person_sends_again_is_waited_for_again(self):
        enrollment = enroll(enrollment_request())
        settle("FAIL", error="DERMS answered 400")

        settle("SUCCESS")
        assert the_check().status == "AWAITING"
        status_checks.answer(identifier=the_check().identifier, result="SUCCESS", by="hub", at=NOW)

        assert (again(enrollment).status, subscription_of(enrollment).status) == ("COMPLETE", "ACTIVE")

    def test_of_something_else_is_nothing_to_it(self):
        enroll(enrollment_request())
        message = OutboundMessage.objects.get()
        message.context = {"flow": "enrollment_sync"}

        receivers.status_check_settled(message=message, status="FAIL")

        assert the_check().status == "PENDING"

    @pytest.mark.parametrize(
        ("_case", "spoil", "said"),
        [
            ("no method", lambda: models.ProcessingMethod.objects.all().delete(), "has no processing method"),
            ("no system", lambda: models.HeadEndSystem.objects.update(external_system=None), "no external system"),
        ],
    )
    def test_where_it_cannot_be_queued_a_person_is_told_what_to_do(self, _case, spoil, said):
        spoil()

        enrollment = enroll(enrollment_request())

        assert enrollment.status == "ERROR"
        assert said in models.AssetToDo.objects.get().summary
        assert models.Communication.objects.count() == 0


class TestTheAnswer:
    def test_success_sets_the_device_up(self):
        enrollment = enroll(enrollment_request())
        at = NOW + dt.timedelta(minutes=3)

        row = status_checks.answer(identifier=the_check().identifier, result="SUCCESS", by="hub", at=at)

        assert (row.status, row.result, row.answered_at) == ("COMPLETE", "SUCCESS", at)
        device = models.ControllableDevice.objects.get()
        assert (device.reach, device.reach_checked_at) == ("ONLINE", at)
        assert history(device) == ["ONLINE"]
        assert (again(enrollment).status, again(enrollment).completed_at) == ("COMPLETE", at)
        subscription = subscription_of(enrollment)
        assert (subscription.status, subscription.devices.get().added_at) == ("ACTIVE", at)

    def test_failure_is_work_for_a_person_who_has_it_tried_again(self):
        enrollment = enroll(enrollment_request())
        answer_all("FAILURE")
        assert models.ControllableDevice.objects.get().reach == "OFFLINE"
        assert (again(enrollment).status, subscription_of(enrollment).status) == ("ERROR", "PENDING")
        todo = models.AssetToDo.objects.get()
        assert (todo.type, todo.status) == ("ENROLLMENT", "OPEN")
        assert "could not be reached" in todo.summary
        assert the_check().status == "COMPLETE"

        enrollments.retry(enrollment_id=enrollment.pk, by="olga", reason="customer rebooted it", at=NOW + DAY)

        assert again(enrollment).status == "DEVICESETUP"
        assert models.Communication.objects.count() == 2
        answer_all(at=NOW + DAY)
        assert (again(enrollment).status, subscription_of(enrollment).status) == ("COMPLETE", "ACTIVE")
        assert again(todo).status == "COMPLETE"
        assert history(enrollment.device_setups.get()) == [
            "PENDING", "CHECKING", "ERROR", "PENDING", "CHECKING", "COMPLETE",
        ]  # fmt: skip

    def test_of_several_devices_one_that_fails_leaves_the_others_alone(self):
        enrollment = enroll(enrollment_request(assets=[asset(1), asset(2)]))
        first, second = models.Communication.objects.order_by("pk")

        status_checks.answer(identifier=first.identifier, result="FAILURE", by="hub", at=NOW)
        assert again(enrollment).status == "DEVICESETUP"
        status_checks.answer(identifier=second.identifier, result="SUCCESS", by="hub", at=NOW)

        assert (again(enrollment).status, subscription_of(enrollment).status) == ("ERROR", "ACTIVE")
        assert nics(subscription_of(enrollment)) == ["411912340002"]
        enrollments.retry(enrollment_id=enrollment.pk, by="olga", at=NOW)
        assert models.Communication.objects.count() == 3
        answer_all()
        assert again(enrollment).status == "COMPLETE"
        assert nics(subscription_of(enrollment)) == ["411912340002", "411912340001"]

    def test_again_it_changes_nothing(self):
        enroll(enrollment_request())
        answer_all()
        before = models.StatusChange.objects.count()

        row = status_checks.answer(identifier=the_check().identifier, result="SUCCESS", by="hub", at=NOW + DAY)

        assert (row.status, row.answered_at) == ("COMPLETE", NOW)
        assert models.StatusChange.objects.count() == before

    def test_otherwise_than_before_it_is_refused(self):
        enroll(enrollment_request())
        answer_all("FAILURE")

        with pytest.raises(BusinessRefusal, match="was answered with FAILURE before") as refusal:
            status_checks.answer(identifier=the_check().identifier, result="SUCCESS", by="hub", at=NOW)

        assert refusal.value.number == 11221

    def test_to_a_check_that_is_not_known_is_refused(self):
        with pytest.raises(BusinessRefusal, match="Communication 85810617092033 is not known"):
            status_checks.answer(identifier="85810617092033", result="SUCCESS", by="hub", at=NOW)


class TestTimeOut:
    def test_a_check_without_an_answer_is_given_up_after_the_propertys_time(self):
        enrollment = enroll(enrollment_request())
        assert sweeping.sweep(at=NOW + dt.timedelta(hours=23, minutes=59)).timed_out == 0

        assert sweeping.sweep(at=NOW + DAY).timed_out == 1

        assert (the_check().status, again(enrollment).status) == ("TIMEDOUT", "ERROR")
        assert "was not answered in time" in models.AssetToDo.objects.get().summary
        assert sweeping.sweep(at=NOW + 2 * DAY).timed_out == 0
        assert models.AssetToDo.objects.count() == 1

    def test_the_property_decides(self):
        section = {"OUTL-BRT-DACS_DRMS_ConfigProps": {"deviceStatusCheck.ackTimeout": "5m"}}
        apply_configuration(section=section, by=None, at=NOW)
        enroll(enrollment_request())

        assert sweeping.sweep(at=NOW + dt.timedelta(minutes=5)).timed_out == 1

    def test_an_answer_that_comes_after_all_is_taken(self):
        enrollment = enroll(enrollment_request())
        sweeping.sweep(at=NOW + DAY)

        status_checks.answer(identifier=the_check().identifier, result="SUCCESS", by="hub", at=NOW + 2 * DAY)

        assert (the_check().status, again(enrollment).status) == ("COMPLETE", "COMPLETE")
        assert subscription_of(enrollment).status == "ACTIVE"
        assert models.AssetToDo.objects.get().status == "COMPLETE"
        assert history(enrollment) == ["PENDING", "DEVICESETUP", "ERROR", "DEVICESETUP", "COMPLETE"]

    def test_a_late_answer_to_the_first_check_does_not_answer_the_second(self):
        enrollment = enroll(enrollment_request())
        first = the_check()
        sweeping.sweep(at=NOW + DAY)
        enrollments.retry(enrollment_id=enrollment.pk, by="olga", at=NOW + DAY)

        status_checks.answer(identifier=first.identifier, result="SUCCESS", by="hub", at=NOW + DAY)

        assert again(enrollment).status == "DEVICESETUP"
        assert enrollment.device_setups.get().status == "CHECKING"
        assert models.ControllableDevice.objects.get().reach == "ONLINE"

    def test_nothing_is_done_while_the_side_is_off(self):
        enroll(enrollment_request())
        section = {"OUTL-BRT-DACS_DRMS_ConfigProps": {"dacsSide.enabled": "false"}}
        apply_configuration(section=section, by=None, at=NOW)

        assert sweeping.sweep(at=NOW + DAY) == sweeping.Swept()
        switch_on()
        assert sweeping.sweep(at=NOW + DAY).timed_out == 1


class TestWaking:
    def test_an_enrollment_whose_wake_up_was_lost_is_woken_by_the_sweep(self):
        receive(enrollment_request())

        assert sweeping.sweep(at=NOW + dt.timedelta(seconds=9)).woken == 0
        assert sweeping.sweep(at=NOW + dt.timedelta(seconds=10)).woken == 1

    def test_two_wake_ups_begin_once(self):
        enrollment = receive(enrollment_request())

        enrollments.set_up(enrollment_id=enrollment.pk, at=NOW)
        enrollments.set_up(enrollment_id=enrollment.pk, at=NOW)

        assert models.Communication.objects.count() == 1


class TestAPersonAsks:
    def test_how_a_device_is_without_an_enrollment(self):
        subscription = enrolled(enrollment_request())
        device = models.ControllableDevice.objects.get()

        check = status_checks.check_now(device_id=device.pk, by="olga", at=NOW + DAY)
        status_checks.answer(identifier=check.identifier, result="FAILURE", by="hub", at=NOW + DAY)

        assert again(device).reach == "OFFLINE"
        assert again(subscription).status == "ACTIVE"
        assert models.AssetToDo.objects.count() == 0

    def test_and_gets_a_to_do_when_nobody_answers(self):
        enrolled(enrollment_request())
        check = status_checks.check_now(device_id=models.ControllableDevice.objects.get().pk, by="olga", at=NOW)

        sweeping.sweep(at=NOW + DAY)

        todo = models.AssetToDo.objects.get()
        assert (todo.type, todo.subject, todo.subject_id) == ("DEVICE_STATUS", "communication", str(check.pk))
        status_checks.answer(identifier=check.identifier, result="SUCCESS", by="hub", at=NOW + DAY)
        assert again(todo).status == "COMPLETE"

    def test_of_a_device_that_is_nowhere_is_told_so(self):
        enrolled(enrollment_request())
        device = models.ControllableDevice.objects.get()
        device.device.service_point = None
        device.device.save()

        with pytest.raises(communications.UnableToAsk, match="is at no device location"):
            status_checks.check_now(device_id=device.pk, by="olga", at=NOW)
