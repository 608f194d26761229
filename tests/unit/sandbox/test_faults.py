from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox.dacs import Dacs
from sandbox.exchange import PeerRequest, now
from sandbox.faults import FaultBook, UnableToReadRule
from sandbox.server import PeerServer
from tests.unit.sandbox.conftest import Serve


HEALTH = "/rest/apis/common/healthCheck"


@pytest.fixture
def dacs(serve: Serve) -> PeerServer:
    return serve(Dacs())


def request(path: str = "/a", body: bytes = b"", method: str = "POST") -> PeerRequest:
    return PeerRequest(method=method, path=path, headers={}, body=body, received_at=now())


def tell(server: PeerServer, **rule: Any) -> None:
    answer = requests.post(f"{server.url}/_control/faults", json=rule, timeout=5)
    assert answer.status_code == 201, answer.text


class TestTake:
    def test_the_first_rule_that_matches_and_is_not_used_up_decides(self) -> None:
        book = FaultBook()
        once = book.add({"match": "/a", "times": 1, "status": 500})
        always = book.add({"match": {"path": "/a"}, "status": 503})

        taken = [book.take(request()), book.take(request()), book.take(request(path="/b"))]

        assert taken == [once, always, None]

    def test_a_body_and_a_method_can_be_asked_for(self) -> None:
        book = FaultBook()
        rule = book.add({"match": {"body": '"messageId": "[AB]"', "method": "post"}})

        assert book.take(request(body=b'{"messageId": "C"}')) is None
        assert book.take(request(body=b'{"messageId": "A"}', method="PUT")) is None
        assert book.take(request(body=b'{"messageId": "A"}')) is rule


class TestAdd:
    @pytest.mark.parametrize(
        ("_case", "rule"),
        [
            ("an unknown field", {"stauts": 500}),
            ("a broken expression", {"match": {"path": "("}}),
            ("a status that is none", {"status": 99}),
            ("a truth as a number", {"times": True}),
            ("no times at all", {"times": 0}),
            ("a negative wait", {"delay_seconds": -1}),
            ("a flag that is text", {"reset": "yes"}),
        ],
    )
    def test_a_rule_that_makes_no_sense_is_refused(self, _case: str, rule: dict[str, Any]) -> None:
        book = FaultBook()

        with pytest.raises(UnableToReadRule):
            book.add(rule)
        assert book.rules() == []


class TestMisbehaviour:
    def test_a_status_and_body_replace_the_answer_for_so_many_times(self, dacs: PeerServer) -> None:
        tell(dacs, match=HEALTH, times=2, status=503, body={"title": "away"})

        answers = [requests.get(dacs.url + HEALTH, timeout=5) for _ in range(3)]

        assert [answer.status_code for answer in answers] == [503, 503, 200]
        assert answers[0].json() == {"title": "away"}

    def test_a_delay_waits_and_then_answers(self, dacs: PeerServer) -> None:
        tell(dacs, delay_seconds=0.3)

        started = time.monotonic()
        answer = requests.get(dacs.url + HEALTH, timeout=5)

        assert time.monotonic() - started >= 0.3
        assert answer.status_code == 200

    def test_what_was_done_is_on_record_while_the_answer_waits(self, dacs: PeerServer) -> None:
        tell(dacs, delay_seconds=5)

        with pytest.raises(requests.ReadTimeout):
            requests.get(dacs.url + HEALTH, timeout=0.3)

        assert [(entry["outcome"], entry["effect"]) for entry in dacs.log.entries()] == [("200", True)]

    @pytest.mark.parametrize("flag", ["reset", "down", "half_answer"])
    def test_the_connection_breaks(self, dacs: PeerServer, flag: str) -> None:
        tell(dacs, **{flag: True})

        with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
            requests.get(dacs.url + HEALTH, timeout=5)
        assert dacs.log.entries()[-1]["outcome"] == flag.replace("_", " ")

    def test_nonsense_is_not_json(self, dacs: PeerServer) -> None:
        tell(dacs, nonsense=True)

        with pytest.raises(requests.exceptions.JSONDecodeError):
            requests.get(dacs.url + HEALTH, timeout=5).json()

    def test_a_refusal_does_not_do_the_work_unless_it_is_told_to(self, dacs: PeerServer) -> None:
        body = {"health": 203}
        assert requests.post(f"{dacs.url}/_control/state", json=body, timeout=5).status_code == 200
        path = "/rest/apis/common/sync/syncRequest/7"
        requests.post(f"{dacs.url}/_control/state", json={"syncRequests": ["7"]}, timeout=5)
        acknowledgement = {"syncRequestId": "7", "hasError": False}

        tell(dacs, status=500, times=1)
        requests.patch(dacs.url + path, json=acknowledgement, timeout=5)
        untouched = dacs.service.state()["syncRequests"]["7"]["state"]
        tell(dacs, status=500, times=1, after_effect=True)
        answer = requests.patch(dacs.url + path, json=acknowledgement, timeout=5)

        assert untouched == "AWAITINGACK"
        assert answer.status_code == 500
        assert dacs.service.state()["syncRequests"]["7"]["state"] == "SYNCHRONIZED"


