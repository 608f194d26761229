"""Enrollments: stored before they are answered, made into what they ask for, or refused for a person to see."""

from __future__ import annotations

import datetime as dt

import pytest

from assets import models
from assets.operations import enrollments
from assets.service_forms import FormRefused
from tests.database.assets.enrolling import again, answer_all, enroll, enrolled, history, nics, receive, subscription_of
from tests.factories.assets import NOW, asset, enrollment_request, set_up_programs
from vee.models import Device, InstallEvent, ServicePoint


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def program() -> models.Program:
    return set_up_programs()


class TestAccepted:
    def test_the_request_of_the_guide_makes_what_it_names(self, program):
        enrollment = receive(enrollment_request())

        assert (enrollment.status, enrollment.message) == ("PENDING", "")
        assert len(enrollment.identifier) == 12
        assert enrollment.task_type.code == "DA-ENROLLMENT"
        contact = models.Contact.objects.get()
        assert (contact.cis_person_id, contact.name) == ("5512030001", "Rivera, Dana")
        assert (contact.home_phone, contact.email) == ("+1-650-555-0101", "dana.rivera@example.org")
        location = models.DeviceLocation.objects.get()
        assert (location.division, location.cis_service_point_id, location.city) == ("CA", "8874100001", "Redwood City")
        assert location.service_point.time_zone == "US/Pacific"
        assert location.service_point.standard_offset_seconds == -8 * 3600
        device = models.ControllableDevice.objects.get()
        assert (device.nic_id, device.head_end_system.name, device.serial_number) == (
            "411912340001", "ECOBEE", "5112340001",
        )  # fmt: skip
        assert (device.specification.code, device.ownership, device.installation_method) == (
            "ECOBEE-SMART5", "W1CO", "X1SI",
        )  # fmt: skip
        assert device.reach == "UNKNOWN"
        # One table with meter data: the service point, the device at it, the claim to its usage.
        assert device.device.service_point == location.service_point
        event = InstallEvent.objects.get()
        assert (event.device, event.installed_at) == (device.device, dt.datetime(2023, 6, 5, 7, tzinfo=dt.UTC))
        subscription = subscription_of(enrollment)
        assert subscription.usage_subscription.service_point == location.service_point
        assert subscription.usage_subscription.recipient == "DACS"
        assert (subscription.status, subscription.program, subscription.contact) == ("PENDING", program, contact)
        assert subscription.starts_at == dt.datetime(2023, 6, 5, 7, tzinfo=dt.UTC)
        assert (subscription.cis_account_id, subscription.cis_service_agreement_id) == ("9930118842", "7710035521")
        assert subscription.devices.count() == 0

    def test_a_day_that_is_to_come_begins_then_but_the_device_is_there_now(self):
        enrollment = receive(enrollment_request(programInfo={"startDate": "2023-12-05"}))

        assert subscription_of(enrollment).starts_at == dt.datetime(2023, 12, 5, 8, tzinfo=dt.UTC)
        assert InstallEvent.objects.get().installed_at == NOW

    def test_a_service_point_that_meter_data_has_becomes_the_place(self):
        point = ServicePoint.objects.create(identifier="8874100001", time_zone="America/Los_Angeles")

        receive(enrollment_request())

        assert models.DeviceLocation.objects.get().service_point == point
        assert ServicePoint.objects.get().time_zone == "America/Los_Angeles"

    def test_what_a_customer_says_anew_is_taken_over_and_what_is_left_out_stays(self):
        receive(enrollment_request(1))
        later = NOW + dt.timedelta(days=1)
        again_customer = {"cisPersonId": "5512030001", "name": "Rivera-Lee, Dana", "homePhone": ""}

        receive(
            enrollment_request(
                2, customerInfo=again_customer, locationInfo={"cisServicePointId": "8874100001", "address2": "Apt 4"}
            ),
            at=later,
        )

        contact = models.Contact.objects.get()
        assert (contact.name, contact.home_phone) == ("Rivera-Lee, Dana", "+1-650-555-0101")
        assert [row.name for row in contact.history.order_by("history_date")] == ["Rivera, Dana", "Rivera-Lee, Dana"]
        assert models.DeviceLocation.objects.get().address2 == "Apt 4"

    def test_every_step_leaves_word(self):
        enrollment = enroll(enrollment_request())
        answer_all()

        assert history(enrollment) == ["PENDING", "DEVICESETUP", "COMPLETE"]
        assert history(enrollment.device_setups.get()) == ["PENDING", "CHECKING", "COMPLETE"]
        assert history(subscription_of(enrollment)) == ["PENDING", "ACTIVE"]
        assert history(models.Communication.objects.get()) == ["PENDING", "COMPLETE"]
        assert again(enrollment).completed_at == NOW


