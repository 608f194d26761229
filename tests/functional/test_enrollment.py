"""Enrollment Request through the running product: acceptance checks 1, 2 and 20, and its addresses."""

from __future__ import annotations

import json
import time

import pytest
import requests

from tests.functional.harness.client import ENROLL, GUIDE_ENROLL, Client, problem
from tests.functional.harness.peers import ENROLL_PATH, Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.records import enrollment, name


MAIL_WOULD_HAVE_COME_SECONDS = 2.0


def test_check_1_a_collection_of_five_gets_its_five_answers_in_order(client: Client, dacs: Peer, mail: Peer) -> None:
    pending, refused, existing, late, last = (enrollment() for _ in range(5))
    refused["customerInfo"]["cisPersonId"] = "5512034999"
    already_there = {
        "transactionId": existing["messageId"],
        "customerInfo": {"cisPersonId": "1"},
        "programInfo": {"programCode": "SMART-COOL", "startDate": "2023-06-05"},
        "locationInfo": {},
        "assetInfo": {"installationMethod": "X1UI", "assetOwnership": "W1OW", "assetList": [{"sequence": 1}]},
    }
    assert requests.post(dacs.url + ENROLL_PATH, json=already_there, timeout=5).status_code == 200
    dacs.fault(match={"path": "enroll$", "body": f'"{late["messageId"]}"'}, delay_seconds=4)

    answer = client.enroll(pending, refused, existing, late, last)

    assert answer.status_code == 200, answer.text
    ack = answer.json()
    assert ack["ackType"] == "FAILURE"
    responses = ack["responses"]
    assert [response["responseCode"] for response in responses] == ["SUCCESS", "ERROR", "SUCCESS", "FAILURE", "SUCCESS"]
    assert [response["messageId"] for response in responses] == [
        record["messageId"] for record in (pending, refused, existing, late, last)
    ]
    known = dacs.state()["enrollments"]
    assert responses[0]["id"] == responses[0]["value"] == known[pending["messageId"]]["enrollmentId"]
    assert "CIS person 5512034999 is not known" in responses[1]["value"]
    assert (responses[2]["id"], responses[2]["value"]) == ("", "already exists")
    assert responses[3]["id"] == ""
    assert responses[4]["id"] == known[last["messageId"]]["enrollmentId"]
    time.sleep(MAIL_WOULD_HAVE_COME_SECONDS)
    assert mail.mails_about("Enrollment Request") == []


def test_check_2_a_target_that_is_down_gives_five_failures_and_one_mail(client: Client, dacs: Peer, mail: Peer) -> None:
    records = [enrollment() for _ in range(5)]
    dacs.stop()

    answer = client.enroll(*records)

    assert answer.status_code == 200, answer.text
    ack = answer.json()
    assert ack["ackType"] == "FAILURE"
    assert [response["responseCode"] for response in ack["responses"]] == ["FAILURE"] * 5
    assert [response["messageId"] for response in ack["responses"]] == [record["messageId"] for record in records]
    mails = wait_until("the error mail", lambda: mail.mails_about("Enrollment Request"))
    time.sleep(MAIL_WOULD_HAVE_COME_SECONDS)
    assert len(mail.mails_about("Enrollment Request")) == 1
    assert mails[0]["sender"] == "tieline@utility.example"
    assert mails[0]["recipients"] == ["integration@utility.example"]
    assert mails[0]["text"].strip()
    assert mails[0]["html"].strip()


def test_check_2_the_run_that_met_a_target_down_is_found_by_its_message_id(client: Client, dacs: Peer) -> None:
    record = enrollment()
    dacs.stop()
    client.enroll(record)

    runs = client.runs_of(record["messageId"])

    assert [run["state"] for run in runs] == ["FAILED"]
    run = client.read(f"/api/v1/flow-runs/{runs[0]['id']}/")
    assert run["fault"]["type"] == "REMOTE"
    assert run["steps"]


class TestCheck20:
    def test_the_same_message_with_the_same_body_gets_the_original_answer(self, client: Client, dacs: Peer) -> None:
        record = enrollment()
        first = client.enroll(record)

        second = client.enroll(record)

        assert (first.status_code, second.status_code) == (200, 200)
        assert second.json() == first.json()
        assert len(dacs.requests("programEnrollments/enroll")) == 1

    def test_the_same_message_with_another_body_is_a_conflict(self, client: Client, dacs: Peer) -> None:
        record = enrollment()
        client.enroll(record)
        changed = enrollment(record["messageId"], person="7712034471")

        answer = client.enroll(changed)

        problem(answer, 409, "idempotency_key_reused")
        assert len(dacs.requests("programEnrollments/enroll")) == 1
        assert len(client.runs_of(record["messageId"])) == 1


