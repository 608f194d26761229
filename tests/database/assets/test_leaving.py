"""Unenrollment, and one device in the place of another."""

from __future__ import annotations

import datetime as dt

import pytest

from assets import models
from assets.operations import enrollments, replacements, subscriptions, sweeping
from tests.database.assets.enrolling import (
    LATER,
    again,
    answer_all,
    enroll,
    enrolled,
    history,
    nics,
    receive,
    subscription_of,
    unenroll,
)
from tests.factories.assets import asset, enrollment_request, make_program, set_up_programs, unenrollment_request
from vee.models import InstallEvent


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def program() -> models.Program:
    return set_up_programs()


@pytest.fixture
def told(monkeypatch) -> list[str]:
    """What the change capture was told, instead of its telling: what it makes of it is its own."""
    heard: list[str] = []
    for place in ("subscriptions", "device_setups", "unenrollment_building", "masters"):
        monkeypatch.setattr(
            f"assets.operations.{place}.captured",
            lambda *, subscription_ids, what, by, at: heard.append(f"{len(subscription_ids)}: {what}"),
        )
    return heard


def device(nic: str) -> models.ControllableDevice:
    return models.ControllableDevice.objects.get(nic_id=nic)


class TestUnenrollment:
    def test_ends_the_subscription_now(self, told):
        subscription = enrolled(enrollment_request(1))

        request = unenroll(unenrollment_request(1))

        assert (request.kind, request.status, request.completed_at) == ("UNENROLL", "COMPLETE", LATER)
        assert request.task_type.code == "DA-UNENROLLMENT"
        subscription = again(subscription)
        assert (subscription.status, subscription.ends_at) == ("INACTIVE", LATER)
        assert subscription.devices.get().removed_at == LATER
        # The customer's own device stays where it is.
        assert InstallEvent.objects.get().removed_at is None
        assert history(subscription) == ["PENDING", "ACTIVE", "INACTIVE"]
        assert told == [f"1: Device {device('411912340001').device.identifier} added", "1: Unenrolled: Unenrollment"]

    @pytest.mark.parametrize(
        ("_case", "ownership", "removal", "gone"),
        [
            ("customer's, nothing said", "W1CO", {}, False),
            ("customer's, shipped back", "W1CO", {"assetInfo": {"removalMethod": "X1SD"}}, True),
            ("utility's, nothing said", "W1OW", {}, True),
            ("utility's, kept", "W1OW", {"assetInfo": {"removalMethod": "X1KP"}}, False),
            ("utility's, fetched", "W1OW", {"assetInfo": {"removalMethod": "X1UR"}}, True),
        ],
    )
    def test_devices_leave_the_place_or_stay(self, _case, ownership, removal, gone):
        request = enrollment_request(1)
        request["assetInfo"]["assetOwnership"] = ownership
        enrolled(request)

        unenroll({**unenrollment_request(1), **removal})

        event = InstallEvent.objects.get()
        assert event.removed_at == (LATER if gone else None)
        point = device("411912340001").device.service_point
        assert point == (None if gone else event.service_point)

    def test_cancels_what_is_still_under_way(self):
        enrolled(enrollment_request(1))
        open_one = enroll(enrollment_request(1, transactionId="T-2", assets=[asset(2)]))
        failed = enroll(enrollment_request(1, transactionId="T-3", assets=[asset(3)]))
        models.AssetToDo.objects.all().delete()

        unenroll(unenrollment_request(1))

        for enrollment in (open_one, failed):
            assert again(enrollment).status == "CANCELED"
            assert enrollment.device_setups.get().status == "CANCELED"
        assert set(models.Communication.objects.values_list("status", flat=True)) == {"COMPLETE", "CANCELED"}

    def test_of_one_that_never_became_active_cancels_it(self, told):
        enrollment = enroll(enrollment_request(1))
        answer_all("FAILURE")

        request = unenroll(unenrollment_request(1))

        assert request.status == "COMPLETE"
        assert (subscription_of(enrollment).status, again(enrollment).status) == ("CANCELED", "CANCELED")
        assert models.AssetToDo.objects.get().status == "COMPLETE"
        assert told == []

    def test_before_it_starts_leaves_no_time_between(self):
        subscription = enrolled(enrollment_request(1, programInfo={"startDate": "2023-12-05"}))

        unenroll(unenrollment_request(1))

        subscription = again(subscription)
        assert subscription.ends_at == subscription.starts_at

    def test_for_a_day_to_come_is_told_now_and_done_then(self, told):
        subscription = enrolled(enrollment_request(1))
        told.clear()

        request = unenroll(
            {**unenrollment_request(1), "programInfo": {"programCode": "SMART-COOL", "endDate": "2023-07-01"}}
        )

        end = dt.datetime(2023, 7, 1, 7, tzinfo=dt.UTC)
        assert request.status == "PENDING"
        assert (again(subscription).status, again(subscription).ends_at) == ("ACTIVE", end)
        assert told == ["1: End of the subscription"]
        assert sweeping.sweep(at=end - dt.timedelta(seconds=1)).ended == 0
        assert sweeping.sweep(at=end + dt.timedelta(seconds=5)).ended == 1
        assert (again(subscription).status, again(subscription).ends_at) == ("INACTIVE", end)
        assert again(request).status == "COMPLETE"

    def test_for_a_day_to_come_can_be_taken_back(self, told):
        subscription = enrolled(enrollment_request(1))
        request = unenroll(
            {**unenrollment_request(1), "programInfo": {"programCode": "SMART-COOL", "endDate": "2023-07-01"}}
        )

        enrollments.cancel(enrollment_id=request.pk, by="olga", reason="the customer stays", at=LATER)

        assert (again(subscription).status, again(subscription).ends_at) == ("ACTIVE", None)
        assert again(request).status == "CANCELED"
        assert told[-1] == "1: End of the subscription"
        assert sweeping.sweep(at=dt.datetime(2023, 7, 2, tzinfo=dt.UTC)).ended == 0

    def test_of_one_device_leaves_the_others(self, told):
        subscription = enrolled(enrollment_request(1, assets=[asset(1), asset(2)]))
        told.clear()

        request = unenroll(
            unenrollment_request(1, assetInfo={"assetList": [{"nicId": "411912340001", "headEndSystem": "ECOBEE"}]})
        )

        assert request.status == "COMPLETE"
        assert (again(subscription).status, nics(subscription)) == ("ACTIVE", ["411912340002"])
        assert told == [f"1: Device {device('411912340001').device.identifier} removed: Unenrollment"]

    def test_of_the_last_device_ends_it(self):
        subscription = enrolled(enrollment_request(1))
        key = device("411912340001").device.identifier

        unenroll({**unenrollment_request(1), "assetInfo": {"assetList": [{"assetId": key}]}})

        assert (again(subscription).status, nics(subscription)) == ("INACTIVE", [])

    @pytest.mark.parametrize(
        ("_case", "parts", "number"),
        [
            ("another customer", {"customerInfo": {"cisPersonId": "1"}}, 11250),
            ("another program", {"programInfo": {"programCode": "OTHER"}}, 11250),
            ("nobody named", {"customerInfo": {}, "locationInfo": {}}, 11230),
            ("another device", {"assetInfo": {"assetList": [{"assetId": "1"}]}}, 11240),
        ],
    )
    def test_what_is_not_possible_is_kept_for_a_person(self, _case, parts, number):
        subscription = enrolled(enrollment_request(1))

        request = unenroll({**unenrollment_request(1), **parts})

        assert (request.status, request.message_number) == ("VALERROR", number)
        assert models.AssetToDo.objects.get().type == "ENROLLMENT"
        assert (again(subscription).status, nics(subscription)) == ("ACTIVE", ["411912340001"])

    def test_a_customer_at_two_places_names_the_place(self):
        enrolled(enrollment_request(1))
        enrolled(enrollment_request(2, customerInfo={"cisPersonId": "5512030001"}))
        anywhere = {**unenrollment_request(1), "locationInfo": {}}

        assert "name the service point" in unenroll(anywhere).message
        assert unenroll({**unenrollment_request(1), "transactionId": "U-2"}).status == "COMPLETE"

    def test_twice_is_refused_the_second_time(self):
        enrolled(enrollment_request(1))
        unenroll(unenrollment_request(1))

        with pytest.raises(enrollments.AlreadyExists):
            unenroll(unenrollment_request(1))
        assert unenroll({**unenrollment_request(1), "transactionId": "U-2"}).message_number == 11250

    def test_afterwards_the_customer_can_come_again(self):
        first = enrolled(enrollment_request(1))
        unenroll(unenrollment_request(1))
        request = enrollment_request(1, transactionId="T-2")
        request["assetInfo"]["installationMethod"] = "X1RE"

        second = enrolled(request, at=LATER)

        assert second.pk != first.pk
        assert (second.status, nics(second), again(first).status) == ("ACTIVE", ["411912340001"], "INACTIVE")

    def test_and_so_can_the_next_customer_of_the_place(self):
        enrolled(enrollment_request(1))
        unenroll(unenrollment_request(1))

        next_one = enrolled(enrollment_request(2, locationInfo={"cisServicePointId": "8874100001"}), at=LATER)

        assert next_one.contact.cis_person_id == "5512030002"
        assert models.DeviceLocation.objects.count() == 1

    def test_a_person_does_it_in_the_same_way(self):
        subscription = enrolled(enrollment_request(1))

        request = replacements.unenroll(
            subscription=subscription, reason="moved out", removal="X1UR", by="olga", at=LATER
        )

        assert (request.status, again(subscription).status) == ("COMPLETE", "INACTIVE")
        assert InstallEvent.objects.get().removed_at == LATER
        change = models.StatusChange.objects.get(subject="programsubscription", to_status="INACTIVE")
        assert (change.by, change.reason) == ("olga", "moved out")