class TestSeveralDevices:
    def test_at_once_the_first_that_is_set_up_activates_and_the_last_completes(self):
        assets = [asset(1), asset(2, headEndSystem="NEST", specification="NEST-LEARN3", sequence=2)]
        enrollment = enroll(enrollment_request(assets=assets))
        first, second = models.Communication.objects.order_by("pk")
        from assets.operations import status_checks

        status_checks.answer(identifier=first.identifier, result="SUCCESS", by="hub", at=NOW)

        assert (again(enrollment).status, subscription_of(enrollment).status) == ("DEVICESETUP", "ACTIVE")
        status_checks.answer(identifier=second.identifier, result="SUCCESS", by="hub", at=NOW)
        assert again(enrollment).status == "COMPLETE"
        assert nics(subscription_of(enrollment)) == ["411912340001", "411912340002"]

    def test_one_that_comes_later_joins_the_active_subscription(self):
        subscription = enrolled(enrollment_request(1))
        second = enrollment_request(1, transactionId="DRMS-ENR-SECOND", assets=[asset(2)])

        enrollment = enroll(second, at=NOW + dt.timedelta(days=30))

        assert subscription_of(enrollment) == subscription
        assert (again(subscription).status, nics(subscription)) == ("ACTIVE", ["411912340001"])
        answer_all(at=NOW + dt.timedelta(days=30))
        assert nics(subscription) == ["411912340001", "411912340002"]
        assert history(subscription) == ["PENDING", "ACTIVE"]
        assert subscription.devices.filter(removed_at__isnull=False).count() == 0

    def test_one_that_takes_part_already_is_not_asked_again(self):
        subscription = enrolled(enrollment_request(1))

        enrollment = enroll(enrollment_request(1, transactionId="DRMS-ENR-AGAIN"))

        assert enrollment.status == "COMPLETE"
        assert enrollment.device_setups.get().status == "COMPLETE"
        assert models.Communication.objects.count() == 1
        assert nics(subscription) == ["411912340001"]

    def test_a_closed_program_takes_devices_of_those_that_it_has(self, program):
        subscription = enrolled(enrollment_request(1))
        models.Program.objects.update(open_for_enrollment=False)

        assert receive(enrollment_request(1, transactionId="T-2", assets=[asset(2)])).status == "PENDING"
        refused = receive(enrollment_request(3))
        assert (refused.status, refused.message_number) == ("VALERROR", 11205)
        assert subscription.enrollments.count() == 2


