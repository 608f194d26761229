"""The outbound queue through the running product, and DERMS's own: acceptance check 19."""

from __future__ import annotations

import time
from typing import Any

from tests.functional.harness.client import Client
from tests.functional.harness.configuration import OPERATOR_CANARY
from tests.functional.harness.events import RESERVE, RESERVE_AT_DACS, reservation, reservation_file
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import USERNAME, Product
from tests.functional.harness.records import name


MAX_RETRIES = 3
MORE_WOULD_HAVE_COME_SECONDS = 2.0
MESSAGES = "/api/v1/outbound-messages/"
ACK_AT_DERMS = "event-reservation-ack"


def queue(client: Client, message_id: str) -> dict[str, Any]:
    payload = {"messageId": message_id, "drmsInstanceId": "NMS1", "eventId": "EVT-1", "ackType": "SUCCESS"}
    body = {"message_type": "RESERVATION-ACK", "external_system": "DERMS", "message_id": message_id, "payload": payload}
    answer = client.post(MESSAGES, json=body)
    assert answer.status_code in (201, 202), answer.text
    return answer.json()


def sent(derms: Peer, message_id: str) -> list[dict[str, Any]]:
    return [entry for entry in derms.requests(ACK_AT_DERMS) if message_id in entry["body"]]


def settled(client: Client, message: dict[str, Any], status: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = client.read(f"{MESSAGES}{message['id']}/")
        return found if found["status"] == status and not found["next_attempt_at"] else None

    return wait_until(f"{status} of {message['message_id']}", look, seconds=40)


def test_one_id_goes_from_the_request_through_the_task_to_the_call_and_into_the_lines_about_it(
    client: Client, derms: Peer, product: Product
) -> None:
    message_id, correlation_id = name("ACK"), name("corr")
    payload = {"messageId": message_id, "drmsInstanceId": "NMS1", "eventId": "EVT-1", "ackType": "SUCCESS"}
    body = {"message_type": "RESERVATION-ACK", "external_system": "DERMS", "message_id": message_id, "payload": payload}

    answer = client.post(MESSAGES, json=body, headers={"X-Correlation-Id": correlation_id})

    assert answer.headers["X-Correlation-Id"] == correlation_id
    settled(client, answer.json(), "SUCCESS")
    (arrived,) = sent(derms, message_id)
    assert arrived["headers"]["x-correlation-id"] == correlation_id
    lines = [line for line in product.log().splitlines() if correlation_id in line]
    assert [line.split("|")[0].strip() for line in lines if "message_queued" in line] == ["web"]
    assert any(line.startswith("worker") and "messages_settled" in line for line in lines), lines


class TestCheck19:
    def test_max_retries_3_is_one_send_and_three_retries_and_a_resend_sets_both_back(
        self, client: Client, derms: Peer
    ) -> None:
        message_id = name("ACK")
        derms.fault(match={"path": ACK_AT_DERMS, "body": message_id}, status=503)

        message = queue(client, message_id)

        failed = settled(client, message, "FAIL")
        assert failed["num_retries"] == MAX_RETRIES
        assert len(failed["attempts"]) == len(sent(derms, message_id)) == 1 + MAX_RETRIES
        assert {entry["headers"]["idempotency-key"] for entry in sent(derms, message_id)} == {message_id}
        time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
        assert len(sent(derms, message_id)) == 1 + MAX_RETRIES

        derms.clear_faults()
        answer = client.post(f"{MESSAGES}{message['id']}/resend/", json={"reason": "DERMS is back"})

        assert answer.status_code == 202, answer.text
        done = settled(client, message, "SUCCESS")
        assert done["num_retries"] == 0
        assert len(sent(derms, message_id)) == 2 + MAX_RETRIES

    def test_a_message_is_queued_once_per_id(self, client: Client, derms: Peer) -> None:
        message_id = name("ACK")

        first, second = queue(client, message_id), queue(client, message_id)

        assert first["id"] == second["id"]
        settled(client, first, "SUCCESS")
        assert len(sent(derms, message_id)) == 1

    def test_derms_sends_a_reservation_once_and_three_times_again_until_dacs_takes_it(
        self, product: Product, dacs: Peer, derms: Peer
    ) -> None:
        document = reservation()
        parameters = {
            "MAX_RETRIES": MAX_RETRIES,
            "OIC_RESERVE_DEVICE_URL": product.url + RESERVE,
            "OIC_USER": USERNAME,
            "OIC_PASS": OPERATOR_CANARY,
        }
        dacs.fault(match={"path": RESERVE_AT_DACS}, status=500)
        message = {"messageType": "RESERVATION", "payload": document, "attachment": reservation_file(3)}

        derms.change(parameters=parameters, retrySeconds=0.3, send=[message])

        def row() -> dict[str, Any]:
            return derms.state()["outboundMessages"][0]

        wait_until(
            "the last retry",
            lambda: row()["num_retries"] == MAX_RETRIES and row()["status"] == "FAIL",
            seconds=40,
        )
        time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
        assert (row()["status"], row()["num_retries"], row()["sends"]) == ("FAIL", MAX_RETRIES, 1 + MAX_RETRIES)

        dacs.clear_faults()
        derms.change(resend=[document["messageId"]])

        wait_until("success", lambda: row()["status"] == "SUCCESS", seconds=20)
        assert row()["num_retries"] == 0
        assert set(dacs.state()["reservations"].values()) == {1}
