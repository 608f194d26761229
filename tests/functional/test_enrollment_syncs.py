"""Enrollment Sync and its acknowledgement through the running product: acceptance check 3."""

from __future__ import annotations

import json
import time
from datetime import datetime

import pytest

from tests.functional.harness.client import Client
from tests.functional.harness.events import (
    SEND_ENROLL_ACK,
    SYNC,
    SYNC_REQUEST_AT_DACS,
    acknowledged,
    fourteen_digits,
    reservation,
    reservation_file,
    reserve,
    sync,
)
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product


DELAY_SECONDS = 5.0
MORE_WOULD_HAVE_COME_SECONDS = 1.5
UNKNOWN_PERSON = {
    "ackType": "ERROR",
    "whenISO": "2023-06-01T17:20:05.000Z",
    "responses": [
        {
            "id": "1",
            "value": "CIS person 5512034479 is not known",
            "responseCode": "ERROR",
            "responseTimeISO": "2023-06-01T17:20:05.000Z",
        }
    ],
}


def patches(dacs: Peer, key: str) -> list[dict[str, object]]:
    return [entry for entry in dacs.requests(SYNC_REQUEST_AT_DACS + key) if entry["method"] == "PATCH"]


class TestCheck3:
    def test_a_business_error_gives_the_external_id_and_one_negative_ack_later_across_a_restart(
        self, client: Client, product: Product, dacs: Peer, derms: Peer
    ) -> None:
        key = fourteen_digits()
        dacs.change(syncRequests=[key])
        derms.fault(match={"path": "/enroll$", "body": key}, status=200, body=UNKNOWN_PERSON)

        answer = client.post(SYNC, json=sync(key))

        assert answer.status_code == 200, answer.text
        assert answer.json() == {"responseDetails": {"externalId": key}}
        product.restart()
        wait_until("the acknowledgement", lambda: patches(dacs, key), seconds=40)
        time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
        (sent,) = patches(dacs, key)
        body = json.loads(str(sent["body"]))
        assert (body["syncRequestId"], body["hasError"]) == (key, True)
        exception = body["exceptionInfo"][0]
        assert (exception["messageCategory"], exception["messageNumber"]) == (11104, 11220)
        assert "CIS person 5512034479 is not known" in exception["comments"]
        (asked,) = derms.requests("/enroll$")
        waited = datetime.fromisoformat(str(sent["at"])) - datetime.fromisoformat(asked["at"])
        assert waited.total_seconds() >= DELAY_SECONDS
        assert dacs.state()["syncRequests"][key]["state"] == "ERROR"

    def test_a_success_is_acknowledged_with_the_external_ids_and_no_worker_waits_meanwhile(
        self, client: Client, dacs: Peer, derms: Peer
    ) -> None:
        # More than a worker can do at once: if they slept, nothing else would be done until the first is over.
        keys = [fourteen_digits() for _ in range(8)]
        dacs.change(syncRequests=keys)
        answers = [client.post(SYNC, json=sync(key)) for key in keys]
        assert [answer.json() for answer in answers] == [{"responseDetails": {"externalId": key}} for key in keys]

        document = reservation()
        reserve(client, document, reservation_file(1))
        acknowledged(derms, document["messageId"], seconds=DELAY_SECONDS - 1)

        assert dacs.requests(SYNC_REQUEST_AT_DACS) == []
        wait_until("the acknowledgements", lambda: all(patches(dacs, key) for key in keys), seconds=30)
        body = json.loads(str(patches(dacs, keys[0])[0]["body"]))
        assert (body["hasError"], body["exceptionInfo"]) == (False, [])
        assert body["externalIds"] == [{"entity": "DERMS-ENROLLMENT", "externalPk1": "NMS1:901245778310"}]
        assert {dacs.state()["syncRequests"][key]["state"] for key in keys} == {"SYNCHRONIZED"}
        sent = json.loads(derms.requests("/enroll$")[0]["body"])
        assert sent["dacsMessageId"] == keys[0]
        assert sent["connectivityProperties"] == {"plugin": {"connectionId": "NMS1_SITE_A"}}

    @pytest.mark.parametrize(("status", "expected"), [(400, {400}), (500, {502, 504})])
    def test_a_fault_of_derms_is_a_fault_to_dacs_without_an_acknowledgement(
        self, client: Client, dacs: Peer, derms: Peer, mail: Peer, status: int, expected: set[int]
    ) -> None:
        key = fourteen_digits()
        dacs.change(syncRequests=[key])
        derms.fault(match={"path": "/enroll$", "body": key}, status=status)

        answer = client.post(SYNC, json=sync(key))

        assert answer.status_code in expected, answer.text
        wait_until("the error mail", mail.mails)
        assert patches(dacs, key) == []


def test_derms_may_send_the_acknowledgement_itself(client: Client, dacs: Peer) -> None:
    key = fourteen_digits()
    dacs.change(syncRequests=[key])

    answer = client.post(
        SEND_ENROLL_ACK,
        json={
            "ackType": "SUCCESS",
            "whenISO": "2023-06-01T17:20:05.000Z",
            "responses": [
                {
                    "id": "1",
                    "value": "Enrolled",
                    "responseCode": "SUCCESS",
                    "responseTimeISO": "2023-06-01T17:20:05.000Z",
                    "dacsMessageId": key,
                }
            ],
        },
    )

    assert answer.status_code in (200, 202), answer.text
    wait_until("the acknowledgement", lambda: patches(dacs, key), seconds=20)
    assert dacs.state()["syncRequests"][key]["state"] == "SYNCHRONIZED"