class TestRefused:
    @pytest.mark.parametrize(
        ("_case", "parts", "number", "said"),
        [
            ("no such program", {"programInfo": {"programCode": "NO-SUCH"}}, 11204, "There is no program NO-SUCH."),
            ("no person", {"customerInfo": {"cisPersonId": ""}}, 11230, "customerInfo.cisPersonId is missing."),
            ("no place", {"locationInfo": {"cisServicePointId": None}}, 11231, "cisServicePointId is missing."),
            ("no division", {"locationInfo": {"division": " "}}, 11231, "locationInfo.division is missing."),
            ("zone", {"locationInfo": {"timeZone": "Mars/Olympus"}}, 11260, "is not an IANA time zone"),
            ("specification", {"assets": [asset(specification="TOASTER")]}, 11241, "Device 1: there is no device spec"),
            (
                "head end",
                {"assets": [asset(headEndSystem="ACME")]},
                11242,
                "Device 1: there is no head-end system ACME",
            ),
            ("unknown asset", {"assets": [asset(assetId="999")]}, 11240, "Device 1: there is no device 999."),
            ("twice", {"assets": [asset(), asset(sequence=2)]}, 11244, "The device ECOBEE/411912340001 stands twice."),
            (
                "nothing is known of the device",
                {
                    "assets": [{"sequence": 1, "assetType": "SMART-THERMOSTAT"}],
                    "assetInfo": {"installationMethod": "X1SD"},
                },
                11240,
                "Device 1 is not known",
            ),
        ],
    )
    def test_it_is_kept_for_a_person_and_nothing_else_is_made(self, _case, parts, number, said):
        request = enrollment_request(assets=parts.pop("assets", None))
        for name, values in parts.items():
            request[name] = {**request[name], **values}

        enrollment = receive(request)

        assert (enrollment.status, enrollment.message_number) == ("VALERROR", number)
        assert said in enrollment.message
        assert enrollment.request == request
        assert enrollment.subscription_id is None
        todo = models.AssetToDo.objects.get()
        assert (todo.type, todo.subject, todo.subject_id) == ("ENROLLMENT", "enrollment", str(enrollment.pk))
        assert said in todo.summary
        for model in (models.Contact, models.DeviceLocation, models.ControllableDevice, ServicePoint, Device):
            assert model.objects.count() == 0
        assert history(enrollment) == ["PENDING", "VALERROR"]

    def test_everything_that_stands_against_it_is_said_at_once(self):
        request = enrollment_request(
            programInfo={"programCode": "NO-SUCH"},
            customerInfo={"cisPersonId": ""},
            assets=[asset(headEndSystem="ACME")],
        )

        message = receive(request).message

        for said in ("no program NO-SUCH", "cisPersonId is missing", "no head-end system ACME"):
            assert said in message

    def test_the_period_of_the_program_counts(self):
        models.Program.objects.update(starts_on=dt.date(2023, 7, 1), ends_on=dt.date(2023, 9, 1))

        early = receive(enrollment_request(1))
        last_day = receive(enrollment_request(2, programInfo={"startDate": "2023-08-31"}))
        too_late = receive(enrollment_request(3, programInfo={"startDate": "2023-09-01"}))

        assert [early.message_number, last_day.message_number, too_late.message_number] == [11206, None, 11206]
        assert "starts on 2023-07-01" in early.message

    def test_a_place_has_one_customer_in_a_program(self):
        subscription = enrolled(enrollment_request(1))
        moved_in = enrollment_request(2, locationInfo={"cisServicePointId": "8874100001"})

        enrollment = receive(moved_in)

        assert (enrollment.status, enrollment.message_number) == ("VALERROR", 11232)
        assert subscription.usage_subscription.identifier in enrollment.message
        assert models.Contact.objects.count() == 1

    @pytest.mark.parametrize("answered", [True, False], ids=["takes part", "is being set up"])
    def test_a_device_is_in_one_place(self, answered):
        enroll(enrollment_request(1))
        if answered:
            answer_all()

        enrollment = receive(enrollment_request(2, assets=[asset(1)]))

        assert (enrollment.status, enrollment.message_number) == ("VALERROR", 11243)
        assert "ECOBEE/411912340001 belongs to subscription" in enrollment.message

    def test_a_place_that_is_inactive_takes_nobody(self):
        enrolled(enrollment_request(1))
        models.DeviceLocation.objects.update(status="INACTIVE")

        enrollment = receive(enrollment_request(1, transactionId="T-2", assets=[asset(2)]))

        assert (enrollment.status, enrollment.message_number) == ("VALERROR", 11231)


class TestMalformed:
    def test_nothing_is_stored(self):
        request = enrollment_request()
        del request["programInfo"]["startDate"]

        with pytest.raises(FormRefused, match="startDate"):
            receive(request)

        assert models.Enrollment.objects.count() == 0


class TestTheSameTransaction:
    def test_again_is_known_and_changes_nothing(self):
        first = receive(enrollment_request())

        with pytest.raises(enrollments.AlreadyExists) as known:
            receive(enrollment_request())

        assert (known.value.enrollment, known.value.same) == (first, True)
        assert models.Enrollment.objects.count() == 1
        assert models.ProgramSubscription.objects.count() == 1

    def test_with_another_request_is_told_apart(self):
        receive(enrollment_request())

        with pytest.raises(enrollments.AlreadyExists) as known:
            receive(enrollment_request(customerInfo={"name": "Somebody Else"}))

        assert known.value.same is False
        assert models.Contact.objects.get().name == "Rivera, Dana"

    def test_a_refused_one_is_known_too(self):
        receive(enrollment_request(programInfo={"programCode": "NO-SUCH"}))

        with pytest.raises(enrollments.AlreadyExists):
            receive(enrollment_request(programInfo={"programCode": "NO-SUCH"}))


