"""Device Status Check and its acknowledgement through the running product: acceptance checks 13 and 14."""

from __future__ import annotations

import json
import time

from tests.functional.harness.client import Client
from tests.functional.harness.configuration import properties
from tests.functional.harness.events import STATUS_ACK, STATUS_CHECK, fourteen_digits, status_check
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.schedules import every_second


MAIL_WOULD_HAVE_COME_SECONDS = 2.0
OVERDUE = "/admin/integration/devicestatuscheck/?state=OVERDUE"
RESPONSE_AT_DACS = "controllableDeviceStatus/response"


def test_check_13_a_device_that_did_not_answer_is_an_answer_and_not_a_fault(
    client: Client, dacs: Peer, derms: Peer, mail: Peer
) -> None:
    key = fourteen_digits()
    dacs.change(statusChecks=[key])
    asked = client.post(STATUS_CHECK, json=status_check(key))
    assert asked.status_code == 200, asked.text
    assert asked.json() == {"responseDetails": {"externalId": key}}
    assert derms.state()["statusChecks"] == [key]

    answer = client.post(STATUS_ACK, json={"dacsMessageId": key, "responseCode": "FAILURE"})

    assert answer.status_code == 200, answer.text
    ack = answer.json()
    assert ack["ackType"] == "SUCCESS"
    assert [(response["responseCode"], response["dacsMessageId"]) for response in ack["responses"]] == [
        ("SUCCESS", key)
    ]
    assert dacs.state()["statusChecks"][key] == "FAILURE"
    (sent,) = dacs.requests(RESPONSE_AT_DACS)
    assert json.loads(sent["body"]) == {"responseDetail": {"transactionID": key, "result": {"status": "FAILURE"}}}
    time.sleep(MAIL_WOULD_HAVE_COME_SECONDS)
    assert mail.mails_about("Device Status") == []


def test_check_14_a_check_without_an_acknowledgement_is_listed_overdue(
    client: Client, product: Product, dacs: Peer, derms: Peer, mail: Peer
) -> None:
    person = product.person()
    late, answered = fourteen_digits(), fourteen_digits()
    dacs.change(statusChecks=[late, answered])
    for key in (late, answered):
        assert client.post(STATUS_CHECK, json=status_check(key)).status_code == 200
    client.post(STATUS_ACK, json={"dacsMessageId": answered, "responseCode": "SUCCESS"})
    assert late not in person.get(OVERDUE).text

    with properties(client, deviceStatusCheck__ackTimeout="1s"), every_second(person, "Status checks: overdue"):
        (sent,) = wait_until("the mail", lambda: mail.mails_about("Device Status Check"), seconds=60)

    assert sent["recipients"] == ["integration@utility.example"]
    assert late in sent["text"]
    page = person.get(OVERDUE).text
    assert late in page
    assert answered not in page
    # An answer that comes after all is taken.
    ack = client.post(STATUS_ACK, json={"dacsMessageId": late, "responseCode": "SUCCESS"}).json()
    assert ack["ackType"] == "SUCCESS"
    assert late not in person.get(OVERDUE).text


def test_a_check_that_dacs_does_not_know_is_a_failure_to_derms(client: Client, dacs: Peer) -> None:
    answer = client.post(STATUS_ACK, json={"dacsMessageId": fourteen_digits(), "responseCode": "SUCCESS"})

    assert answer.status_code == 200, answer.text
    assert answer.json()["ackType"] == "FAILURE"
