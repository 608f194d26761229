"""Reservations, cancellations and outcomes through the service, as the hub calls it."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.db import connections
from django.test.utils import CaptureQueriesContext

from assets.choices import ParticipationStatus, SubscriptionStatus
from assets.models import AssetToDo, Participation, ProgramEvent, StatusChange, SubscriptionDevice
from assets.operations import participations
from outbound.transports import rest
from tests.factories.assets import NOW, make_program, make_subscription, switch_on
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db
PATH = "/rest/apis/cross/service/programEventParticipation"
START = dt.datetime(2130, 6, 2, 0, 0, tzinfo=dt.UTC)
END = START + dt.timedelta(hours=3)


@pytest.fixture
def hub():
    account = get_user_model().objects.create_user(username="hub")
    account.user_permissions.add(Permission.objects.get(codename="use_service"))
    switch_on()
    return rest.client(make_connection("DACS", base_url="tieline:///dacs", username="hub"))


def enrolled(devices: int = 2, **values: Any) -> list[str]:
    """The NIC ids of a new subscription's devices."""
    subscription = make_subscription(program=make_program(), devices=devices, **values)
    return [one.device.nic_id for one in subscription.devices.order_by("pk")]


def reservation(nics: list[str], event: str = "EVT-1", **fields: Any) -> dict[str, Any]:
    return {
        "eventExternalIdentifier": event,
        "eventType": "X1EC",
        "eventStartDateTime": "2130-06-02T00:00:00Z",
        "eventEndDateTime": "2130-06-02T03:00:00Z",
        "deviceList": [{"nicId": nic, "headEndSystem": "ECOBEE"} for nic in nics],
        **fields,
    }


def outcome(nic: str, code: str = "D1SP", **fields: Any) -> dict[str, Any]:
    return {"nicId": nic, "headEndSystem": "ECOBEE", "outcome": code, **fields}


def send(hub: Any, operation: str, document: dict[str, Any]) -> Any:
    return hub.request("POST", f"{PATH}/{operation}", json=document)


def refusal(answer: Any) -> tuple[int, int, str]:
    problem = answer.json()["problemDetailDocument"]
    return answer.status, problem["serverMessage"]["number"], problem["detail"]


