from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.derms import Derms
from tests.unit.sandbox.conftest import Serve


BASE = "/nms-drms/rest/v1"


@pytest.fixture
def derms(serve: Serve) -> str:
    return serve(Derms()).url


def state(url: str) -> dict[str, Any]:
    return requests.get(f"{url}/_control/state", timeout=5).json()


class TestEnroll:
    BODY: dict[str, Any] = {
        "dacsMessageId": "15449036987849",
        "contactInfo": {"cisPersonId": "5512034479"},
        "subscriptionInfo": {"subscriptionId": "901245778310", "status": "ACTIVE"},
        "connectivityProperties": {"plugin": {"connectionId": "NMS1_SITE_A"}},
    }

    def test_it_is_acknowledged_under_its_message_id(self, derms: str) -> None:
        answer = requests.post(f"{derms}{BASE}/enroll", json=self.BODY, timeout=5).json()

        assert answer["ackType"] == "SUCCESS"
        assert answer["responses"][0]["dacsMessageId"] == "15449036987849"
        assert state(derms)["enrollments"]["15449036987849"]["connectionId"] == "NMS1_SITE_A"

    def test_an_unknown_person_is_a_business_error_in_an_answer_of_200(self, derms: str) -> None:
        answer = requests.post(f"{derms}{BASE}/enroll", json={**self.BODY, "contactInfo": {}}, timeout=5)

        assert (answer.status_code, answer.json()["ackType"]) == (200, "ERROR")
        assert answer.json()["responses"][0]["value"] == "null CIS_PERSON_ID"
        assert state(derms)["enrollments"] == {}

    def test_without_a_message_id_it_is_refused(self, derms: str) -> None:
        assert requests.post(f"{derms}{BASE}/enroll", json={}, timeout=5).status_code == 400


class TestAcknowledgements:
    @pytest.mark.parametrize(
        ("path", "kept"), [("event-reservation-ack", "reservationAcks"), ("event-outcome-ack", "outcomeAcks")]
    )
    def test_they_are_kept(self, derms: str, path: str, kept: str) -> None:
        body = {"messageId": "DRMS-RSV-1", "ackType": "FAILURE"}

        answer = requests.post(f"{derms}{BASE}/{path}", json=body, timeout=5)

        assert answer.json()["responses"][0]["messageId"] == "DRMS-RSV-1"
        assert state(derms)[kept] == [body]

    def test_a_status_check_is_accepted(self, derms: str) -> None:
        body = {"dacsMessageId": "85810617092033", "deviceInfo": {"nicId": "411912345678"}}

        assert requests.post(f"{derms}{BASE}/status-check", json=body, timeout=5).json()["ackType"] == "SUCCESS"
        assert state(derms)["statusChecks"] == ["85810617092033"]


class TestDeviceScore:
    def send(self, derms: str) -> requests.Response:
        headers = {"Content-Disposition": 'attachment; filename="SDCSE_0042_00.csv"', "X-Message-Id": "m-1"}
        return requests.post(f"{derms}{BASE}/device-score", data=b"recordId\n1\n", headers=headers, timeout=5)

    def test_a_file_is_loaded_once(self, derms: str) -> None:
        first, second = self.send(derms), self.send(derms)

        assert (first.status_code, second.status_code) == (200, 409)
        assert state(derms)["scoreFiles"] == {"SDCSE_0042_00.csv": 11}


class TestAnsweringStatusChecks:
    BODY = {"dacsMessageId": "85810617092033", "deviceInfo": {"nicId": "411912345678"}}

    def test_each_is_answered_once_by_a_message_of_its_own(self, derms: str) -> None:
        document = {"answerStatusChecks": "FAILURE", "parameters": {"MAX_RETRIES": 0}}
        assert requests.post(f"{derms}/_control/state", json=document, timeout=5).status_code == 200

        for _ in range(2):
            answer = requests.post(f"{derms}{BASE}/status-check", json=self.BODY, timeout=5)
            assert answer.json()["ackType"] == "SUCCESS"

        (message,) = state(derms)["outboundMessages"]
        assert (message["messageId"], message["messageType"]) == ("STATUS-ACK-85810617092033", "STATUS-ACK")

    def test_another_word_is_refused(self, derms: str) -> None:
        answer = requests.post(f"{derms}/_control/state", json={"answerStatusChecks": "MAYBE"}, timeout=5)

        assert answer.status_code == 400
        assert state(derms)["answerStatusChecks"] == ""
