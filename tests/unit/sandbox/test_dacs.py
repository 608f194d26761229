from __future__ import annotations

import copy
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from sandbox.dacs import Dacs, enrollment_id
from tests.unit.sandbox.conftest import Serve


ENROLL = "/ccs/rest/apis/cross/digitalAssets/programEnrollments/enroll"
SYNC = "/ouaf/rest/apis/common/sync/syncRequest/"
EVENTS = "/rest/apis/cross/service/programEventParticipation/"

CLEAN: dict[str, Any] = {
    "transactionId": "DRMS-ENR-000917",
    "customerInfo": {"cisPersonId": "5512034479", "name": "Rivera, Dana"},
    "programInfo": {"cisServiceAgreementId": "7710035521", "programCode": "SMART-COOL", "startDate": "2023-06-05"},
    "locationInfo": {"division": "CA", "cisServicePointId": "8874102236"},
    "assetInfo": {
        "installationMethod": "X1SI",
        "assetOwnership": "W1CO",
        "assetList": [
            {
                "sequence": 1,
                "specification": "ECOBEE-SMART5",
                "assetType": "SMART-THERMOSTAT",
                "nicId": "411912345678",
                "headEndSystem": "ECOBEE",
            }
        ],
    },
}


@pytest.fixture
def dacs(serve: Serve) -> str:
    return serve(Dacs()).url


def state(url: str) -> dict[str, Any]:
    return requests.get(f"{url}/_control/state", timeout=5).json()


class TestEnroll:
    def test_a_clean_enrollment_is_pending_and_echoed(self, dacs: str) -> None:
        answer = requests.post(dacs + ENROLL, json=CLEAN, timeout=5)

        assert answer.status_code == 200
        expected = {**CLEAN, "enrollmentId": enrollment_id("DRMS-ENR-000917"), "status": "PENDING"}
        assert answer.json() == {"X1-DAEnroll": expected}
        assert state(dacs)["enrollments"]["DRMS-ENR-000917"]["status"] == "PENDING"

    def test_a_known_transaction_is_refused_with_10589(self, dacs: str) -> None:
        requests.post(dacs + ENROLL, json=CLEAN, timeout=5)

        answer = requests.post(dacs + ENROLL, json=CLEAN, timeout=5)

        assert answer.status_code == 400
        document = answer.json()["problemDetailDocument"]
        assert document["serverMessage"]["number"] == 10589
        assert document["detail"] == "Enrollment request with transaction ID DRMS-ENR-000917 already exists."
        assert document["problemType"] == "https://dacs.example/message/11104/10589"
        assert len(state(dacs)["enrollments"]) == 1

    def test_a_person_that_ends_in_999_is_a_validation_error(self, dacs: str) -> None:
        body = copy.deepcopy(CLEAN)
        body["customerInfo"]["cisPersonId"] = "5512034999"

        answer = requests.post(dacs + ENROLL, json=body, timeout=5)

        assert answer.status_code == 200
        assert answer.json()["X1-DAEnroll"]["status"] == "VAL-ERROR"
        assert answer.json()["X1-DAEnroll"]["exception"] == {
            "messageCategory": 11104,
            "messageNumber": 11230,
            "messageText": "CIS person 5512034999 is not known.",
        }

    def test_a_closed_program_is_refused(self, dacs: str) -> None:
        body = copy.deepcopy(CLEAN)
        body["programInfo"]["programCode"] = "CLOSED-2019"

        answer = requests.post(dacs + ENROLL, json=body, timeout=5)

        assert answer.status_code == 400
        assert answer.json()["problemDetailDocument"]["serverMessage"]["number"] == 11205
        assert state(dacs)["enrollments"] == {}

    @pytest.mark.parametrize(
        ("_case", "part", "name", "value"),
        [
            ("no transaction", None, "transactionId", ""),
            ("a transaction of 121 characters", None, "transactionId", "x" * 121),
            ("no program", "programInfo", "programCode", ""),
            ("a start with a time", "programInfo", "startDate", "2023-06-05T00:00:00-07:00"),
            ("an unknown method", "assetInfo", "installationMethod", "X1ZZ"),
            ("no asset", "assetInfo", "assetList", []),
            ("an asset without its NIC", "assetInfo", "assetList", [{"specification": "A", "assetType": "B"}]),
        ],
    )
    def test_what_is_not_valid_is_refused(self, dacs: str, _case: str, part: str | None, name: str, value: Any) -> None:
        body = copy.deepcopy(CLEAN)
        (body[part] if part else body)[name] = value

        answer = requests.post(dacs + ENROLL, json=body, timeout=5)

        assert answer.status_code == 400
        assert answer.json()["problemDetailDocument"]["serverMessage"]["number"] == 11201
        assert state(dacs)["enrollments"] == {}

    def test_one_effect_per_idempotency_key(self, dacs: str) -> None:
        headers = {"Idempotency-Key": "DRMS-ENR-000917"}

        first = requests.post(dacs + ENROLL, json=CLEAN, headers=headers, timeout=5)
        second = requests.post(dacs + ENROLL, json=CLEAN, headers=headers, timeout=5)

        assert (first.status_code, second.status_code) == (200, 200)
        assert first.json() == second.json()
        assert state(dacs)["replayed"] == 1

    def test_a_key_with_another_body_is_refused(self, dacs: str) -> None:
        headers = {"Idempotency-Key": "one"}
        requests.post(dacs + ENROLL, json=CLEAN, headers=headers, timeout=5)

        answer = requests.post(dacs + ENROLL, json={**CLEAN, "transactionId": "other"}, headers=headers, timeout=5)

        assert answer.status_code == 409
        assert list(state(dacs)["enrollments"]) == ["DRMS-ENR-000917"]

    def test_a_refusal_is_not_remembered_under_its_key(self, dacs: str) -> None:
        headers = {"Idempotency-Key": "one"}
        refused = requests.post(dacs + ENROLL, json={**CLEAN, "customerInfo": None}, headers=headers, timeout=5)

        answer = requests.post(dacs + ENROLL, json=CLEAN, headers=headers, timeout=5)

        assert (refused.status_code, answer.status_code) == (400, 200)

    def test_a_body_that_is_not_json_is_refused(self, dacs: str) -> None:
        answer = requests.post(dacs + ENROLL, data=b"{", timeout=5)

        assert answer.status_code == 400
        assert answer.json()["problemDetailDocument"]["httpStatus"] == 400