class TestReserve:
    def test_a_segment_is_reserved_with_the_times_of_the_event_where_a_device_has_none(self, hub: Any) -> None:
        own, without = enrolled()
        document = reservation([own, without])
        document["deviceList"][0] |= {"reservationEndDateTime": "2130-06-02T02:00:00+01:00"}

        answer = send(hub, "reserveDevice", document)

        assert (answer.status, answer.json()) == (200, {"eventExternalIdentifier": "EVT-1", "reserved": 2})
        rows = {row.device.nic_id: row for row in Participation.objects.select_related("device", "event")}
        assert (rows[own].reserved_from, rows[own].reserved_to) == (START, START + dt.timedelta(hours=1))
        assert (rows[without].reserved_from, rows[without].reserved_to) == (START, END)
        assert {row.status for row in rows.values()} == {ParticipationStatus.RESERVED}
        assert all(row.subscription_id for row in rows.values())
        event = ProgramEvent.objects.get()
        assert (event.category, event.starts_at, event.ends_at, event.status) == ("X1EC", START, END, "SCHEDULED")

    def test_the_same_once_more_has_no_further_effect_and_a_changed_time_counts(self, hub: Any) -> None:
        nics = enrolled()
        send(hub, "reserveDevice", reservation(nics))

        again = send(hub, "reserveDevice", reservation([nics[0], *nics], eventEndDateTime="2130-06-02T04:00:00Z"))

        assert again.json()["reserved"] == 2
        assert Participation.objects.count() == 2
        assert ProgramEvent.objects.get().ends_at == END + dt.timedelta(hours=1)

    @pytest.mark.parametrize("why", ["unknown", "pending", "removed"])
    def test_a_device_that_is_in_no_active_program_refuses_the_whole_segment(self, hub: Any, why: str) -> None:
        (fine,) = enrolled(1)
        wrong = "411912349999"
        if why != "unknown":
            other = make_subscription(7, program=make_program("OTHER"), status=SubscriptionStatus.PENDING)
            wrong = other.devices.get().device.nic_id
        if why == "removed":
            SubscriptionDevice.objects.filter(device__nic_id=wrong).update(removed_at=NOW)

        answer = send(hub, "reserveDevice", reservation([fine, wrong]))

        assert refusal(answer) == (400, 11304, f"Device ECOBEE/{wrong} is not enrolled in an active program")
        assert (Participation.objects.count(), ProgramEvent.objects.count()) == (0, 0)

    def test_an_overlap_with_another_event_is_not_refused(self, hub: Any) -> None:
        nics = enrolled(1)
        send(hub, "reserveDevice", reservation(nics))

        assert send(hub, "reserveDevice", reservation(nics, "EVT-2")).status == 200
        assert Participation.objects.filter(status=ParticipationStatus.RESERVED).count() == 2

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"eventType": "ECONOMIC"}, "/eventType"),
            ({"eventExternalIdentifier": "x" * 121}, "/eventExternalIdentifier"),
            ({"eventEndDateTime": "2130-06-02T00:00:00Z"}, "eventEndDateTime is not after"),
            ({"eventStartDateTime": "2130-06-02T00:00:00"}, "/eventStartDateTime"),
            ({"deviceList": []}, "/deviceList"),
            ({"deviceList": [{"nicId": "1"}]}, "headEndSystem is required"),
        ],
    )
    def test_a_body_that_is_not_valid_is_refused_with_its_place(
        self, hub: Any, changes: dict[str, Any], words: str
    ) -> None:
        answer = send(hub, "reserveDevice", reservation(enrolled(1), **changes))

        status, number, detail = refusal(answer)
        assert (status, number) == (400, 11301)
        assert words in detail
        assert ProgramEvent.objects.count() == 0

    def test_takes_as_many_queries_for_many_devices_as_for_one(self, hub: Any) -> None:
        nics = enrolled(40)
        counts = []
        for number, part in enumerate((nics[:1], nics[:1], nics)):
            with CaptureQueriesContext(connections["default"]) as captured:
                send(hub, "reserveDevice", reservation(part, f"EVT-{number}"))
            counts.append(len(captured))

        # The first call also looks up what the process then knows.
        assert counts[1] == counts[2]


class TestCancel:
    def test_before_the_start_cancels_the_event_and_its_reservations(self, hub: Any) -> None:
        send(hub, "reserveDevice", reservation(enrolled()))
        document = {"eventExternalIdentifier": "EVT-1", "cancelMessage": "Pre-empted"}

        answers = [send(hub, "preEventCancellation", document) for _ in range(2)]

        assert [answer.status for answer in answers] == [200, 200]
        assert set(Participation.objects.values_list("status", flat=True)) == {ParticipationStatus.CANCELED}
        assert ProgramEvent.objects.get().cancel_message == "Pre-empted"
        assert StatusChange.objects.filter(subject="programevent", to_status="CANCELED").count() == 1

    def test_an_event_that_nobody_knows_is_refused(self, hub: Any) -> None:
        answer = send(hub, "preEventCancellation", {"eventExternalIdentifier": "EVT-9"})

        assert refusal(answer) == (400, 11302, "Event EVT-9 is not known.")

    def test_after_the_start_nothing_changes(self, hub: Any) -> None:
        past = {"eventStartDateTime": "2023-06-02T00:00:00Z", "eventEndDateTime": "2023-06-02T03:00:00Z"}
        send(hub, "reserveDevice", reservation(enrolled(1), **past))

        answer = send(hub, "preEventCancellation", {"eventExternalIdentifier": "EVT-1"})

        assert refusal(answer) == (400, 11303, "Event EVT-1 has started.")
        assert Participation.objects.get().status == ParticipationStatus.RESERVED

    def test_what_was_canceled_cannot_be_reserved_again(self, hub: Any) -> None:
        nics = enrolled(1)
        send(hub, "reserveDevice", reservation(nics))
        send(hub, "preEventCancellation", {"eventExternalIdentifier": "EVT-1"})

        assert refusal(send(hub, "reserveDevice", reservation(nics)))[1] == 11305
        assert Participation.objects.get().status == ParticipationStatus.CANCELED


