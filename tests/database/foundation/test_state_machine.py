"""Models with a protected state: read anew while other threads do the same."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, connections
from django_fsm import ConcurrentTransition

from integration.models import FlowRun
from integration.operations.flows import install_flows
from tests.factories import control, integration
from vee.models import InitialMeasurement


@pytest.fixture
def run() -> FlowRun:
    install_flows(at=integration.AT)
    return FlowRun.objects.get(pk=control.failed_run("E-1").pk)


@pytest.mark.django_db
class TestRefresh:
    def test_reads_the_state_anew(self, run: FlowRun) -> None:
        FlowRun.objects.filter(pk=run.pk).update(state="SUCCEEDED", ack_type="SUCCESS")

        run.refresh_from_db()

        assert (run.state, run.ack_type) == ("SUCCEEDED", "SUCCESS")
        run.save()
        with pytest.raises(AttributeError, match="not allowed"):
            run.state = "FAILED"

    @pytest.mark.parametrize("model", [FlowRun, InitialMeasurement])
    def test_lifts_no_protection_meanwhile(self, model: Any, run: FlowRun) -> None:
        row = run if model is FlowRun else model(pk=1)
        (field,) = (each for each in model._meta.concrete_fields if getattr(each, "protected", False))
        seen = []

        def look(execute: Any, *arguments: Any) -> Any:
            seen.append(field.protected)
            return execute(*arguments)

        with connection.execute_wrapper(look):
            if model is FlowRun:
                row.refresh_from_db()
            else:
                with pytest.raises(model.DoesNotExist):
                    row.refresh_from_db()

        assert seen
        assert all(seen)

    def test_of_other_fields_reads_the_state_with_them(self, run: FlowRun) -> None:
        FlowRun.objects.filter(pk=run.pk).update(state="SUCCEEDED", ack_type="SUCCESS", response_status=202)

        run.refresh_from_db(fields=["ack_type"])

        assert (run.state, run.ack_type) == ("SUCCEEDED", "SUCCESS")
        assert run.response_status != 202

    def test_of_one_whose_state_was_not_read_does_not_read_it(self, run: FlowRun) -> None:
        row = FlowRun.objects.only("ack_type").get(pk=run.pk)
        FlowRun.objects.filter(pk=run.pk).update(ack_type="SUCCESS")

        row.refresh_from_db()

        assert row.ack_type == "SUCCESS"

    def test_of_one_that_is_gone_leaves_the_state(self, run: FlowRun) -> None:
        FlowRun.objects.filter(pk=run.pk).delete()

        with pytest.raises(FlowRun.DoesNotExist):
            run.refresh_from_db()

        assert run.state == "FAILED"

    def test_transitions_of_others_are_noticed_as_before(self, run: FlowRun) -> None:
        FlowRun.objects.filter(pk=run.pk).update(state="SUCCEEDED")

        with pytest.raises(ConcurrentTransition):
            run.save()


@pytest.mark.django_db(transaction=True)
def test_many_threads_read_anew_at_once(run: FlowRun) -> None:
    failures: list[BaseException] = []
    together = threading.Barrier(4)

    def read_anew() -> None:
        try:
            row = FlowRun.objects.get(pk=run.pk)
            together.wait(30)
            for _ in range(100):
                row.refresh_from_db()
        except BaseException as error:  # noqa: BLE001  (told below)
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=read_anew) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