class TestControl:
    def test_rules_are_listed_and_deleted(self, dacs: PeerServer) -> None:
        tell(dacs, match=HEALTH, status=500)
        tell(dacs, match=HEALTH, status=501)
        faults = f"{dacs.url}/_control/faults"

        listed = requests.get(faults, timeout=5).json()
        assert [rule["status"] for rule in listed] == [500, 501]
        assert requests.delete(f"{faults}/{listed[0]['id']}", timeout=5).status_code == 204
        assert requests.delete(f"{faults}/{listed[0]['id']}", timeout=5).status_code == 404
        assert requests.get(dacs.url + HEALTH, timeout=5).status_code == 501
        assert requests.delete(faults, timeout=5).status_code == 204
        assert requests.get(faults, timeout=5).json() == []

    def test_a_rule_that_makes_no_sense_is_refused_with_the_reason(self, dacs: PeerServer) -> None:
        answer = requests.post(f"{dacs.url}/_control/faults", json={"status": 1}, timeout=5)

        assert answer.status_code == 400
        assert answer.json()["detail"] == "status is a whole number from 200 to 599."

    def test_requests_are_kept_without_credentials(self, dacs: PeerServer) -> None:
        requests.get(dacs.url + HEALTH, auth=("OICUSER", "canary"), timeout=5)

        kept = requests.get(f"{dacs.url}/_control/requests", timeout=5)

        assert kept.json()["total"] == 1
        assert kept.json()["requests"][0]["path"] == HEALTH
        assert kept.json()["requests"][0]["authenticated"] is True
        assert "canary" not in kept.text
        assert "authorization" not in kept.text

    def test_reset_forgets_everything(self, dacs: PeerServer) -> None:
        tell(dacs, match="/nothing", status=500)
        requests.post(f"{dacs.url}/_control/state", json={"health": 500}, timeout=5)
        requests.get(dacs.url + HEALTH, timeout=5)

        assert requests.post(f"{dacs.url}/_control/reset", timeout=5).status_code == 204

        assert requests.get(f"{dacs.url}/_control/requests", timeout=5).json() == {"total": 0, "requests": []}
        assert requests.get(dacs.url + HEALTH, timeout=5).status_code == 200
        assert dacs.faults.rules() == []

    def test_an_unknown_control_address_is_not_found(self, dacs: PeerServer) -> None:
        assert requests.get(f"{dacs.url}/_control/nothing", timeout=5).status_code == 404


class TestPage:
    def test_it_shows_state_faults_and_requests_escaped(self, dacs: PeerServer) -> None:
        tell(dacs, match={"body": "<script>"}, status=500)
        requests.post(f"{dacs.url}/x", data=b"<b>bold</b>", timeout=5)

        page = requests.get(f"{dacs.url}/_control/", timeout=5)

        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "&lt;script&gt;" in page.text
        assert "<script>" not in page.text
        assert "&lt;b&gt;bold&lt;/b&gt;" in page.text

    def test_a_fault_is_set_and_deleted_by_its_forms(self, dacs: PeerServer) -> None:
        form = {"action": "add-fault", "path": HEALTH, "times": "1", "status": "503", "body": "", "delay_seconds": ""}
        page = requests.post(f"{dacs.url}/_control/", data=form, timeout=5)

        assert page.status_code == 200
        assert [rule.status for rule in dacs.faults.rules()] == [503]
        rule_id = dacs.faults.rules()[0].id
        requests.post(f"{dacs.url}/_control/", data={"action": "remove-fault", "id": rule_id}, timeout=5)
        assert dacs.faults.rules() == []

    def test_a_page_of_another_site_may_not_change_anything(self, dacs: PeerServer) -> None:
        answer = requests.post(
            f"{dacs.url}/_control/",
            data={"action": "add-fault", "status": "503"},
            headers={"Origin": "https://elsewhere.example"},
            timeout=5,
        )

        assert answer.status_code == 403
        assert dacs.faults.rules() == []


class TestServer:
    def test_a_connection_is_kept_alive_over_several_requests(self, dacs: PeerServer) -> None:
        with socket.create_connection(("127.0.0.1", dacs.port), timeout=5) as connection:
            for _ in range(2):
                connection.sendall(f"GET {HEALTH} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert connection.recv(65_536).startswith(b"HTTP/1.1 200 OK")

    def test_a_chunked_body_is_read(self, dacs: PeerServer) -> None:
        requests.post(f"{dacs.url}/x", data=iter([b"one ", b"two"]), timeout=5)

        assert dacs.log.entries()[-1]["body"] == "one two"

    def test_it_listens_on_loopback_alone(self, dacs: PeerServer) -> None:
        assert dacs.server_address[0] == "127.0.0.1"

    def test_every_request_is_recorded_as_a_json_line(self, serve: Serve, tmp_path: Path) -> None:
        record = tmp_path / "requests.jsonl"
        server = serve(Dacs(), record=record)

        requests.get(server.url + HEALTH, timeout=5)
        requests.post(f"{server.url}/x", data=b"body", timeout=5)

        lines = [json.loads(line) for line in record.read_text().splitlines()]
        assert [(line["method"], line["path"], line["outcome"]) for line in lines] == [
            ("GET", HEALTH, "200"),
            ("POST", "/x", "404"),
        ]

    def test_the_record_says_which_request_had_an_effect(self, dacs: PeerServer) -> None:
        def call(key: str) -> None:
            headers = {"Idempotency-Key": key}
            requests.get(dacs.url + HEALTH, headers=headers, timeout=5)

        tell(dacs, status=500, times=1)
        tell(dacs, status=500, times=1, after_effect=True)
        for key in ("a", "a", "a", "b"):
            call(key)

        seen = [
            (entry["headers"]["idempotency-key"], entry["outcome"], entry["effect"]) for entry in dacs.log.entries()
        ]
        assert seen == [("a", "500", False), ("a", "500", True), ("a", "200", False), ("b", "200", True)]
