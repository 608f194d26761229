"""Event Device Reservation through the running product: acceptance checks 4, 5, 6, 9 and 17."""

from __future__ import annotations

import itertools
import time
from collections import Counter

import pytest

from tests.functional.harness.client import Client, problem
from tests.functional.harness.configuration import properties
from tests.functional.harness.events import (
    CANCEL,
    CANCEL_AT_DACS,
    HEALTH_AT_DACS,
    RESERVE,
    RESERVE_AT_DACS,
    acknowledged,
    acknowledgements,
    cancellation,
    devices_of,
    nic,
    reservation,
    reservation_file,
    reserve,
    reserved,
    send_with_file,
)
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product


ROWS = 1_001
SEGMENT = 200
MORE_WOULD_HAVE_COME_SECONDS = 1.5
OPERATIONS = ["operations@utility.example"]
INTEGRATION = ["integration@utility.example"]
_different = itertools.count(1)
FLOW = "OUTL_BA_DRMS_DACS_EVT_DVCRESV"


class TestCheck4:
    def test_1001_rows_go_in_six_calls_at_most_four_at_once_with_one_positive_ack_and_one_mail(
        self, client: Client, dacs: Peer, derms: Peer, mail: Peer
    ) -> None:
        document = reservation(recordCount=ROWS)
        dacs.fault(match={"path": RESERVE_AT_DACS}, delay_seconds=0.4)

        run = reserve(client, document, reservation_file(ROWS))

        ack = acknowledged(derms, document["messageId"])
        assert (ack["ackType"], ack["eventId"]) == ("SUCCESS", document["eventId"])
        assert (ack["recordCount"], ack["successCount"], ack["errorCount"]) == (ROWS, ROWS, 0)
        calls = dacs.requests(RESERVE_AT_DACS)
        assert sorted(len(devices_of(call)) for call in calls) == [1, *[SEGMENT] * 5]
        assert 1 < max(call["atOnce"] for call in calls) <= 4
        assert set(reserved(dacs, document["eventId"]).values()) == {1}
        assert len(reserved(dacs, document["eventId"])) == ROWS
        complete = wait_until("the complete mail", lambda: mail.mails_about("Event Device Reserve"))
        time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
        assert [sent["recipients"] for sent in mail.mails_about("Event Device Reserve")] == [OPERATIONS], complete
        assert len(acknowledgements(derms, "reservationAcks", document["messageId"])) == 1
        assert client.read(f"/api/v1/flow-runs/{run}/")["state"] == "SUCCEEDED"

    def test_a_worker_killed_after_segment_3_sends_only_the_rest(
        self, client: Client, product: Product, dacs: Peer, derms: Peer
    ) -> None:
        document = reservation()
        with properties(client, stage__parallel="1"):
            # Three segments are answered at once; the fourth is being answered when the worker dies.
            dacs.fault(match={"path": RESERVE_AT_DACS}, times=3)
            dacs.fault(match={"path": RESERVE_AT_DACS}, times=1, delay_seconds=3)
            reserve(client, document, reservation_file(ROWS))
            wait_until("three segments", lambda: len(dacs.requests(RESERVE_AT_DACS)) >= 3, every=0.02)
            wait_until("the fourth", lambda: len(reserved(dacs, document["eventId"])) > 3 * SEGMENT, every=0.02)

            product.kill_workers()

            ack = acknowledged(derms, document["messageId"], seconds=90)
        assert ack["ackType"] == "SUCCESS"
        arrivals = Counter(devices_of(call)[0] for call in dacs.requests(RESERVE_AT_DACS))
        done = [nic(1 + SEGMENT * number) for number in range(3)]
        assert [arrivals[first] for first in done] == [1, 1, 1], "A segment that was done was sent again."
        assert len(reserved(dacs, document["eventId"])) == ROWS
        assert set(reserved(dacs, document["eventId"]).values()) == {1}, "A device was reserved twice."
        time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
        assert len(acknowledgements(derms, "reservationAcks", document["messageId"])) == 1