class TestReplacement:
    def test_by_asset_id_the_new_one_takes_the_place_of_the_named_one(self, told):
        subscription = enrolled(enrollment_request(1, assets=[asset(1), asset(2)]))
        told.clear()
        old = device("411912340001")
        request = enrollment_request(1, transactionId="T-2", assets=[asset(3, assetId=old.device.identifier)])

        enrollment = enroll(request, at=LATER)
        # Until the new one can be reached, the old one is what there is.
        assert nics(subscription) == ["411912340001", "411912340002"]
        answer_all(at=LATER)

        assert again(enrollment).status == "COMPLETE"
        assert nics(subscription) == ["411912340002", "411912340003"]
        member = subscription.devices.get(device=old)
        assert (member.removed_at, member.replaced_by) == (LATER, device("411912340003"))
        events = {event.device_id: event.removed_at for event in InstallEvent.objects.all()}
        assert events[old.pk] == LATER
        assert events[device("411912340003").pk] is None
        new = device("411912340003").device.identifier
        assert told == [f"1: Device {old.device.identifier} replaced by {new}"]
        assert again(subscription).status == "ACTIVE"

    def test_a_re_enrollment_names_all_devices_from_now_on(self, told):
        assets = [asset(1), asset(2), asset(3, headEndSystem="NEST", specification="NEST-LEARN3")]
        subscription = enrolled(enrollment_request(1, assets=assets))
        told.clear()
        request = enrollment_request(1, transactionId="T-2", assets=[asset(2), asset(4)])
        request["assetInfo"]["installationMethod"] = "X1RE"

        enrollment = enroll(request, at=LATER)
        answer_all(at=LATER)

        assert again(enrollment).status == "COMPLETE"
        assert nics(subscription) == ["411912340002", "411912340004"]
        first, third = (subscription.devices.get(device__nic_id=nic) for nic in ("411912340001", "411912340003"))
        assert (first.removed_at, first.replaced_by) == (LATER, device("411912340004"))
        assert (third.removed_at, third.replaced_by) == (LATER, None)
        assert len(told) == 2

    def test_any_other_new_device_is_one_more(self):
        subscription = enrolled(enrollment_request(1))

        enrolled(enrollment_request(1, transactionId="T-2", assets=[asset(2)]), at=LATER)

        assert nics(subscription) == ["411912340001", "411912340002"]

    def test_one_that_cannot_be_reached_replaces_nothing(self):
        subscription = enrolled(enrollment_request(1))
        old = device("411912340001").device.identifier
        enrollment = enroll(enrollment_request(1, transactionId="T-2", assets=[asset(2, assetId=old)]))

        answer_all("FAILURE")

        assert nics(subscription) == ["411912340001"]
        assert (again(enrollment).status, again(subscription).status) == ("ERROR", "ACTIVE")
        enrollments.retry(enrollment_id=enrollment.pk, by="olga", at=LATER)
        answer_all(at=LATER)
        assert nics(subscription) == ["411912340002"]

    def test_of_a_device_that_is_elsewhere_is_refused(self):
        enrolled(enrollment_request(1))
        enrolled(enrollment_request(2))
        other = device("411912340002").device.identifier

        enrollment = receive(enrollment_request(1, transactionId="T-3", assets=[asset(3, assetId=other)]))

        assert (enrollment.status, enrollment.message_number) == ("VALERROR", 11240)
        assert "none of this subscription that could be replaced" in enrollment.message

    def test_a_person_does_it_in_every_subscription_of_the_device(self):
        first = enrolled(enrollment_request(1))
        make_program("SMART-HEAT")
        second = enrolled(enrollment_request(1, transactionId="T-2", programInfo={"programCode": "SMART-HEAT"}))
        old = device("411912340001")

        made = replacements.replace(
            device=old,
            nic_id="NEW-1",
            head_end=models.HeadEndSystem.objects.get(name="NEST"),
            specification=models.DeviceSpecification.objects.get(code="NEST-LEARN3"),
            serial_number="S-1",
            by="olga",
            at=LATER,
        )
        for enrollment in made:
            enrollments.set_up(enrollment_id=enrollment.pk, at=LATER)
        answer_all(at=LATER)

        assert [again(enrollment).status for enrollment in made] == ["COMPLETE", "COMPLETE"]
        assert (nics(first), nics(second)) == (["NEW-1"], ["NEW-1"])
        assert InstallEvent.objects.get(device=old.device).removed_at == LATER
        assert subscriptions.members(first)[0].device.specification.code == "NEST-LEARN3"

    def test_of_a_device_that_takes_part_in_nothing_is_told_so(self):
        enrolled(enrollment_request(1))
        unenroll(unenrollment_request(1))

        with pytest.raises(replacements.UnableToReplace, match="takes part in no subscription"):
            replacements.replace(
                device=device("411912340001"),
                nic_id="NEW-1",
                head_end=models.HeadEndSystem.objects.get(name="ECOBEE"),
                specification=models.DeviceSpecification.objects.get(code="ECOBEE-SMART5"),
                serial_number="",
                by="olga",
                at=LATER,
            )

    def test_a_device_that_left_goes_to_another_place(self):
        enrolled(enrollment_request(1))
        unenroll(unenrollment_request(1))
        moved = LATER + dt.timedelta(days=2)

        subscription = enrolled(enrollment_request(2, assets=[asset(1)]), at=moved)

        assert nics(subscription) == ["411912340001"]
        first, second = InstallEvent.objects.order_by("installed_at")
        assert (first.removed_at, second.installed_at) == (moved, moved)
        assert second.service_point == subscription.location.service_point
        assert device("411912340001").device.service_point == second.service_point


def test_the_day_before_is_known_by_its_zone():
    subscription = enrolled(enrollment_request(1, programInfo={"startDate": "2023-03-12"}))

    # The night in which the clocks go forward: midnight is still standard time.
    assert subscription.starts_at == dt.datetime(2023, 3, 12, 8, tzinfo=dt.UTC)
    assert InstallEvent.objects.get().installed_at == subscription.starts_at