class TestRetry:
    def test_a_refused_one_is_taken_up_once_the_reason_is_gone(self):
        enrollment = receive(enrollment_request(assets=[asset(specification="EV-1")]))
        models.DeviceSpecification.objects.create(code="EV-1", device_type="EV-CHARGER", rated_kw=7)

        enrollments.retry(enrollment_id=enrollment.pk, by="olga", reason="specification added", at=NOW)
        enrollments.set_up(enrollment_id=enrollment.pk, at=NOW)
        answer_all()

        enrollment = again(enrollment)
        assert (enrollment.status, enrollment.message, enrollment.message_number) == ("COMPLETE", "", None)
        assert subscription_of(enrollment).status == "ACTIVE"
        assert history(enrollment) == ["PENDING", "VALERROR", "PENDING", "DEVICESETUP", "COMPLETE"]
        assert models.AssetToDo.objects.get().status == "COMPLETE"

    def test_one_that_is_refused_again_says_why(self):
        enrollment = receive(enrollment_request(assets=[asset(specification="EV-1", headEndSystem="ACME")]))
        models.DeviceSpecification.objects.create(code="EV-1", device_type="EV-CHARGER", rated_kw=7)

        enrollment = enrollments.retry(enrollment_id=enrollment.pk, by="olga", at=NOW)

        assert (enrollment.status, enrollment.message_number) == ("VALERROR", 11242)
        todo = models.AssetToDo.objects.get()
        assert (todo.status, "EV-1" in todo.summary) == ("OPEN", False)

    def test_one_that_went_well_has_nothing_to_retry(self):
        enrollment = enroll(enrollment_request())

        with pytest.raises(enrollments.UnableToChangeEnrollment, match="nothing to be tried again"):
            enrollments.retry(enrollment_id=enrollment.pk, by="olga", at=NOW)


class TestCancel:
    def test_takes_the_subscription_with_it_that_nothing_else_will_activate(self):
        enrollment = enroll(enrollment_request())

        enrollments.cancel(enrollment_id=enrollment.pk, by="olga", reason="wrong house", at=NOW)

        assert again(enrollment).status == "CANCELED"
        assert subscription_of(enrollment).status == "CANCELED"
        assert enrollment.device_setups.get().status == "CANCELED"
        assert models.Communication.objects.get().status == "CANCELED"
        change = models.StatusChange.objects.filter(subject="enrollment").latest("pk")
        assert (change.by, change.reason) == ("olga", "wrong house")

    def test_leaves_a_subscription_alone_that_is_active(self):
        subscription = enrolled(enrollment_request(1))
        second = enroll(enrollment_request(1, transactionId="T-2", assets=[asset(2)]))

        enrollments.cancel(enrollment_id=second.pk, by="olga", reason="returned", at=NOW)

        assert again(subscription).status == "ACTIVE"
        assert nics(subscription) == ["411912340001"]

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_wants_a_reason(self, reason):
        enrollment = receive(enrollment_request())

        with pytest.raises(enrollments.UnableToChangeEnrollment, match="Say why"):
            enrollments.cancel(enrollment_id=enrollment.pk, by="olga", reason=reason, at=NOW)

    def test_a_late_answer_to_a_canceled_one_changes_nothing_but_what_is_known_of_the_device(self):
        from assets.operations import status_checks

        enrollment = enroll(enrollment_request())
        enrollments.cancel(enrollment_id=enrollment.pk, by="olga", reason="wrong house", at=NOW)

        row = status_checks.answer(
            identifier=models.Communication.objects.get().identifier, result="SUCCESS", by="hub", at=NOW
        )

        assert (row.status, row.result) == ("CANCELED", "SUCCESS")
        assert models.ControllableDevice.objects.get().reach == "ONLINE"
        assert enrollment.device_setups.get().status == "CANCELED"
        assert subscription_of(enrollment).devices.count() == 0
