"""The life of a sync request: captured, gathered, compared, sent, acknowledged; waiting, retried, given up."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.db import IntegrityError, transaction

from assets.choices import SubscriptionStatus
from assets.models import AssetToDo, BatchRun, StatusChange, SubscriptionDevice, SyncChange, SyncRequest
from assets.operations import change_capture, sync_actions, sync_answers, sync_batch
from assets.operations.sync_actions import UnableToAct
from lookups.operations import apply_configuration
from outbound.choices import MessageFault, MessageStatus
from outbound.models import ExternalSystem, OutboundMessage
from tests.factories import syncs
from tests.factories.assets import NOW, make_device, make_program, make_subscription
from tests.factories.messages import make_system
from vee.models import InstallEvent


pytestmark = pytest.mark.django_db

DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _way_to_the_hub() -> None:
    syncs.prepare()


def rename(subscription, person: str) -> None:
    subscription.contact.cis_person_id = person
    subscription.contact.save()


def life(request: SyncRequest) -> list[str]:
    rows = StatusChange.objects.filter(subject="syncrequest", subject_id=str(request.pk))
    return [change.to_status for change in rows]


def open_todos() -> list[str]:
    return list(AssetToDo.objects.exclude(status="COMPLETE").values_list("summary", flat=True))


class TestCapturing:
    def test_changes_gather_in_one_pending_request(self) -> None:
        subscription = syncs.subscribe()
        rename(subscription, "PER-2")
        subscription.location.division = "NV"
        subscription.location.save()

        (request,) = SyncRequest.objects.all()
        assert (request.status, request.subscription) == ("PENDING", subscription)
        assert len(request.sync_request_id) == 14
        assert life(request) == ["PENDING"]
        assert {(row.what, *row.fields) for row in request.changes.all()} >= {
            ("CONTACT", "cis_person_id"),
            ("LOCATION", "division"),
            ("DEVICE", "added_at"),
        }

    def test_a_save_that_changes_nothing_is_no_change(self) -> None:
        subscription = syncs.told()
        subscription.contact.save()

        assert syncs.latest(subscription).status == "SYNCHRONIZED"

    def test_an_opt_out_is_not_told_to_the_derms(self) -> None:
        subscription = syncs.told()
        subscription.opted_out_until = NOW + DAY
        subscription.save()

        assert SyncRequest.objects.count() == 1

    def test_the_reach_of_a_device_is_not_told_to_the_derms(self) -> None:
        subscription = syncs.told()
        device = subscription.devices.get().device
        device.reach, device.reach_checked_at = "ONLINE", NOW
        device.save()

        assert SyncRequest.objects.count() == 1

    @pytest.mark.parametrize("status", [SubscriptionStatus.PENDING, SubscriptionStatus.CANCELED])
    def test_a_subscription_that_is_not_active_and_was_never_told_is_passed_over(self, status) -> None:
        subscription = syncs.subscribe(status=status)
        rename(subscription, "PER-2")

        assert SyncRequest.objects.count() == 0

    def test_one_that_was_told_and_ended_is_told_again(self) -> None:
        subscription = syncs.told()
        subscription.deactivate()
        subscription.save()

        request = syncs.latest(subscription)
        assert request.status == "PENDING"
        assert [(row.what, row.fields) for row in request.changes.all()] == [("SUBSCRIPTION", ["status"])]

    def test_nothing_is_captured_while_the_side_is_off(self) -> None:
        apply_configuration(section={"OUTL-BRT-DACS_DRMS_ConfigProps": {"dacsSide.enabled": "false"}}, by=None, at=NOW)
        subscription = syncs.subscribe()
        rename(subscription, "PER-2")

        assert SyncRequest.objects.count() == 0
        assert sync_batch.run(at=NOW) is None

    def test_goes_with_the_change_when_that_is_rolled_back(self) -> None:
        subscription = syncs.told()
        with transaction.atomic():
            rename(subscription, "PER-2")
            assert syncs.latest(subscription).status == "PENDING"
            transaction.set_rollback(True)

        assert SyncRequest.objects.count() == 1

    def test_the_same_told_twice_is_one_change(self) -> None:
        subscription = syncs.told()
        for fields in (["name"], ["email", "name"]):
            change_capture.captured(
                subscription_ids=[subscription.pk, subscription.pk, 99_999],
                what="Corrected by hand",
                by="clerk",
                at=NOW,
                fields=fields,
            )

        (change,) = syncs.latest(subscription).changes.all()
        assert (change.what, change.fields, change.by) == ("Corrected by hand", ["email", "name"], "clerk")

    def test_many_subscriptions_take_as_many_queries_as_one(self, django_assert_max_num_queries) -> None:
        program = make_program("MANY")
        many = [make_subscription(number, program=program) for number in range(10, 40)]
        SyncRequest.objects.all().delete()

        with django_assert_max_num_queries(20):
            done = change_capture.captured(subscription_ids=[one.pk for one in many], what="LOCATION", by="", at=NOW)

        assert done == SyncRequest.objects.filter(status="PENDING").count() == 30

    def test_the_database_holds_one_pending_request_of_a_subscription(self) -> None:
        subscription = syncs.subscribe()

        with pytest.raises(IntegrityError):
            SyncRequest.objects.create(subscription=subscription, created_at=NOW)


class TestDetermining:
    def test_the_first_one_is_sent_as_the_guide_has_it(self) -> None:
        subscription = syncs.subscribe(cis_account_id="9930118842")

        assert syncs.run() == {"sent": 1}

        request = syncs.latest(subscription)
        message = syncs.message_of(request)
        contact, location = subscription.contact, subscription.location
        assert (request.status, request.tries, request.initial_snapshot) == ("SENDREQUEST", 1, None)
        assert life(request) == ["PENDING", "DETERMINE", "SENDREQUEST"]
        assert (message.message_id, message.external_system.name) == (f"X1-NMSDASMSG-{request.sync_request_id}", "HUB")
        assert json.loads(bytes(message.payload)) == {
            "sendDetails": {
                "syncRequestId": request.sync_request_id,
                "contactInfo": {"contactId": contact.identifier, "cisPersonId": "PER-1"},
                "subscriptionInfo": {
                    "subscriptionId": "US-1",
                    "cisAccountId": "9930118842",
                    "subscriptionType": "DR-RES",
                    "status": "ACTIVE",
                    "programId": subscription.program.identifier,
                    "programCode": "PROGRAM-1",
                    "startDateTime": "2023-06-16T00:00:00Z",
                    "endDateTime": None,
                },
                "locationInfo": {
                    "division": "CA",
                    "servicePointId": "SP-1",
                    "cisPremiseId": "PREM-1",
                    "cisServicePointId": "CIS-SP-1",
                    "controllableDevices": [
                        {
                            "deviceId": "DEV-100",
                            "deviceType": "SMART-THERMOSTAT",
                            "specification": "ECOBEE-SMART5",
                            "nicId": "411912340100",
                            "headEndSystem": "ECOBEE",
                            "serialNumber": "",
                            "deviceLocationId": location.identifier,
                            "deviceLocationStatus": "ACTIVE",
                            "installDateTime": "2023-06-16T00:00:00Z",
                            "removalDateTime": None,
                        }
                    ],
                },
            }
        }

    def test_a_change_and_its_reversal_are_discarded(self) -> None:
        subscription = syncs.told()
        rename(subscription, "PER-2")
        rename(subscription, "PER-1")

        assert syncs.run() == {"discarded": 1}

        request = syncs.latest(subscription)
        assert life(request) == ["PENDING", "DETERMINE", "DISCARDED"]
        assert StatusChange.objects.latest("pk").reason == "Nothing relevant changed."
        assert OutboundMessage.objects.count() == 1

    def test_a_change_of_what_the_derms_is_not_told_is_discarded(self) -> None:
        subscription = syncs.told()
        subscription.contact.email = "other@example.org"
        subscription.contact.save()

        assert syncs.run() == {"discarded": 1}

    def test_what_was_never_told_and_has_ended_is_discarded(self) -> None:
        subscription = syncs.subscribe()
        subscription.deactivate()
        subscription.save()

        assert syncs.run() == {"discarded": 1}

    def test_a_replacement_tells_the_removal_once(self) -> None:
        subscription = syncs.told()
        old = subscription.devices.get()
        new = make_device(7, location=subscription.location)
        old.removed_at, old.replaced_by = NOW + DAY, new
        old.save()
        SubscriptionDevice.objects.create(subscription=subscription, device=new, added_at=NOW + DAY)

        assert syncs.run() == {"sent": 1}
        request = syncs.latest(subscription)
        devices = request.final_snapshot["locationInfo"]["controllableDevices"]
        assert [(one["deviceId"], one["removalDateTime"], one["deviceLocationStatus"]) for one in devices] == [
            ("DEV-100", "2023-06-17T00:00:00Z", "RETIRED"),
            ("DEV-7", None, "ACTIVE"),
        ]

        syncs.acknowledge(syncs.deliver(request))
        rename(subscription, "PER-2")
        syncs.run()
        devices = syncs.latest(subscription).final_snapshot["locationInfo"]["controllableDevices"]
        assert [one["deviceId"] for one in devices] == ["DEV-7"]

    def test_a_device_that_came_and_went_is_never_told(self) -> None:
        subscription = syncs.told()
        device = make_device(7, location=subscription.location)
        row = SubscriptionDevice.objects.create(subscription=subscription, device=device, added_at=NOW)
        row.removed_at = NOW + DAY
        row.save()

        assert syncs.run() == {"discarded": 1}

    def test_a_removal_at_the_place_is_told(self) -> None:
        subscription = syncs.told()
        device = subscription.devices.get().device
        InstallEvent.objects.filter(device=device.pk).update(removed_at=NOW + DAY)
        change_capture.captured(subscription_ids=[subscription.pk], what="DEVICE", by="", at=NOW)

        assert syncs.run() == {"sent": 1}
        (told,) = syncs.latest(subscription).final_snapshot["locationInfo"]["controllableDevices"]
        assert told["removalDateTime"] == "2023-06-17T00:00:00Z"

    @pytest.mark.parametrize(
        ("missing", "text"), [("person", "no CIS person id"), ("division", "no division, by which the DERMS is found")]
    )
    def test_what_the_derms_needs_and_is_missing_is_an_error_before_sending(self, missing, text) -> None:
        subscription = syncs.subscribe()
        if missing == "person":
            rename(subscription, "")
        else:
            subscription.location.division = ""
            subscription.location.save()

        assert syncs.run() == {"error": 1}

        request = syncs.latest(subscription)
        assert (request.status, request.fault) == ("ERROR", "INCOMPLETE")
        assert text in request.fault_text
        assert text in open_todos()[0]
        assert OutboundMessage.objects.count() == 0

    def test_mended_data_go_by_themselves_and_complete_the_todo(self) -> None:
        subscription = syncs.subscribe()
        rename(subscription, "")
        syncs.run()
        failed = syncs.latest(subscription)

        rename(subscription, "PER-9")
        assert syncs.run() == {"sent": 1}

        assert life(failed)[-1] == "CANCELED"
        assert open_todos() == []

    def test_waits_for_the_one_that_is_under_way(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        first = syncs.latest(subscription)
        rename(subscription, "PER-2")

        assert syncs.run() == {}
        assert syncs.run(NOW + syncs.MINUTE) == {}
        syncs.deliver(first)
        assert syncs.run() == {}
        syncs.acknowledge(first)
        assert syncs.run() == {"sent": 1}

        second = syncs.latest(subscription)
        assert second.initial_snapshot["contactInfo"]["cisPersonId"] == "PER-1"
        assert second.final_snapshot["contactInfo"]["cisPersonId"] == "PER-2"

    def test_a_limit_leaves_the_rest_for_the_next_run(self) -> None:
        for number in range(1, 4):
            syncs.subscribe(number)

        assert sync_batch.run(at=NOW, limit=2).counts == {"sent": 2}
        assert syncs.run() == {"sent": 1}

    def test_a_queue_that_is_not_set_up_stops_the_run_once_with_one_todo(self) -> None:
        subscription = syncs.subscribe()
        ExternalSystem.objects.filter(name="HUB").delete()

        run = sync_batch.run(at=NOW)
        assert (run.status, sync_batch.run(at=NOW)) == ("ERROR", None)
        assert "HUB" in run.message
        assert open_todos() == [f"F1-SYNRQ: {run.message}"]
        assert syncs.latest(subscription).status == "PENDING"

        make_system("HUB")
        assert syncs.run() == {"sent": 1}
        assert open_todos() == []
        assert list(BatchRun.objects.values_list("batch_number", "status").order_by("pk")) == [
            (1, "ERROR"),
            (2, "COMPLETE"),
        ]


class TestAcknowledging:
    def test_the_hub_takes_it_and_the_derms_has_it(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.deliver(syncs.latest(subscription))
        assert (request.status, request.accepted_at) == ("AWAITINGACK", NOW)

        request = syncs.again(syncs.acknowledge(request))

        assert (request.status, request.is_last_told, request.ended_at) == ("SYNCHRONIZED", True, NOW)
        assert request.external_ids[0]["entity"] == "DERMS-ENROLLMENT"
        assert life(request) == ["PENDING", "DETERMINE", "SENDREQUEST", "AWAITINGACK", "SYNCHRONIZED"]

    def test_comes_before_the_end_of_the_message_is_told(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.acknowledge(syncs.latest(subscription))

        assert syncs.deliver(request).status == "SYNCHRONIZED"
        assert life(request) == ["PENDING", "DETERMINE", "SENDREQUEST", "AWAITINGACK", "SYNCHRONIZED"]

    def test_exceptions_are_an_error_with_their_texts(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.deliver(syncs.latest(subscription))
        syncs.acknowledge(request, exceptions=("CIS person is not known", "No such premise"))

        request = syncs.again(request)
        assert (request.status, request.fault) == ("ERROR", "REFUSED")
        assert request.fault_text == "CIS person is not known; No such premise"
        assert "CIS person is not known" in open_todos()[0]

    def test_the_next_one_moves_what_the_derms_holds(self) -> None:
        subscription = syncs.told()
        first = syncs.latest(subscription)
        rename(subscription, "PER-2")
        syncs.run()
        syncs.acknowledge(syncs.deliver(syncs.latest(subscription)))

        assert not syncs.again(first).is_last_told
        assert syncs.latest(subscription).is_last_told

    def test_that_never_comes_is_an_error_after_its_time(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.deliver(syncs.latest(subscription))

        assert syncs.run(NOW + DAY) == {}
        assert syncs.run(NOW + DAY + syncs.MINUTE) == {"overdue": 1}

        request = syncs.again(request)
        assert (request.status, request.fault, request.may_be_known) == ("ERROR", "OVERDUE", True)
        assert "no acknowledgement has come since 2023-06-16 00:00 UTC" in open_todos()[0]

    @pytest.mark.parametrize("exceptions", [(), ("no",)])
    @pytest.mark.parametrize(
        ("status", "repeated"),
        [
            ("PENDING", (False, False)),
            ("DISCARDED", (False, False)),
            ("ERROR", (False, True)),
            ("SYNCHRONIZED", (True, False)),
            ("CANCELED", (False, False)),
        ],
    )
    def test_is_refused_in_any_other_state(self, status, repeated, exceptions) -> None:
        subscription = syncs.subscribe()
        request = syncs.latest(subscription)
        if status == "DISCARDED":
            subscription.deactivate()
            subscription.save()
        if status != "PENDING":
            syncs.run()
        if status in ("ERROR", "SYNCHRONIZED"):
            syncs.acknowledge(syncs.deliver(request), exceptions=("refused",) if status == "ERROR" else ())
        if status == "CANCELED":
            sync_actions.cancel(sync_request_id=request.sync_request_id, by="clerk", at=NOW)
        assert syncs.again(request).status == status

        with pytest.raises(sync_answers.NotAwaited) as refusal:
            syncs.acknowledge(request, exceptions=exceptions)

        assert refusal.value.repeated is repeated[bool(exceptions)]
        assert syncs.again(request).status == status


class TestDelivery:
    def test_that_fails_for_good_is_an_error(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.fail_delivery(syncs.latest(subscription))

        assert (request.status, request.fault, request.may_be_known) == ("ERROR", "NOTDELIVERED", True)
        assert "HTTP 502 of the hub" in open_todos()[0]

    @pytest.mark.parametrize(
        "failure",
        [{"fault": MessageFault.BUSINESS}, {"status": MessageStatus.CANCELED, "fault": "", "tried": 0}],
    )
    def test_that_was_refused_or_never_tried_is_surely_not_with_the_derms(self, failure) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.fail_delivery(syncs.latest(subscription), **failure)

        assert (request.fault, request.may_be_known) == ("NOTDELIVERED", False)

    def test_a_failed_message_that_is_sent_again_goes_on(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.deliver(syncs.fail_delivery(syncs.latest(subscription)))

        assert (request.status, request.fault) == ("AWAITINGACK", "")
        assert open_todos() == []
        assert syncs.acknowledge(request).status == "SYNCHRONIZED"

    def test_a_failed_message_that_is_sent_again_too_late_is_left_to_the_later_request(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        first = syncs.fail_delivery(syncs.latest(subscription))
        rename(subscription, "PER-2")
        syncs.run()

        assert syncs.deliver(first).status == "CANCELED"
        assert syncs.latest(subscription).status == "SENDREQUEST"

    def test_what_the_derms_may_hold_is_told_again_though_it_was_reversed(self) -> None:
        subscription = syncs.told()
        rename(subscription, "PER-2")
        syncs.run()
        syncs.fail_delivery(syncs.latest(subscription))
        rename(subscription, "PER-1")

        assert syncs.run() == {"sent": 1}

        request = syncs.acknowledge(syncs.deliver(syncs.latest(subscription)))
        assert request.status == "SYNCHRONIZED"
        assert not SyncRequest.objects.filter(may_be_known=True).exists()
        rename(subscription, "PER-3")
        rename(subscription, "PER-1")
        assert syncs.run() == {"discarded": 1}


class TestRetry:
    def test_of_a_refused_one_goes_out_as_a_new_try(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.latest(subscription)
        syncs.acknowledge(syncs.deliver(request), exceptions=("refused",))

        done = sync_actions.retry(sync_request_id=request.sync_request_id, by="clerk", reason="mended", at=NOW)
        assert (done.pk, done.status, open_todos()) == (request.pk, "PENDING", [])

        syncs.run()
        request = syncs.again(request)
        assert (request.status, request.tries) == ("SENDREQUEST", 2)
        assert request.message_id == f"X1-NMSDASMSG-{request.sync_request_id}-2"
        assert syncs.acknowledge(syncs.deliver(request)).status == "SYNCHRONIZED"

    def test_of_one_that_the_derms_may_hold_goes_on_under_another_id(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.deliver(syncs.latest(subscription))
        syncs.run(NOW + 2 * DAY)

        done = sync_actions.retry(sync_request_id=request.sync_request_id, by="clerk", at=NOW)

        assert done.pk != request.pk
        assert (done.status, [row.what for row in done.changes.all()]) == ("PENDING", ["RETRY"])
        assert (syncs.again(request).status, open_todos()) == ("CANCELED", [])
        assert syncs.run() == {"sent": 1}

    def test_joins_the_pending_request_that_is_there(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.latest(subscription)
        syncs.acknowledge(syncs.deliver(request), exceptions=("refused",))
        rename(subscription, "PER-2")

        done = sync_actions.retry(sync_request_id=request.sync_request_id, by="clerk", at=NOW)

        assert done == syncs.latest(subscription)
        assert syncs.again(request).status == "CANCELED"

    def test_wants_a_request_in_error(self) -> None:
        subscription = syncs.subscribe()

        with pytest.raises(UnableToAct, match="is pending: only one in error"):
            sync_actions.retry(sync_request_id=syncs.latest(subscription).sync_request_id, by="clerk", at=NOW)


class TestCancel:
    def test_takes_back_a_message_that_waits(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.latest(subscription)

        sync_actions.cancel(sync_request_id=request.sync_request_id, by="clerk", reason="not now", at=NOW)

        request = syncs.again(request)
        assert (request.status, request.may_be_known) == ("CANCELED", False)
        assert syncs.message_of(request).status == "CANCELED"

    def test_of_one_that_the_hub_took_leaves_open_what_the_derms_holds(self) -> None:
        subscription = syncs.told()
        rename(subscription, "PER-2")
        syncs.run()
        request = syncs.deliver(syncs.latest(subscription))
        sync_actions.cancel(sync_request_id=request.sync_request_id, by="clerk", at=NOW)
        rename(subscription, "PER-1")

        assert syncs.again(request).may_be_known
        assert syncs.run() == {"sent": 1}

    def test_of_one_in_error_completes_its_todo(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        request = syncs.fail_delivery(syncs.latest(subscription))
        sync_actions.cancel(sync_request_id=request.sync_request_id, by="clerk", at=NOW)

        assert (syncs.again(request).status, open_todos()) == ("CANCELED", [])

    def test_wants_one_that_has_not_ended(self) -> None:
        subscription = syncs.told()

        with pytest.raises(UnableToAct, match="is synchronized: it has ended"):
            sync_actions.cancel(sync_request_id=syncs.latest(subscription).sync_request_id, by="clerk", at=NOW)


class TestComparingAll:
    def test_finds_what_nothing_captured(self) -> None:
        same, changed = syncs.told(1), syncs.told(2)
        type(changed.contact).objects.filter(pk=changed.contact.pk).update(cis_person_id="PER-X")

        run = sync_batch.compare_all(at=NOW)

        assert run.counts == {"compared": 2, "captured": 1}
        assert syncs.latest(same).status == "SYNCHRONIZED"
        assert [row.what for row in syncs.latest(changed).changes.all()] == ["COMPARISON"]
        assert syncs.run() == {"sent": 1}

    def test_finds_active_subscriptions_that_were_there_before_the_side_was_switched_on(self) -> None:
        subscription = syncs.subscribe()
        SyncRequest.objects.all().delete()

        assert sync_batch.compare_all(at=NOW).counts["captured"] == 1
        assert syncs.latest(subscription).status == "PENDING"

    def test_leaves_alone_what_is_pending_under_way_or_the_work_of_a_person(self) -> None:
        program = make_program("ALL")
        pending, under_way, refused = (syncs.subscribe(number, program=program) for number in range(1, 4))
        syncs.run()
        for request in SyncRequest.objects.exclude(subscription=under_way):
            syncs.acknowledge(syncs.deliver(request), exceptions=("no",) if request.subscription == refused else ())
        rename(pending, "PER-90")

        assert "captured" not in sync_batch.compare_all(at=NOW).counts
        assert SyncChange.objects.filter(what="COMPARISON").count() == 0

    def test_captures_again_what_changed_since_the_error(self) -> None:
        subscription = syncs.subscribe()
        syncs.run()
        syncs.acknowledge(syncs.deliver(syncs.latest(subscription)), exceptions=("no",))
        type(subscription.contact).objects.filter(pk=subscription.contact.pk).update(cis_person_id="PER-X")

        assert sync_batch.compare_all(at=NOW).counts["captured"] == 1

    def test_reads_as_much_for_many_as_for_a_few(self, django_assert_max_num_queries) -> None:
        program = make_program("ALL")
        for number in range(1, 21):
            make_subscription(number, program=program)
        syncs.run()
        for request in SyncRequest.objects.all():
            syncs.acknowledge(syncs.deliver(request))

        with django_assert_max_num_queries(25):
            assert sync_batch.compare_all(at=NOW).counts == {"compared": 20}