class TestEnrollmentId:
    def test_it_has_14_digits_and_follows_from_the_transaction(self) -> None:
        numbers = {enrollment_id(f"DRMS-{index}") for index in range(500)}

        assert {len(number) for number in numbers} == {14}
        assert all(number.isdigit() for number in numbers)
        assert len(numbers) == 500
        assert enrollment_id("DRMS-1") == enrollment_id("DRMS-1")


class TestHealthCheck:
    @pytest.mark.parametrize(("status", "word"), [(200, "OK"), (203, "WARNING"), (500, "CRITICAL")])
    def test_it_answers_what_was_set(self, dacs: str, status: int, word: str) -> None:
        requests.post(f"{dacs}/_control/state", json={"health": status}, timeout=5)

        answer = requests.get(f"{dacs}/rest/apis/common/healthCheck", timeout=5)

        assert answer.status_code == status
        assert answer.json()["F1-HealthCheck"]["overallResult"] == word

    def test_another_status_cannot_be_set(self, dacs: str) -> None:
        answer = requests.post(f"{dacs}/_control/state", json={"health": 404}, timeout=5)

        assert answer.status_code == 400
        assert state(dacs)["health"] == 200


class TestSyncRequest:
    @pytest.fixture(autouse=True)
    def _awaiting(self, dacs: str) -> None:
        requests.post(f"{dacs}/_control/state", json={"syncRequests": ["15449036987849"]}, timeout=5)

    def test_an_acknowledgement_synchronizes_it(self, dacs: str) -> None:
        body = {"syncRequestId": "15449036987849", "hasError": False, "exceptionInfo": []}

        answer = requests.patch(f"{dacs}{SYNC}15449036987849", json=body, timeout=5)

        assert answer.status_code == 200
        assert answer.json()["F1-SyncRequest"]["boStatus"] == "SYNCHRONIZED"
        assert state(dacs)["todos"] == []

    def test_an_exception_puts_it_in_error_with_a_todo(self, dacs: str) -> None:
        body = {"syncRequestId": "15449036987849", "hasError": True, "exceptionInfo": [{"sequence": 1}]}

        requests.patch(f"{dacs}{SYNC}15449036987849", json=body, timeout=5)

        assert state(dacs)["syncRequests"]["15449036987849"]["state"] == "ERROR"
        assert len(state(dacs)["todos"]) == 1

    def test_a_second_acknowledgement_is_refused(self, dacs: str) -> None:
        body = {"syncRequestId": "15449036987849", "hasError": False}
        requests.patch(f"{dacs}{SYNC}15449036987849", json=body, timeout=5)

        answer = requests.patch(f"{dacs}{SYNC}15449036987849", json={**body, "hasError": True}, timeout=5)

        assert answer.status_code == 400
        assert state(dacs)["syncRequests"]["15449036987849"]["state"] == "SYNCHRONIZED"

    def test_an_unknown_one_is_not_found(self, dacs: str) -> None:
        answer = requests.patch(f"{dacs}{SYNC}1", json={"syncRequestId": "1", "hasError": False}, timeout=5)

        assert answer.status_code == 404