class TestAddresses:
    @pytest.mark.parametrize(
        ("_case", "path"),
        [
            ("the guide's", GUIDE_ENROLL),
            ("the guide's, for rest", GUIDE_ENROLL.replace("oracleutilities", "rest")),
            ("the short one", ENROLL),
            ("underscores for hyphens", ENROLL.replace("OUTL-BA-DRMS_DACS_ENROLLRQ", "OUTL_BA_DRMS_DACS_ENROLLRQ")),
            ("hyphens for underscores", GUIDE_ENROLL.replace("DRMS_DACS_ENROLLRQ", "DRMS-DACS-ENROLLRQ")),
            ("another case of the uri", ENROLL.replace("enroll-to-dacs", "Enroll-To-DACS")),
        ],
    )
    def test_each_leads_to_the_flow(self, client: Client, dacs: Peer, _case: str, path: str) -> None:
        record = enrollment()

        answer = client.enroll(record, path=path)

        assert answer.status_code == 200, answer.text
        assert answer.json()["ackType"] == "SUCCESS"
        assert list(dacs.state()["enrollments"]) == [record["messageId"]]

    @pytest.mark.parametrize(
        ("_case", "path"),
        [
            ("an unknown flow", ENROLL.replace("ENROLLRQ", "NOTHING")),
            ("an unknown uri", ENROLL.replace("enroll-to-dacs", "enroll-to-nobody")),
            ("an unknown adapter", GUIDE_ENROLL.replace("oracleutilities", "soap")),
        ],
    )
    def test_no_other_does(self, client: Client, dacs: Peer, _case: str, path: str) -> None:
        problem(client.enroll(enrollment(), path=path), 404, "not_found")
        assert dacs.requests() == []


class TestWhatIsSent:
    def test_the_body_is_mapped_by_the_lookups(self, client: Client, dacs: Peer) -> None:
        record = enrollment()
        client.enroll(record)

        sent = json.loads(dacs.requests("programEnrollments/enroll")[0]["body"])

        assert sent["transactionId"] == record["messageId"]
        assert sent["programInfo"] == {
            "cisServiceAgreementId": "7710035521",
            "programCode": "SMART-COOL",
            "startDate": "2023-06-05",
        }
        asset = sent["assetInfo"]["assetList"][0]
        assert (asset["specification"], asset["assetType"]) == ("ECOBEE-SMART5", "SMART-THERMOSTAT")
        assert "endDateTimeISO" not in str(sent)
        assert "drmsInstanceId" not in str(sent)

    def test_a_specification_without_a_translation_is_an_error_of_that_record(self, client: Client, dacs: Peer) -> None:
        good, unknown = enrollment(), enrollment(specification="ACME!UNHEARD-OF")

        ack = client.enroll(unknown, good).json()

        assert [response["responseCode"] for response in ack["responses"]] == ["ERROR", "SUCCESS"]
        assert ack["ackType"] == "ERROR"
        assert list(dacs.state()["enrollments"]) == [good["messageId"]]


class TestRefused:
    @pytest.mark.parametrize(
        ("_case", "body"),
        [
            ("an empty collection", {"params": []}),
            ("no collection", {}),
            ("a collection that is none", {"params": "x"}),
            ("no valid record", {"params": [{"messageId": "DRMS-1"}]}),
        ],
    )
    def test_a_body_without_a_valid_record_is_refused_with_pointers(
        self, client: Client, dacs: Peer, _case: str, body: object
    ) -> None:
        document = problem(client.post(ENROLL, json=body), 400, "validation")

        assert document["errors"]
        assert all(error["pointer"].startswith("/params") for error in document["errors"])
        assert dacs.requests() == []

    def test_an_invalid_record_is_an_error_in_its_place(self, client: Client, dacs: Peer) -> None:
        good, invalid = enrollment(), enrollment()
        del invalid["assetInfo"]["assetList"][0]["nicId"]

        answer = client.enroll(good, invalid)

        assert answer.status_code == 200, answer.text
        responses = answer.json()["responses"]
        assert [response["responseCode"] for response in responses] == ["SUCCESS", "ERROR"]
        assert "/params/1/assetInfo/assetList/0/nicId" in responses[1]["value"]
        assert list(dacs.state()["enrollments"]) == [good["messageId"]]


def test_a_message_id_is_searchable(client: Client, dacs: Peer) -> None:
    record = enrollment(name("DRMS-SEARCH"))
    client.enroll(record)

    runs = client.runs_of(record["messageId"])

    assert [run["state"] for run in runs] == ["SUCCEEDED"]
    assert runs[0]["flow"] in ("enrollment_request", "OUTL-BA-DRMS_DACS_ENROLLRQ")
