"""One action on many runs: a result per row, and no row twice however often it is asked."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from integration.models import Flow, FlowRun, RunTransition
from integration.operations import bulk, runs
from tests.factories import control as waiting
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def one_way() -> None:
    """The flow as one whose failed runs are resubmitted."""
    factory.prepare()
    Flow.objects.filter(name="enrollment_request").update(pattern="ASYNC")


def resubmit(rows: list[FlowRun], by: Any) -> list[bulk.RowResult]:
    return bulk.act(action="resubmit", run_ids=[row.pk for row in rows], by=by, reason="target is back", at=factory.AT)


class TestAct:
    @pytest.mark.usefixtures("one_way")
    def test_resubmits_each_once_and_says_by_whom_it_is_in_progress(self) -> None:
        rows = [waiting.failed_run(f"E-{number}") for number in range(5)]
        first, second = factory.user("anna"), factory.user("ben")

        done = resubmit(rows, first)
        again = resubmit(rows, second)

        assert [result.outcome for result in done] == ["done"] * 5
        assert {result.message for result in again} == {"It is already in progress by anna."}
        assert RunTransition.objects.filter(from_state="FAILED", to_state="RECEIVED").count() == 5

    @pytest.mark.usefixtures("one_way")
    def test_gives_a_result_for_every_row_in_order(self) -> None:
        good, discarded = waiting.failed_run("E-1"), waiting.failed_run("E-2")
        by = factory.user()
        runs.discard(run_id=discarded.pk, by=by, reason="no", at=factory.AT)
        nobody = uuid.uuid4()

        results = bulk.act(
            action="resubmit", run_ids=[nobody, discarded.pk, good.pk, good.pk], by=by, reason="x", at=factory.AT
        )

        assert [(each.run_id, each.outcome) for each in results] == [
            (nobody, "unknown"),
            (discarded.pk, "refused"),
            (good.pk, "done"),
        ]
        assert "discarded" in results[1].message

    def test_refuses_what_is_no_action_and_too_much(self) -> None:
        by = factory.user()

        with pytest.raises(bulk.UnknownAction):
            bulk.act(action="explode", run_ids=[], by=by, reason="x", at=factory.AT)
        many = [uuid.uuid4() for _ in range(bulk.MAX_ROWS + 1)]
        with pytest.raises(bulk.TooManyRows):
            bulk.act(action="discard", run_ids=many, by=by, reason="x", at=factory.AT)
        with pytest.raises(runs.ReasonMissing):
            bulk.act(action="discard", run_ids=[], by=by, reason=" ", at=factory.AT)

    @pytest.mark.postgres
    @pytest.mark.usefixtures("one_way")
    def test_two_operators_at_once_resubmit_each_once(self) -> None:
        if connection.vendor != "postgresql":
            pytest.skip("two writers at once are PostgreSQL's matter")
        rows = [waiting.failed_run(f"E-{number}") for number in range(20)]
        operators = [factory.user("anna"), factory.user("ben")]
        results: list[bulk.RowResult] = []

        def act(by: Any) -> None:
            try:
                results.extend(resubmit(rows, by))
            finally:
                connection.close()

        threads = [threading.Thread(target=act, args=(by,)) for by in operators]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sum(result.outcome == "done" for result in results) == 20
        assert RunTransition.objects.filter(from_state="FAILED", to_state="RECEIVED").count() == 20


class TestApi:
    @pytest.mark.usefixtures("one_way")
    def test_acts_on_many_for_those_who_may(self) -> None:
        row = waiting.failed_run("E-1")
        client = APIClient()
        rights = ["integration.view_flowrun", "integration.discard_flowrun"]
        client.force_authenticate(factory.user("operator", rights=rights))
        asked = {"ids": [str(row.pk)], "reason": "old"}

        discarded = client.post("/api/v1/flow-runs/bulk/", {**asked, "action": "discard"}, format="json")
        restored = client.post("/api/v1/flow-runs/bulk/", {**asked, "action": "restore"}, format="json")
        refused = client.post("/api/v1/flow-runs/bulk/", {**asked, "action": "resubmit"}, format="json")
        wrong = client.post("/api/v1/flow-runs/bulk/", {"ids": [], "action": "discard", "reason": "x"}, format="json")

        assert discarded.json() == [{"run_id": str(row.pk), "outcome": "done", "message": "", "new_run_id": None}]
        assert restored.json()[0]["outcome"] == "done"
        assert (refused.status_code, wrong.status_code) == (403, 400)
        assert FlowRun.objects.get().state == "FAILED"