class TestDeviceStatus:
    PATH = "/rest/apis/cross/digitalAssets/controllableDeviceStatus/response"

    def test_the_answer_to_an_open_check_is_taken(self, dacs: str) -> None:
        requests.post(f"{dacs}/_control/state", json={"statusChecks": ["85810617092033"]}, timeout=5)
        body = {"responseDetail": {"transactionID": "85810617092033", "result": {"status": "FAILURE"}}}

        answer = requests.post(dacs + self.PATH, json=body, timeout=5)

        assert answer.json() == {"boStatus": "COMPLETE", "communicationId": "85810617092033"}
        assert state(dacs)["statusChecks"] == {"85810617092033": "FAILURE"}

    def test_a_check_that_was_not_asked_for_is_refused(self, dacs: str) -> None:
        body = {"responseDetail": {"transactionID": "1", "result": {"status": "SUCCESS"}}}

        assert requests.post(dacs + self.PATH, json=body, timeout=5).status_code == 400
        assert state(dacs)["statusChecks"] == {}


class TestParticipation:
    def reserve(self, dacs: str, *devices: str, hours_ahead: float = 24) -> requests.Response:
        start = datetime.now(tz=UTC) + timedelta(hours=hours_ahead)
        body = {
            "eventExternalIdentifier": "EVT-1",
            "eventType": "X1EC",
            "eventStartDateTime": start.isoformat(),
            "eventEndDateTime": (start + timedelta(hours=3)).isoformat(),
            "deviceList": [{"nicId": nic, "headEndSystem": "ECOBEE"} for nic in devices],
        }
        return requests.post(f"{dacs}{EVENTS}reserveDevice", json=body, timeout=5)

    def test_a_segment_is_reserved(self, dacs: str) -> None:
        assert self.reserve(dacs, "1", "2").json() == {"eventExternalIdentifier": "EVT-1", "reserved": 2}
        assert state(dacs)["reservations"] == {"EVT-1/ECOBEE/1": 1, "EVT-1/ECOBEE/2": 1}

    def test_a_device_that_is_not_enrolled_refuses_the_whole_segment(self, dacs: str) -> None:
        answer = self.reserve(dacs, "1", "411912349999")

        assert answer.status_code == 400
        detail = answer.json()["problemDetailDocument"]["detail"]
        assert detail == "Device ECOBEE/411912349999 is not enrolled in an active program"
        assert state(dacs)["reservations"] == {}

    def test_an_event_is_cancelled_before_it_starts(self, dacs: str) -> None:
        self.reserve(dacs, "1")
        body = {"eventExternalIdentifier": "EVT-1", "cancelMessage": "Pre-empted"}

        answer = requests.post(f"{dacs}{EVENTS}preEventCancellation", json=body, timeout=5)

        assert answer.status_code == 200
        assert state(dacs)["events"]["EVT-1"]["state"] == "CANCELED"

    def test_an_event_that_started_is_not_cancelled(self, dacs: str) -> None:
        self.reserve(dacs, "1", hours_ahead=-1)

        answer = requests.post(
            f"{dacs}{EVENTS}preEventCancellation", json={"eventExternalIdentifier": "EVT-1"}, timeout=5
        )

        assert answer.status_code == 400
        assert state(dacs)["events"]["EVT-1"]["state"] == "SCHEDULED"

    def test_an_event_that_was_never_reserved_is_not_cancelled(self, dacs: str) -> None:
        answer = requests.post(
            f"{dacs}{EVENTS}preEventCancellation", json={"eventExternalIdentifier": "EVT-9"}, timeout=5
        )

        assert answer.json()["problemDetailDocument"]["serverMessage"]["number"] == 11302

    def test_outcomes_are_kept_and_a_stranger_raises_a_todo(self, dacs: str) -> None:
        body = {
            "eventExternalIdentifier": "EVT-1",
            "postOutcomeList": [
                {"nicId": "1", "headEndSystem": "ECOBEE", "outcome": "D1SP"},
                {"nicId": "4999", "headEndSystem": "NEST", "outcome": "D1IO", "errorMessage": "Customer override"},
            ],
        }

        answer = requests.post(f"{dacs}{EVENTS}postEventOutcome", json=body, timeout=5)

        assert answer.json() == {"eventExternalIdentifier": "EVT-1", "posted": 2}
        assert state(dacs)["outcomes"] == {"EVT-1/ECOBEE/1": "D1SP", "EVT-1/NEST/4999": "D1IO"}
        assert len(state(dacs)["todos"]) == 1

    def test_outcomes_may_name_the_event_in_each_item(self, dacs: str) -> None:
        rows = [
            {"eventExternalIdentifier": "EVT-1", "nicId": "1", "headEndSystem": "ECOBEE", "outcome": "D1SP"},
            {"eventExternalIdentifier": "EVT-2", "nicId": "1", "headEndSystem": "ECOBEE", "outcome": "D1CN"},
        ]

        answer = requests.post(f"{dacs}{EVENTS}postEventOutcome", json={"postOutcomeList": rows}, timeout=5)

        assert answer.json() == {"posted": 2}
        assert state(dacs)["outcomes"] == {"EVT-1/ECOBEE/1": "D1SP", "EVT-2/ECOBEE/1": "D1CN"}

    @pytest.mark.parametrize(
        ("_case", "root", "item"),
        [
            ("nowhere", {}, {}),
            ("at both places", {"eventExternalIdentifier": "EVT-1"}, {"eventExternalIdentifier": "EVT-1"}),
        ],
    )
    def test_an_event_that_is_not_named_once_is_refused(
        self, dacs: str, _case: str, root: dict[str, str], item: dict[str, str]
    ) -> None:
        body = {**root, "postOutcomeList": [{**item, "nicId": "1", "headEndSystem": "ECOBEE", "outcome": "D1SP"}]}

        assert requests.post(f"{dacs}{EVENTS}postEventOutcome", json=body, timeout=5).status_code == 400

    def test_an_unknown_outcome_is_refused(self, dacs: str) -> None:
        row = {"nicId": "1", "headEndSystem": "ECOBEE", "outcome": "7"}
        body = {"eventExternalIdentifier": "EVT-1", "postOutcomeList": [row]}

        assert requests.post(f"{dacs}{EVENTS}postEventOutcome", json=body, timeout=5).status_code == 400
        assert state(dacs)["outcomes"] == {}


