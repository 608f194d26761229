"""Enrollment Request from the peer's side: acceptance checks 1, 2, 18 and 20 of the domain's list."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connections
from rest_framework.test import APIClient

from integration.models import EnrollmentRecord, FlowRun, Incident, Payload, RunStep
from outbound.models import Mail
from tests.database.integration.conftest import Behaviour, Dacs, already_exists, validation_error
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

GUIDE = "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DRMS_DACS_ENROLLRQ/1.0/enroll-to-dacs"
SHORT = "/api/v1/flows/enrollment_request/enroll-to-dacs"


@pytest.fixture
def derms() -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("derms", rights=["integration.call_flow"]))
    return client


def codes(answer: Any) -> list[str]:
    return [entry["responseCode"] for entry in answer.json()["responses"]]


class TestCollectionOfFive:
    """Check 1: PENDING, VAL-ERROR, 10589 via 400, one timeout, PENDING."""

    @pytest.fixture
    def answer(self, dacs: Dacs, derms: APIClient) -> Any:
        factory.prepare(base_url=dacs.base_url, read_timeout="0.5")
        dacs.behaviours = {"E-2": validation_error(), "E-3": already_exists(), "E-4": Behaviour(delay=1.2)}
        return derms.post(GUIDE, factory.collection(*(factory.record(f"E-{n}") for n in range(1, 6))), format="json")

    def test_answers_each_record_in_the_order_of_the_request(self, answer: Any) -> None:
        assert answer.status_code == 200
        assert codes(answer) == ["SUCCESS", "ERROR", "SUCCESS", "FAILURE", "SUCCESS"]
        assert [entry["messageId"] for entry in answer.json()["responses"]] == ["E-1", "E-2", "E-3", "E-4", "E-5"]
        assert answer.json()["ackType"] == "FAILURE"

    def test_gives_the_ids_and_texts_of_the_result_table(self, answer: Any) -> None:
        entries = answer.json()["responses"]

        assert [(entry["id"], entry["value"]) for entry in entries] == [
            ("E-E-1", "E-E-1"),
            ("48213907551235", "No such program."),
            ("", "already exists"),
            ("", "DACS did not answer in time"),
            ("E-E-5", "E-E-5"),
        ]

    def test_sends_no_mail(self, answer: Any) -> None:
        assert answer.status_code == 200
        assert Mail.objects.count() == 0
        assert Incident.objects.count() == 0

    def test_leaves_a_failed_run_whose_steps_can_be_read(self, answer: Any) -> None:
        run = FlowRun.objects.get(pk=answer["X-Flow-Run"])

        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "REMOTE", "target_timed_out")
        assert run.counts == {"SUCCESS": 3, "ERROR": 1, "FAILURE": 1}
        assert list(run.steps.order_by("sequence").values_list("name", "outcome")) == [
            ("Check the records", "SUCCEEDED"),
            ("Translate to DACS", "SUCCEEDED"),
            ("Send to DACS", "WARNING"),
            ("Answer DERMS", "SUCCEEDED"),
        ]
        assert (run.progress_done, run.progress_total) == (5, 5)

    def test_keeps_request_response_and_the_exchanges_that_failed(self, answer: Any) -> None:
        kept = list(Payload.objects.order_by("pk").values_list("direction", "label"))

        assert kept[0] == ("REQUEST_IN", "")
        assert sorted(kept[1:-1]) == [
            ("REQUEST_OUT", "E-2"),
            ("REQUEST_OUT", "E-4"),
            ("RESPONSE_IN", "E-2"),
        ]
        assert kept[-1] == ("RESPONSE_OUT", "")
        assert bytes(Payload.objects.get(direction="RESPONSE_OUT").content) == answer.content


class TestTargetDown:
    """Check 2: refused at record 1 of 5."""

    def test_fails_all_five_and_sends_one_mail(self, nobody_listens: str, derms: APIClient) -> None:
        factory.prepare(base_url=nobody_listens)

        answer = derms.post(GUIDE, factory.collection(*(factory.record(f"E-{n}") for n in range(1, 6))), format="json")

        assert answer.status_code == 200
        assert codes(answer) == ["FAILURE"] * 5
        assert answer.json()["ackType"] == "FAILURE"
        mail = Mail.objects.get()
        assert mail.to == ["ops@example.org"]
        assert "DACS cannot be reached" in mail.subject
        assert answer["X-Flow-Run"] in mail.text
        incident = Incident.objects.get()
        assert (incident.fault_code, incident.occurrences, incident.mailed_count) == ("target_unreachable", 1, 1)
        assert list(EnrollmentRecord.objects.values_list("state", flat=True)) == ["FAILURE"] * 5

    def test_tells_a_second_outage_in_the_digest_and_not_at_once(self, nobody_listens: str, derms: APIClient) -> None:
        factory.prepare(base_url=nobody_listens)
        body = factory.collection(factory.record("E-1"))

        derms.post(GUIDE, body, format="json")
        derms.post(GUIDE, body, format="json")

        incident = Incident.objects.get()
        assert (incident.occurrences, incident.mailed_count) == (2, 1)
        assert Mail.objects.count() == 1

    def test_stops_after_three_remote_faults_in_a_row(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url, max_concurrency=1)
        dacs.otherwise = Behaviour(status=500, body={"detail": "broken"})

        answer = derms.post(GUIDE, factory.collection(*(factory.record(f"E-{n}") for n in range(1, 7))), format="json")

        assert dacs.transaction_ids() == ["E-1", "E-2", "E-3"]
        assert codes(answer) == ["FAILURE"] * 6
        entries = answer.json()["responses"]
        assert entries[0]["value"] == "DACS answered 500 Internal Server Error: broken"
        assert entries[5]["value"].endswith("this record was not sent")
        assert Mail.objects.count() == 1

    def test_goes_on_when_a_success_stands_between_the_faults(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url, max_concurrency=1)
        broken = Behaviour(status=503)
        dacs.behaviours = {"E-1": broken, "E-2": broken, "E-4": broken, "E-5": broken}

        answer = derms.post(GUIDE, factory.collection(*(factory.record(f"E-{n}") for n in range(1, 7))), format="json")

        assert codes(answer) == ["FAILURE", "FAILURE", "SUCCESS", "FAILURE", "FAILURE", "SUCCESS"]
        assert Mail.objects.count() == 0

    def test_says_so_when_no_connection_is_configured(self, derms: APIClient) -> None:
        factory.prepare()

        answer = derms.post(GUIDE, factory.collection(factory.record()), format="json")

        assert (answer.status_code, codes(answer)) == (200, ["FAILURE"])
        run = FlowRun.objects.get()
        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "TECHNICAL", "configuration")
        assert Mail.objects.count() == 1

    def test_sends_no_mail_when_the_gate_is_shut(self, nobody_listens: str, derms: APIClient) -> None:
        from lookups.operations import apply_configuration

        factory.prepare(base_url=nobody_listens)
        apply_configuration(
            section={"OUTL-BRT-DACS_DRMS_ConfigProps": {"notification.email.error.flag": "false"}},
            by=factory.user("admin"),
            at=factory.AT,
        )

        derms.post(GUIDE, factory.collection(factory.record()), format="json")

        assert Mail.objects.count() == 0
        assert Incident.objects.get().mailed_count == 0


class TestIdempotency:
    """Check 20, and the ledger's rule: SUCCESS and ERROR are not sent twice, FAILURE is."""

    def test_replays_the_original_answer_verbatim(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.behaviours = {"E-2": validation_error()}
        body = factory.collection(factory.record("E-1"), factory.record("E-2"))

        first = derms.post(GUIDE, body, format="json")
        again = derms.post(SHORT, json.dumps(body, indent=3), content_type="application/json")

        assert again.status_code == 200
        assert again.content == first.content
        assert again["Idempotency-Replayed"] == "true"
        assert dacs.transaction_ids() == ["E-1", "E-2"]
        assert FlowRun.objects.count() == 1

    def test_refuses_the_same_message_id_with_another_body_and_stores_nothing(
        self, dacs: Dacs, derms: APIClient
    ) -> None:
        factory.prepare(base_url=dacs.base_url)
        derms.post(GUIDE, factory.collection(factory.record("E-1")), format="json")

        answer = derms.post(
            GUIDE,
            factory.collection(factory.record("E-9"), factory.record("E-1", customerInfo__name="Somebody Else")),
            format="json",
        )

        assert answer.status_code == 409
        problem = answer.json()
        assert (problem["code"], problem["messageId"]) == ("idempotency_key_reused", "E-1")
        assert problem["errors"][0]["pointer"] == "/params/1/messageId"
        assert FlowRun.objects.count() == 1
        assert Payload.objects.filter(direction="REQUEST_IN").count() == 1
        assert list(EnrollmentRecord.objects.values_list("message_id", "state")) == [("E-1", "SUCCESS")]
        assert dacs.transaction_ids() == ["E-1"]

    def test_tries_only_the_failed_records_again(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.behaviours = {"E-2": Behaviour(status=503)}
        body = factory.collection(factory.record("E-1"), factory.record("E-2"), factory.record("E-3"))
        first = derms.post(GUIDE, body, format="json")
        dacs.behaviours = {}
        dacs.requests.clear()

        again = derms.post(GUIDE, body, format="json")

        assert codes(first) == ["SUCCESS", "FAILURE", "SUCCESS"]
        assert codes(again) == ["SUCCESS", "SUCCESS", "SUCCESS"]
        assert dacs.transaction_ids() == ["E-2"]
        assert again.json()["responses"][0] == first.json()["responses"][0]
        assert FlowRun.objects.count() == 2

    def test_refuses_a_message_that_is_being_worked_on(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        body = factory.collection(factory.record("E-1"))
        meanwhile: list[Any] = []

        def ask_again(request: dict[str, Any]) -> None:
            dacs.on_request = None
            other = APIClient()
            other.force_authenticate(derms.handler._force_user)
            meanwhile.append(other.post(GUIDE, body, format="json"))
            connections.close_all()

        dacs.on_request = ask_again
        answer = derms.post(GUIDE, body, format="json")

        assert codes(answer) == ["SUCCESS"]
        assert meanwhile[0].status_code == 409
        assert meanwhile[0].json()["code"] == "in_progress"
        assert meanwhile[0]["Retry-After"] == "5"
        assert dacs.transaction_ids() == ["E-1"]

    def test_of_eight_clients_at_once_one_has_an_effect(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = Behaviour(delay=0.1)
        body = factory.collection(factory.record("E-1"), factory.record("E-2"))
        account = derms.handler._force_user
        together = threading.Barrier(8, timeout=10)

        def post(_: int) -> Any:
            client = APIClient()
            client.force_authenticate(account)
            together.wait()
            try:
                return client.post(GUIDE, body, format="json")
            finally:
                connections.close_all()

        with ThreadPoolExecutor(max_workers=8) as pool:
            answers = list(pool.map(post, range(8)))

        processed = [answer for answer in answers if answer.status_code == 200]
        refused = [answer for answer in answers if answer.status_code != 200]
        assert len({answer["X-Flow-Run"] for answer in processed}) == 1
        assert [codes(answer) for answer in processed] == [["SUCCESS", "SUCCESS"]] * len(processed)
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} <= {(409, "in_progress")}
        assert sorted(dacs.transaction_ids()) == ["E-1", "E-2"]
        assert FlowRun.objects.count() == 1

    def test_is_stored_and_committed_before_dacs_is_called(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        seen: list[tuple[str, int]] = []

        def look(request: dict[str, Any]) -> None:
            seen.append((FlowRun.objects.get().state, Payload.objects.filter(direction="REQUEST_IN").count()))
            connections.close_all()

        dacs.on_request = look
        derms.post(GUIDE, factory.collection(factory.record("E-1")), format="json")

        assert seen == [("IN_PROGRESS", 1)]


class TestWhatGoesOut:
    def test_sends_the_mapped_enrollment_with_a_stable_key(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)

        derms.post(GUIDE, factory.collection(factory.record("E-1")), format="json", HTTP_X_CORRELATION_ID="corr-7")

        request = dacs.requests[0]
        assert request["path"] == "/rest/apis/cross/digitalAssets/programEnrollments/enroll"
        assert request["headers"]["Idempotency-Key"] == "E-1"
        assert request["headers"]["X-Correlation-Id"] == "corr-7"
        assert request["body"]["transactionId"] == "E-1"
        assert request["body"]["assetInfo"]["assetList"][0]["specification"] == "ECOBEE-SMART5"
        assert "enrollmentSource" not in request["body"]

    def test_sends_the_enrollment_source_when_the_connection_says_so(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url, options={"send_enrollment_source": True})

        derms.post(GUIDE, factory.collection(factory.record("E-1")), format="json")

        assert dacs.bodies()[0]["enrollmentSource"] == "X1BY"

    def test_sends_the_first_record_alone_and_then_at_most_so_many_at_once(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url, max_concurrency=3)
        dacs.together = 3
        dacs.otherwise = Behaviour(delay=0.05)
        alone: list[int] = []
        dacs.on_request = lambda request: alone.append(dacs.at_once) if not alone else None

        answer = derms.post(GUIDE, factory.collection(*(factory.record(f"E-{n:02}") for n in range(12))), format="json")

        assert alone == [1]
        assert dacs.most_at_once == 3
        assert [entry["messageId"] for entry in answer.json()["responses"]] == [f"E-{n:02}" for n in range(12)]
        assert codes(answer) == ["SUCCESS"] * 12

    def test_records_which_version_of_each_lookup_was_used(self, dacs: Dacs, derms: APIClient) -> None:
        from lookups.operations import replace_rows

        factory.prepare(base_url=dacs.base_url)
        derms.post(GUIDE, factory.collection(factory.record("E-1")), format="json")
        earlier = FlowRun.objects.get()
        replace_rows(
            name="OUTL-BRT-DACS_DRMS_AssetType",
            rows=[{"DRMS_ASSET_TYPE": "THERMOSTAT", "DACS_ASSET_TYPE": "HOME-THERMOSTAT"}],
            by=factory.user("editor"),
            at=factory.AT,
        )

        derms.post(GUIDE, factory.collection(factory.record("E-2")), format="json")

        later = FlowRun.objects.exclude(pk=earlier.pk).get()
        types = [body["assetInfo"]["assetList"][0]["assetType"] for body in dacs.bodies()]
        assert types == ["SMART-THERMOSTAT", "HOME-THERMOSTAT"]
        table = "OUTL-BRT-DACS_DRMS_AssetType"
        assert later.lookup_versions[table] == earlier.lookup_versions[table] + 1


class TestRefusals:
    def test_puts_an_invalid_record_in_its_place_with_its_pointer(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        invalid = factory.record("E-2", assetInfo__assetList__0__nicId="")

        answer = derms.post(
            GUIDE, factory.collection(factory.record("E-1"), invalid, factory.record("E-3")), format="json"
        )

        assert codes(answer) == ["SUCCESS", "ERROR", "SUCCESS"]
        assert answer.json()["ackType"] == "ERROR"
        assert answer.json()["responses"][1]["errors"] == [
            {
                "pointer": "/params/1/assetInfo/assetList/0/nicId",
                "code": "required",
                "message": "params[1].assetInfo.assetList[0].nicId is required when installationMethod is X1SI "
                "and assetOwnership is W1CO",
            }
        ]
        assert dacs.transaction_ids() == ["E-1", "E-3"]
        assert FlowRun.objects.get().state == "SUCCEEDED"

    def test_names_the_lookup_and_the_value_that_it_does_not_hold(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        unknown = factory.record("E-2", assetInfo__assetList__0__specification="ACME!ONE")

        answer = derms.post(GUIDE, factory.collection(factory.record("E-1"), unknown), format="json")

        assert codes(answer) == ["SUCCESS", "ERROR"]
        assert "ACME!ONE is not in the lookup OUTL-BRT-DACS_DRMS_AssetSpec" in answer.json()["responses"][1]["value"]
        assert dacs.transaction_ids() == ["E-1"]
        assert EnrollmentRecord.objects.get(message_id="E-2").state == "ERROR"

    @pytest.mark.parametrize(
        ("_case", "body", "pointer"),
        [
            ("empty collection", {"params": []}, "/params"),
            ("no collection", {"records": []}, "/params"),
            ("no valid record", {"params": [{"messageId": "E-1"}]}, "/params/0/programInfo"),
        ],
    )
    def test_refuses_the_whole_message(self, dacs: Dacs, derms: APIClient, _case: str, body: Any, pointer: str) -> None:
        factory.prepare(base_url=dacs.base_url)

        answer = derms.post(GUIDE, body, format="json")

        assert answer.status_code == 400
        assert answer["Content-Type"] == "application/problem+json"
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert answer.json()["faultType"] == "BUSINESS"
        assert FlowRun.objects.count() == 0
        assert dacs.requests == []

    def test_refuses_what_is_no_json(self, derms: APIClient) -> None:
        factory.prepare()

        answer = derms.post(GUIDE, '{"params": [', content_type="application/json")

        assert (answer.status_code, answer.json()["code"]) == (400, "malformed")
        assert FlowRun.objects.count() == 0

    def test_treats_an_answer_that_is_no_enrollment_as_a_remote_fault(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        dacs.otherwise = Behaviour(raw=b"<html>please log in</html>")

        answer = derms.post(GUIDE, factory.collection(factory.record("E-1")), format="json")

        assert codes(answer) == ["FAILURE"]
        assert FlowRun.objects.get().fault_code == "upstream_error"


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        [
            GUIDE,
            SHORT,
            "/ic/api/integration/v1/flows/rest/OUTL-BA-DRMS_DACS_ENROLLRQ/1.0/enroll-to-dacs",
            "/ic/api/integration/v1/flows/oracleutilities/OUTL_BA_DRMS-DACS_ENROLLRQ/1.0/Enroll-To-DACS",
            "/ic/api/integration/v1/flows/oracleutilities/outl_ba_drms_dacs_enrollrq/1.0/enroll-to-dacs",
            "/api/v1/flows/OUTL-BA-DRMS_DACS_ENROLLRQ/enroll-to-dacs",
            "/api/v1/flows/enrollment-request/ENROLL-TO-DACS",
        ],
    )
    def test_serves_both_trees_with_codes_folded(self, dacs: Dacs, derms: APIClient, address: str) -> None:
        factory.prepare(base_url=dacs.base_url)

        answer = derms.post(address, factory.collection(factory.record()), format="json")

        assert (answer.status_code, codes(answer)) == (200, ["SUCCESS"])

    @pytest.mark.parametrize(
        ("address", "code"),
        [
            ("/api/v1/flows/enrollment_request", "not_found"),
            ("/api/v1/flows/enrollment_request/elsewhere", "not_found"),
            ("/api/v1/flows/no_such_flow/run", "not_found"),
        ],
    )
    def test_says_why_there_is_nothing(self, derms: APIClient, address: str, code: str) -> None:
        answer = derms.post(address, {}, format="json")

        assert (answer.status_code, answer.json()["code"]) == (404, code)

    def test_refuses_an_account_without_the_right(self, dacs: Dacs) -> None:
        factory.prepare(base_url=dacs.base_url)
        client = APIClient()
        client.force_authenticate(factory.user("stranger"))

        assert client.post(GUIDE, factory.collection(factory.record()), format="json").status_code == 403
        assert FlowRun.objects.count() == 0


class TestSecrets:
    def test_never_shows_the_target_s_password(
        self, dacs: Dacs, derms: APIClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Check 18, for the flow: not in payloads, steps, answers or logs."""
        caplog.set_level("DEBUG")
        factory.prepare(base_url=dacs.base_url, username="OICUSER", password="Zq8-secret-of-dacs")
        dacs.otherwise = Behaviour(status=401)

        answer = derms.post(GUIDE, factory.collection(factory.record("E-1")), format="json")

        assert dacs.requests[0]["headers"]["Authorization"].startswith("Basic ")
        places = [
            answer.content.decode(),
            caplog.text,
            *(bytes(payload.content).decode() for payload in Payload.objects.all()),
            *(json.dumps(step.detail) + step.message for step in RunStep.objects.all()),
        ]
        assert [place for place in places if "Zq8-secret-of-dacs" in place] == []
