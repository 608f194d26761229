"""Starting scheduled flows: the command, the API, and the ledger's API and page."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from integration.models import Flow, FlowRun, TransferredFile
from tests.database.integration import file_flows as flows
from tests.database.integration.file_flows import Peer, score_file
from tests.database.outbound.drops import RunningDrop, sftp_drop
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def derms() -> Iterator[Peer]:
    with flows.peer() as known:
        yield known


@pytest.fixture
def drop(tmp_path: Path, derms: Peer) -> Iterator[RunningDrop]:
    with sftp_drop(tmp_path) as running:
        flows.prepare()
        connection = running.connection()
        connection.name = "DACS_SFTP"
        connection.save()
        flows.connect("DERMS", derms.base_url)
        yield running


@pytest.fixture
def operator() -> APIClient:
    client = APIClient()
    rights = [
        "integration.call_flow",
        "integration.view_transferredfile",
        "integration.requeue_transferredfile",
    ]
    client.force_authenticate(factory.user("olga", rights=rights))
    return client


class TestCommand:
    def test_runs_here_and_prints_the_steps(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_1.csv", score_file())
        told = StringIO()

        call_command("run_flow", "OUTL-BA-DRMS_DACS_SEND_DVCSCORE", stdout=told)

        assert "SUCCEEDED SUCCESS" in told.getvalue()
        assert "transferred 1" in told.getvalue()
        assert drop.names() == ["Sent-SDCSE_1.csv"]

    def test_a_run_that_failed_is_an_error(self, drop: RunningDrop, derms: Peer) -> None:
        drop.put("SDCSE_1.csv", score_file())
        derms.otherwise = 503

        with pytest.raises(CommandError, match="ended FAILED: DERMS answered 503"):
            call_command("run_flow", "device_score", stdout=StringIO())

    @pytest.mark.parametrize(
        ("identifier", "told"),
        [("nothing", "There is no flow nothing"), ("enrollment_request", "is not a scheduled flow")],
    )
    def test_what_cannot_be_run(self, drop: RunningDrop, identifier: str, told: str) -> None:
        with pytest.raises(CommandError, match=told):
            call_command("run_flow", identifier)

    def test_a_paused_flow_is_not_run(self, drop: RunningDrop) -> None:
        from integration.models import Pause

        Pause.objects.create(
            scope="FLOW", target="device_score", reason="patch night", paused_by="olga", paused_at=timezone.now()
        )

        with pytest.raises(CommandError, match="is paused: patch night"):
            call_command("run_flow", "device_score")
        assert FlowRun.objects.count() == 0


class TestApi:
    @pytest.mark.parametrize(
        "address",
        [
            "/api/v1/flows/OUTL-BA-DRMS_DACS_SEND_DVCSCORE/run",
            "/api/v1/flows/device_score/RUN",
            "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DRMS_DACS_SEND_DVCSCORE/1.0/run",
            "/ic/api/integration/v1/flows/rest/OUTL_BA_DRMS_DACS_SEND_DVCSCORE/1.0/run",
        ],
    )
    def test_a_start_is_202_with_the_run(self, drop: RunningDrop, operator: APIClient, address: str) -> None:
        answer = operator.post(address)

        run = FlowRun.objects.get()
        assert answer.status_code == 202
        assert answer.json() == {"instanceId": str(run.pk), "ackType": "SUCCESS"}
        assert answer["Location"] == f"/api/v1/flow-runs/{run.pk}/"
        assert (run.state, run.requested_by.get_username()) == ("RECEIVED", "olga")  # type: ignore[union-attr]

    def test_a_worker_does_it(self, drop: RunningDrop, operator: APIClient) -> None:
        drop.put("SDCSE_1.csv", score_file())
        operator.post("/api/v1/flows/device_score/run")

        flows.work(FlowRun.objects.get())

        assert drop.names() == ["Sent-SDCSE_1.csv"]

    def test_a_second_one_is_409(self, drop: RunningDrop, operator: APIClient) -> None:
        operator.post("/api/v1/flows/device_score/run")

        answer = operator.post("/api/v1/flows/device_score/run")

        assert (answer.status_code, answer.json()["code"]) == (409, "in_progress")

    def test_bad_input_and_a_flow_that_is_off(self, drop: RunningDrop, operator: APIClient) -> None:
        bad = operator.post("/api/v1/flows/device_score/run", {"files": 3}, format="json")
        Flow.objects.filter(name="device_score").update(active=False)
        off = operator.post("/api/v1/flows/device_score/run")

        assert (bad.status_code, bad.json()["errors"][0]["pointer"]) == (400, "/files")
        assert (off.status_code, off.json()["code"]) == (404, "flow_not_active")
        assert FlowRun.objects.count() == 0


class TestLedger:
    @pytest.fixture
    def file(self, drop: RunningDrop, derms: Peer) -> TransferredFile:
        drop.put("SDCSE_1.csv", score_file())
        derms.otherwise = 400
        flows.run("device_score")
        return TransferredFile.objects.get()

    def test_lists_and_shows_with_history(self, file: TransferredFile, operator: APIClient) -> None:
        listed = operator.get("/api/v1/transferred-files/?state=ERROR&search=SDCSE&flow=device_score").json()
        shown = operator.get(f"/api/v1/transferred-files/{file.pk}/").json()

        assert (listed["count"], listed["results"][0]["name"]) == (1, "SDCSE_1.csv")
        assert [event["to_state"] for event in shown["events"]] == ["WAITING", "IN_PROGRESS", "REFUSED", "ERROR"]
        assert operator.get("/api/v1/transferred-files/0/").status_code == 404

    def test_requeue_over_the_api(self, file: TransferredFile, drop: RunningDrop, operator: APIClient) -> None:
        answer = operator.post(f"/api/v1/transferred-files/{file.pk}/requeue/", {"reason": "ours"}, format="json")
        again = operator.post(f"/api/v1/transferred-files/{file.pk}/requeue/", {}, format="json")

        assert (answer.status_code, answer.json()["state"]) == (200, "WAITING")
        assert (again.status_code, again.json()["code"]) == (409, "state_conflict")
        assert drop.names() == ["SDCSE_1.csv"]

    def test_requeue_of_what_is_gone(self, file: TransferredFile, drop: RunningDrop, operator: APIClient) -> None:
        (drop.inbox / "Error-SDCSE_1.csv").unlink()

        answer = operator.post(f"/api/v1/transferred-files/{file.pk}/requeue/", {}, format="json")

        assert (answer.status_code, "is no longer there" in answer.json()["detail"]) == (409, True)

    def test_requeue_in_the_admin(self, file: TransferredFile, drop: RunningDrop) -> None:
        browser = Client()
        account: Any = factory.user("boss", is_staff=True, is_superuser=True)
        browser.force_login(account)
        page = f"/admin/integration/transferredfile/{file.pk}"

        assert b"SDCSE_1.csv" in browser.get("/admin/integration/transferredfile/?q=SDCSE").content
        assert b"Requeue" in browser.get(f"{page}/change/").content
        assert b"old name back" in browser.get(f"{page}/requeue/").content
        answer = browser.post(f"{page}/requeue/", {"reason": "corrected"})

        assert answer.status_code == 302
        assert drop.names() == ["SDCSE_1.csv"]