def test_requests_show_how_many_were_answered_at_once(dacs: str) -> None:
    rule = {"match": {"path": "healthCheck"}, "delay_seconds": 0.3}
    requests.post(f"{dacs}/_control/faults", json=rule, timeout=5)
    address = f"{dacs}/rest/apis/common/healthCheck"

    with ThreadPoolExecutor(3) as pool:
        for asked in [pool.submit(requests.get, address, timeout=5) for _ in range(3)]:
            assert asked.result().status_code == 200

    log = requests.get(f"{dacs}/_control/requests", timeout=5).json()["requests"]
    assert sorted(entry["atOnce"] for entry in log) == [1, 2, 3]


class TestCredentials:
    def test_asked_for_they_must_be_right(self, serve: Serve) -> None:
        dacs = serve(Dacs(), credentials=("OICUSER", "a secret")).url

        without = requests.post(dacs + ENROLL, json=CLEAN, timeout=5)
        wrong = requests.post(dacs + ENROLL, json=CLEAN, auth=("OICUSER", "other"), timeout=5)
        right = requests.post(dacs + ENROLL, json=CLEAN, auth=("OICUSER", "a secret"), timeout=5)

        assert [answer.status_code for answer in (without, wrong, right)] == [401, 401, 200]
        assert without.headers["WWW-Authenticate"] == 'Basic realm="dacs"'

    def test_an_unknown_address_is_not_found(self, dacs: str) -> None:
        assert requests.get(f"{dacs}/rest/apis/nothing", timeout=5).status_code == 404
