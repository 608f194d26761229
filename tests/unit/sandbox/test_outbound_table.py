"""DERMS' own outbound messages: what is sent, how often, and what sets the counts back."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.derms import Derms
from sandbox.exchange import PeerAnswer, PeerRequest
from sandbox.service import Service
from tests.unit.sandbox.conftest import Serve


class Hub(Service):
    """Takes what DERMS sends and answers as told."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[tuple[int, str]] = []
        self.got: list[PeerRequest] = []

    def actions(self) -> Any:
        return (("POST", "/enroll-to-dacs", self.take),)

    def take(self, request: PeerRequest) -> PeerAnswer:
        self.got.append(request)
        status, ack = self.answers.pop(0) if self.answers else (200, "SUCCESS")
        return PeerAnswer(status=status, document={"ackType": ack})


@pytest.fixture
def hub(socket_enabled: None) -> Hub:
    return Hub()


@pytest.fixture
def derms(serve: Serve, hub: Hub) -> str:
    url = serve(hub).url
    address = serve(Derms()).url
    parameters = {"OIC_RESERVE_DEVICE_URL": f"{url}/enroll-to-dacs", "OIC_USER": "DERMS", "OIC_PASS": "canary"}
    change(address, parameters=parameters, retrySeconds=0.01)
    return address


def change(derms: str, **document: Any) -> requests.Response:
    return requests.post(f"{derms}/_control/state", json=document, timeout=5)


def send(derms: str, *, attachment: str = "") -> None:
    message = {"messageType": "RESERVATION", "payload": {"messageId": "M-1"}, "attachment": attachment}
    assert change(derms, send=[message]).status_code == 200


def row(derms: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    deadline = time.monotonic() + 10
    while True:
        found = requests.get(f"{derms}/_control/state", timeout=5).json()["outboundMessages"][0]
        if reached(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.01)


def test_a_message_that_is_taken_is_sent_once(derms: str, hub: Hub) -> None:
    send(derms)

    assert row(derms, lambda found: found["status"] == "SUCCESS")["sends"] == 1
    assert hub.got[0].headers["authorization"].startswith("Basic ")
    assert hub.got[0].json_object() == {"messageId": "M-1"}


def test_a_message_that_always_fails_is_sent_once_and_max_retries_times(derms: str, hub: Hub) -> None:
    hub.answers = [(503, "")] * 10

    send(derms)

    found = row(derms, lambda found: found["num_retries"] == 3 and found["status"] == "FAIL")
    time.sleep(0.2)
    assert found["sends"] == len(hub.got) == 4
    assert found["last_error"].startswith("HTTP 503")


def test_a_resend_sets_status_and_count_back(derms: str, hub: Hub) -> None:
    hub.answers = [(503, "")] * 4
    send(derms)
    row(derms, lambda found: found["num_retries"] == 3 and found["status"] == "FAIL")

    assert change(derms, resend=["M-1"]).status_code == 200

    found = row(derms, lambda found: found["status"] == "SUCCESS")
    assert (found["num_retries"], found["sends"]) == (0, 5)


def test_what_was_accepted_waits_for_its_acknowledgement_and_a_negative_one_sends_it_again(
    derms: str, hub: Hub
) -> None:
    hub.answers = [(202, "SUCCESS")]
    send(derms, attachment="recordId,nicId\n1,2\n")
    row(derms, lambda found: found["answers"] == [202])
    assert b'filename="M-1.csv"' in hub.got[0].body

    ack = {"messageId": "M-1", "ackType": "FAILURE"}
    requests.post(f"{derms}/nms-drms/rest/v1/event-reservation-ack", json=ack, timeout=5)

    assert row(derms, lambda found: found["status"] == "SUCCESS")["num_retries"] == 1


def test_the_password_is_not_shown(derms: str) -> None:
    assert "canary" not in requests.get(f"{derms}/_control/state", timeout=5).text


@pytest.mark.parametrize(
    "document",
    [
        {"parameters": {"OIC_NOTHING": "x"}},
        {"parameters": {"MAX_RETRIES": -1}},
        {"retrySeconds": "soon"},
        {"send": [{"messageType": "NOTHING", "payload": {"messageId": "M-1"}}]},
        {"send": [{"messageType": "RESERVATION", "payload": "x", "messageId": "M-1"}]},
        {"send": [{"messageType": "RESERVATION", "payload": {}}]},
        {"resend": ["M-0"]},
        {"other": 1},
    ],
)
def test_what_makes_no_sense_is_refused(derms: str, document: dict[str, Any]) -> None:
    assert change(derms, **document).status_code == 400


def test_without_an_address_it_fails(serve: Serve) -> None:
    derms = serve(Derms()).url
    change(derms, parameters={"MAX_RETRIES": 0})

    send(derms)

    assert "OIC_RESERVE_DEVICE_URL" in row(derms, lambda found: found["status"] == "FAIL")["last_error"]
