"""Event Outcome through the running product: acceptance checks 7 and 8."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.functional.harness.client import Client
from tests.functional.harness.events import (
    OUTCOME,
    OUTCOME_AT_DACS,
    accepted,
    acknowledged,
    nic,
    outcome,
    outcome_file,
    send_with_file,
)
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.records import name


@pytest.fixture
def release_24c(product: Product) -> Iterator[None]:
    """DACS of release 24C while the test runs."""
    product.apply({"connections": {"DACS": {"transport": "rest", "target_release": "24C"}}})
    yield
    product.apply({"connections": {"DACS": {"transport": "rest", "target_release": "23A"}}})


class TestCheck7:
    def test_two_events_in_one_segment_are_two_calls_with_the_event_at_the_root(
        self, client: Client, dacs: Peer, derms: Peer
    ) -> None:
        first, second = name("EVT"), name("EVT")
        document = outcome()
        rows = [(first, nic(1), "0"), (second, nic(2), "4"), (first, nic(3), "3")]

        accepted(send_with_file(client, OUTCOME, document, outcome_file(rows)), document)

        ack = acknowledged(derms, document["messageId"], kind="outcomeAcks")
        assert (ack["ackType"], ack["successCount"]) == ("SUCCESS", 3)
        assert sorted(ack["eventIds"]) == sorted([first, second])
        calls = [json.loads(call["body"]) for call in dacs.requests(OUTCOME_AT_DACS)]
        assert sorted(call["eventExternalIdentifier"] for call in calls) == sorted([first, second])
        of_first = next(call for call in calls if call["eventExternalIdentifier"] == first)
        assert [(row["nicId"], row["outcome"]) for row in of_first["postOutcomeList"]] == [
            (nic(1), "D1SP"),
            (nic(3), "D1IO"),
        ]
        assert not any("eventExternalIdentifier" in row for call in calls for row in call["postOutcomeList"])

    @pytest.mark.usefixtures("release_24c")
    def test_a_24c_target_gets_one_call_with_the_event_in_each_item(
        self, client: Client, dacs: Peer, derms: Peer
    ) -> None:
        first, second = name("EVT"), name("EVT")
        document = outcome()
        rows = [(first, nic(1), "0"), (second, nic(2), "4")]

        accepted(send_with_file(client, OUTCOME, document, outcome_file(rows)), document)

        assert acknowledged(derms, document["messageId"], kind="outcomeAcks")["ackType"] == "SUCCESS"
        calls = [json.loads(call["body"]) for call in dacs.requests(OUTCOME_AT_DACS)]
        assert len(calls) == 1
        assert "eventExternalIdentifier" not in calls[0]
        assert [row["eventExternalIdentifier"] for row in calls[0]["postOutcomeList"]] == [first, second]


def test_check_8_a_row_with_an_unknown_outcome_is_an_error_and_the_others_proceed(
    client: Client, dacs: Peer, derms: Peer, mail: Peer
) -> None:
    event, document = name("EVT"), outcome(recordCount=3)
    rows = [(event, nic(1), "0"), (event, nic(2), "7"), (event, nic(3), "1")]

    accepted(send_with_file(client, OUTCOME, document, outcome_file(rows)), document)

    ack = acknowledged(derms, document["messageId"], kind="outcomeAcks")
    assert (ack["recordCount"], ack["successCount"], ack["errorCount"]) == (3, 2, 1)
    assert ack["ackType"] == "ERROR"
    assert [(response["id"], response["responseCode"]) for response in ack["responses"]] == [("2", "ERROR")]
    assert dacs.state()["outcomes"] == {
        f"{event}/ECOBEE/{nic(1)}": "D1SP",
        f"{event}/ECOBEE/{nic(3)}": "D1CN",
    }
    (sent,) = wait_until("the error mail", lambda: mail.mails_about("Event Outcome"))
    assert sent["recipients"] == ["integration@utility.example"]