class TestOutcome:
    def test_outcomes_of_the_event_at_the_root_are_kept(self, hub: Any) -> None:
        went_well, overridden = enrolled()
        send(hub, "reserveDevice", reservation([went_well, overridden]))
        period = {
            "participationStartDateTime": "2130-06-02T00:00:00Z",
            "participationEndDateTime": "2130-06-02T00:41:00Z",
        }
        rows = [outcome(went_well), outcome(overridden, "D1IO", errorMessage="Customer override", **period)]

        answer = send(hub, "postEventOutcome", {"eventExternalIdentifier": "EVT-1", "postOutcomeList": rows})

        assert answer.json() == {"eventExternalIdentifier": "EVT-1", "posted": 2}
        found = {row.device.nic_id: row for row in Participation.objects.select_related("device")}
        assert (found[went_well].status, found[went_well].outcome) == (ParticipationStatus.REPORTED, "D1SP")
        assert found[went_well].reserved_from == START
        assert (found[overridden].outcome, found[overridden].message) == ("D1IO", "Customer override")
        assert found[overridden].participated_to == START + dt.timedelta(minutes=41)

    def test_outcomes_of_several_events_name_theirs_in_each_item(self, hub: Any) -> None:
        (nic,) = enrolled(1)
        send(hub, "reserveDevice", reservation([nic]))
        rows = [outcome(nic, eventExternalIdentifier=event) for event in ("EVT-2", "EVT-1", "EVT-2")]

        answer = send(hub, "postEventOutcome", {"postOutcomeList": rows})

        assert answer.json() == {"posted": 3}
        kept = Participation.objects.order_by("event__external_identifier")
        assert [(row.event.external_identifier, row.outcome) for row in kept] == [("EVT-1", "D1SP"), ("EVT-2", "D1SP")]
        assert kept[1].reserved_from is None

    @pytest.mark.parametrize("root", [True, False])
    def test_the_event_stands_in_one_of_the_two_places(self, hub: Any, root: bool) -> None:
        rows = [outcome("1", eventExternalIdentifier="EVT-1"), outcome("2")]
        document = {"postOutcomeList": rows} | ({"eventExternalIdentifier": "EVT-1"} if root else {})

        assert refusal(send(hub, "postEventOutcome", document))[:2] == (400, 11301)
        assert ProgramEvent.objects.count() == 0

    def test_a_device_that_nobody_knows_becomes_a_to_do_instead_of_a_fault(self, hub: Any) -> None:
        (nic,) = enrolled(1)
        for strangers in (["X-1", "X-2"], ["X-2", "X-3"]):
            rows = [outcome(nic), *(outcome(stranger, "D1ND") for stranger in strangers)]
            answer = send(hub, "postEventOutcome", {"eventExternalIdentifier": "EVT-1", "postOutcomeList": rows})
            assert answer.status == 200

        todo = AssetToDo.objects.get()
        assert todo.summary == (
            "Outcomes of event EVT-1 for devices that are not known: ECOBEE/X-1, ECOBEE/X-2, ECOBEE/X-3"
        )
        assert Participation.objects.get().outcome == "D1SP"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["reserve", "report"])
def test_four_segments_of_one_event_at_once_all_arrive(what: str) -> None:
    subscription = make_subscription(program=make_program(), devices=80)
    keys = [("ECOBEE", one.device.nic_id) for one in subscription.devices.order_by("pk")]
    errors: list[BaseException] = []

    def work(number: int) -> None:
        # They overlap and come in opposite orders: what writes as it reads would lock in a circle.
        part = keys[number * 15 : number * 15 + 35][:: 1 if number % 2 else -1]
        try:
            if what == "reserve":
                participations.reserve(
                    event="EVT-1",
                    category="X1EC",
                    starts_at=START,
                    ends_at=END,
                    reservations=[participations.Reservation(device=key) for key in part],
                    at=NOW,
                )
            else:
                outcomes = [participations.Outcome(event="EVT-1", device=key, outcome="D1SP") for key in part]
                participations.report(outcomes=outcomes, at=NOW)
        except BaseException as error:  # noqa: BLE001  (handed to the test)
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert errors == []
    assert Participation.objects.count() == 80
    assert ProgramEvent.objects.count() == 1