def test_check_5_a_segment_that_fails_stops_the_rest_and_a_re_send_completes_it(
    client: Client, dacs: Peer, derms: Peer, mail: Peer
) -> None:
    document, content = reservation(), reservation_file(ROWS)
    dacs.fault(match={"path": RESERVE_AT_DACS, "body": nic(SEGMENT + 1)}, status=500)
    dacs.fault(match={"path": RESERVE_AT_DACS}, delay_seconds=0.8)

    reserve(client, document, content)

    ack = acknowledged(derms, document["messageId"])
    assert ack["ackType"] == "FAILURE"
    assert ack["recordCount"] == ROWS
    assert ack["errorCount"] > 0
    started = {devices_of(call)[0] for call in dacs.requests(RESERVE_AT_DACS)}
    assert started <= {nic(1 + SEGMENT * number) for number in range(4)}, "A segment was started after the failure."
    done = len(reserved(dacs, document["eventId"]))
    assert ack["successCount"] == done
    time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
    assert len(acknowledgements(derms, "reservationAcks", document["messageId"])) == 1
    assert {devices_of(call)[0] for call in dacs.requests(RESERVE_AT_DACS)} == started
    assert OPERATIONS not in [sent["recipients"] for sent in mail.mails()]

    dacs.clear_faults()
    reserve(client, document, content)

    ack = acknowledged(derms, document["messageId"], number=2)
    assert (ack["ackType"], ack["successCount"]) == ("SUCCESS", ROWS)
    assert len(reserved(dacs, document["eventId"])) == ROWS
    assert set(reserved(dacs, document["eventId"]).values()) == {1}, "A device was reserved twice."


def test_check_6_a_cancellation_during_the_reservation_skips_the_rest_and_then_cancels_once(
    client: Client, dacs: Peer, derms: Peer
) -> None:
    document = reservation()
    dacs.fault(match={"path": RESERVE_AT_DACS}, delay_seconds=0.7)
    reserve(client, document, reservation_file(4 * SEGMENT * 3))
    wait_until("the first segments", lambda: reserved(dacs, document["eventId"]), every=0.05)

    answer = client.post(CANCEL, json=cancellation(document["eventId"]))

    assert answer.status_code == 200, answer.text
    assert answer.json()["ackType"] == "SUCCESS"
    assert [response["id"] for response in answer.json()["responses"]] == [document["eventId"]]
    assert dacs.state()["events"][document["eventId"]]["state"] == "CANCELED"
    ack = acknowledged(derms, document["messageId"])
    assert ack["ackType"] != "SUCCESS"
    time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
    log = [entry for entry in dacs.requests() if HEALTH_AT_DACS not in entry["path"]]
    assert len(log) < 1 + 4 * 3, "No segment was skipped."
    assert [CANCEL_AT_DACS in entry["path"] for entry in log] == [*[False] * (len(log) - 1), True]


class TestCancellation:
    def test_of_an_event_that_was_never_reserved_is_an_error(self, client: Client, dacs: Peer) -> None:
        answer = client.post(CANCEL, json=cancellation("EVT-NEVER"))

        assert (answer.status_code, answer.json()["ackType"]) == (200, "ERROR")

    def test_a_second_one_succeeds_without_an_effect(self, client: Client, dacs: Peer, derms: Peer) -> None:
        document = reservation()
        reserve(client, document, reservation_file(2))
        acknowledged(derms, document["messageId"])

        answers = [client.post(CANCEL, json=cancellation(document["eventId"])) for _ in range(2)]

        assert [answer.json()["ackType"] for answer in answers] == ["SUCCESS", "SUCCESS"]


