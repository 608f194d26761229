"""Failed runs resubmitted many at once, and the replay of a request/response run with its guard."""

from __future__ import annotations

import contextlib
import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.harness.browser import Person
from tests.functional.harness.client import Client, problem
from tests.functional.harness.events import (
    RESERVE_AT_DACS,
    acknowledged,
    reservation,
    reservation_file,
    reserve,
    reserved,
)
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import USERNAME, Product
from tests.functional.harness.records import enrollment


BULK = "/api/v1/flow-runs/bulk/"
RUNS = "/admin/integration/flowrun/"
ENROLL_AT_DACS = "programEnrollments/enroll"


def failed_reservations(client: Client, dacs: Peer, derms: Peer, *, number: int) -> list[dict[str, Any]]:
    """Reservations that DACS failed; each was acknowledged so. DACS is well again."""
    dacs.fault(match={"path": RESERVE_AT_DACS}, status=500)
    documents = [reservation() for _ in range(number)]
    runs = [reserve(client, document, reservation_file(2)) for document in documents]
    for document in documents:
        assert acknowledged(derms, document["messageId"])["ackType"] == "FAILURE"
    dacs.clear_faults()
    return [{"run": run, "document": document} for run, document in zip(runs, documents, strict=True)]


def bulk(client: Client, action: str, *ids: str) -> list[dict[str, Any]]:
    answer = client.post(BULK, json={"action": action, "ids": list(ids), "reason": "DACS is well again"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ended(client: Client, run: str, *, state: str = "SUCCEEDED") -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = client.read(f"/api/v1/flow-runs/{run}/")
        return found if found["state"] == state else None

    return wait_until(f"{state} of run {run}", look, seconds=40)


class TestResubmit:
    def test_by_api_each_run_gets_its_result_and_one_that_may_not_stops_no_other(
        self, client: Client, dacs: Peer, derms: Peer
    ) -> None:
        first, second = failed_reservations(client, dacs, derms, number=2)
        record = enrollment()
        client.enroll(record)
        request_response, nobody = client.runs_of(record["messageId"])[0]["id"], str(uuid.uuid4())

        results = bulk(client, "resubmit", first["run"], request_response, nobody, second["run"])

        assert [row["run_id"] for row in results] == [first["run"], request_response, nobody, second["run"]]
        assert [row["outcome"] for row in results] == ["done", "refused", "unknown", "done"]
        assert "Use replay" in results[1]["message"]
        for failed in (first, second):
            document = failed["document"]
            assert acknowledged(derms, document["messageId"], number=2)["ackType"] == "SUCCESS"
            assert ended(client, failed["run"])["transitions"][-1]["to_state"] == "SUCCEEDED"
            assert list(reserved(dacs, document["eventId"]).values()) == [1, 1]
        again = bulk(client, "resubmit", first["run"])
        assert again[0]["outcome"] == "refused"
        assert "cannot be resubmitted" in again[0]["message"]

    def test_in_the_admin_a_person_chooses_runs_says_why_and_reads_a_line_per_run(
        self, client: Client, product: Product, dacs: Peer, derms: Peer
    ) -> None:
        person = product.person()
        failed = [each["run"] for each in failed_reservations(client, dacs, derms, number=2)]
        done = reserve(client, document := reservation(), reservation_file(1))
        assert acknowledged(derms, document["messageId"])["ackType"] == "SUCCESS"
        ended(client, done)

        lines = resubmitted_in_the_admin(person, [*failed, done])

        assert [lines[run][0] for run in [*failed, done]] == ["done", "done", "refused"]
        assert "succeeded" in lines[done][1]
        for run in failed:
            transitions = ended(client, run)["transitions"]
            asked = [(move["by"], move["reason"]) for move in transitions if move["from_state"] == "FAILED"]
            assert asked == [(USERNAME, "DACS is well again")]

    def test_without_a_reason_or_an_action_that_there_is_nothing_happens(
        self, client: Client, dacs: Peer, derms: Peer
    ) -> None:
        (failed,) = failed_reservations(client, dacs, derms, number=1)

        problem(client.post(BULK, json={"action": "resubmit", "ids": [failed["run"]], "reason": " "}), 400)
        problem(client.post(BULK, json={"action": "erase", "ids": [failed["run"]], "reason": "x"}), 400)

        assert client.read(f"/api/v1/flow-runs/{failed['run']}/")["state"] == "FAILED"


def resubmitted_in_the_admin(person: Person, runs: list[str]) -> dict[str, tuple[str, str]]:
    """Choose runs in the list and resubmit them; gives outcome and reason by run."""
    chosen = {"action": "resubmit_selected", "_selected_action": runs}
    question = person.submit(RUNS, person.get(RUNS), chosen, form_id="changelist-form")
    assert f"{len(runs)} runs are chosen" in question.text
    done = person.submit(
        RUNS, question, {"_selected_action": runs, "reason": "DACS is well again"}, form_id="bulk-form"
    )
    row = r"/flowrun/([0-9a-f-]{36})/change/.*?badge-\w+\">(\w+)</span></td>\s*<td>(.*?)</td>"
    return {run: (outcome, message) for run, outcome, message in re.findall(row, done.text, re.DOTALL)}


class TestReplay:
    @pytest.fixture
    def failed(self, client: Client, dacs: Peer) -> dict[str, Any]:
        """An enrollment that DACS could not take; its caller was told so. DACS is well again."""
        record = enrollment()
        dacs.fault(match={"path": ENROLL_AT_DACS}, status=500)
        assert client.enroll(record).json()["ackType"] == "FAILURE"
        dacs.clear_faults()
        return {"record": record, "run": client.runs_of(record["messageId"])[0]["id"]}

    def test_sends_the_message_once_more_as_a_new_run_that_says_who_and_why(
        self, client: Client, dacs: Peer, failed: dict[str, Any]
    ) -> None:
        path = f"/api/v1/flow-runs/{failed['run']}/replay/"

        answer = client.post(path, json={"reason": "DACS is well again"})

        assert answer.status_code == 202, answer.text
        new = ended(client, answer.json()["id"])
        assert (new["kind"], new["repeats"]) == ("REPLAY", failed["run"])
        assert (new["transitions"][0]["by"], new["transitions"][0]["reason"]) == (USERNAME, "DACS is well again")
        assert list(dacs.state()["enrollments"]) == [failed["record"]["messageId"]]
        assert client.read(f"/api/v1/flow-runs/{failed['run']}/")["state"] == "FAILED"

    def test_needs_a_reason(self, client: Client, failed: dict[str, Any]) -> None:
        answer = client.post(f"/api/v1/flow-runs/{failed['run']}/replay/", json={"reason": ""})

        problem(answer, 400)
        assert len(client.runs_of(failed["record"]["messageId"])) == 1

    def test_asks_in_the_admin_before_it_sends(
        self, client: Client, product: Product, dacs: Peer, failed: dict[str, Any]
    ) -> None:
        person = product.person()
        path = f"{RUNS}{failed['run']}/replay/"
        question = person.get(path)
        assert "Its reply is discarded" in question.text
        assert dacs.state()["enrollments"] == {}

        shown = person.submit(path, question, {"reason": "DACS is well again"})

        new = shown.url.rstrip("/").split("/")[-2]
        assert new != failed["run"]
        ended(client, new)
        assert list(dacs.state()["enrollments"]) == [failed["record"]["messageId"]]

    def test_of_a_run_that_is_being_replayed_is_refused(
        self, client: Client, dacs: Peer, failed: dict[str, Any]
    ) -> None:
        path = f"/api/v1/flow-runs/{failed['run']}/replay/"
        with paused(client, "enrollment_request"):
            first = client.post(path, json={"reason": "DACS is well again"})
            assert first.status_code == 202, first.text

            second = client.post(path, json={"reason": "Again"})

            assert f"already being replayed by {USERNAME}" in problem(second, 409)["detail"]
        ended(client, first.json()["id"])
        assert len(dacs.requests(ENROLL_AT_DACS)) == 2

    def test_of_a_one_way_run_is_refused_and_so_is_resubmitting_a_request_response_run(
        self, client: Client, dacs: Peer, derms: Peer, failed: dict[str, Any]
    ) -> None:
        (one_way,) = failed_reservations(client, dacs, derms, number=1)

        replayed = client.post(f"/api/v1/flow-runs/{one_way['run']}/replay/", json={"reason": "x"})
        resubmitted = client.post(f"/api/v1/flow-runs/{failed['run']}/resubmit/", json={"reason": "x"})

        assert "resubmit it instead" in problem(replayed, 409)["detail"]
        assert "Use replay" in problem(resubmitted, 409)["detail"]


@contextlib.contextmanager
def paused(client: Client, flow: str) -> Iterator[None]:
    """Keep what comes for a flow waiting while the block runs."""
    made = client.post("/api/v1/pauses/", json={"scope": "FLOW", "target": flow, "reason": "Patch night"})
    assert made.status_code == 201, made.text
    try:
        yield
    finally:
        resumed = client.post(f"/api/v1/pauses/{made.json()['id']}/resume/", json={"reason": "Done"})
        assert resumed.status_code == 200, resumed.text