@pytest.fixture
def unasked(product: Product) -> None:
    """DACS's health has not been asked for within the 30 seconds for which a good answer holds: the client is new."""
    product.apply({"connections": {"DACS": {"transport": "rest", "read_timeout": 1.5 + next(_different) / 100}}})


@pytest.mark.usefixtures("unasked")
class TestCheck9:
    def test_a_warning_is_not_healthy_by_default(self, client: Client, dacs: Peer, derms: Peer) -> None:
        document = reservation()
        dacs.change(health=203)

        reserve(client, document, reservation_file(3))

        ack = acknowledged(derms, document["messageId"])
        assert ack["ackType"] == "FAILURE"
        assert (ack["recordCount"], ack["successCount"]) == (3, 0)
        assert dacs.requests(RESERVE_AT_DACS) == []
        run = client.runs_of(document["messageId"])[0]
        detail = client.read(f"/api/v1/flow-runs/{run['id']}/")
        assert (run["state"], detail["fault"]["type"]) == ("FAILED", "REMOTE")
        assert "203" in str(detail["fault"])

    def test_where_degraded_is_accepted_it_proceeds(self, client: Client, dacs: Peer, derms: Peer) -> None:
        document = reservation()
        dacs.change(health=203)

        with properties(client, dacs__healthcheck__acceptDegraded="true"):
            reserve(client, document, reservation_file(3))
            ack = acknowledged(derms, document["messageId"])

        assert (ack["ackType"], ack["successCount"]) == ("SUCCESS", 3)
        assert len(dacs.requests(RESERVE_AT_DACS)) == 1


def test_check_17_a_flow_that_is_deactivated_with_100_queued_loses_none(
    client: Client, dacs: Peer, derms: Peer
) -> None:
    dacs.fault(match={"path": RESERVE_AT_DACS}, delay_seconds=0.1)
    documents = [reservation() for _ in range(100)]
    for document in documents:
        reserve(client, document, reservation_file(1))

    switched = client.post(f"/api/v1/flows/{FLOW}/deactivate/")
    try:
        assert switched.status_code == 200, switched.text
        refused = send_with_file(client, RESERVE, reservation(), reservation_file(1))
        problem(refused, 404, "flow_not_active")
    finally:
        assert client.post(f"/api/v1/flows/{FLOW}/activate/").status_code == 200

    def all_acknowledged() -> bool:
        known = Counter(ack["messageId"] for ack in derms.state()["reservationAcks"])
        return all(known[document["messageId"]] for document in documents)

    wait_until("all acknowledgements", all_acknowledged, seconds=60, every=0.3)
    acks = Counter(ack["messageId"] for ack in derms.state()["reservationAcks"])
    assert [acks[document["messageId"]] for document in documents] == [1] * 100
    assert {ack["ackType"] for ack in derms.state()["reservationAcks"]} == {"SUCCESS"}
    assert [reserved(dacs, document["eventId"]) for document in documents] == [
        {f"{document['eventId']}/ECOBEE/{nic(1)}": 1} for document in documents
    ]


class TestRefused:
    @pytest.mark.parametrize(
        ("_case", "content", "status"),
        [
            ("no row", "recordId,nicId,headEndSystemId\n", 422),
            ("a column is missing", "recordId,nicId\n1,2\n", 422),
            ("no valid row", "recordId,nicId,headEndSystemId\n1,,ECOBEE\n", 422),
        ],
    )
    def test_a_file_without_a_valid_row(
        self, client: Client, dacs: Peer, _case: str, content: str, status: int
    ) -> None:
        problem(send_with_file(client, RESERVE, reservation(), content), status)

        assert dacs.requests(RESERVE_AT_DACS) == []

    def test_the_same_message_with_another_file_is_a_conflict(self, client: Client, dacs: Peer, derms: Peer) -> None:
        document = reservation()
        reserve(client, document, reservation_file(1))
        acknowledged(derms, document["messageId"])

        problem(send_with_file(client, RESERVE, document, reservation_file(2)), 409)
