"""Schedules of flows: each due time decided once, the overlap and missed policies, the maximum runtime."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest

from integration.choices import MissedPolicy, OverlapPolicy
from integration.flows import runner
from integration.models import Flow, FlowRun, FlowSchedule, Incident, ScheduleSlot
from integration.operations import flow_schedules, housekeeping, pauses
from tests.factories import control as waiting
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

NAME = "device_score"


class _Flow:
    def accept(self, document: Any) -> Any:
        return document

    def identifiers(self, accepted: Any) -> Sequence[tuple[str, str]]:
        return []

    def claim(self, accepted: Any, **more: Any) -> None:
        """Nothing to claim."""


@pytest.fixture(autouse=True)
def _any_scheduled_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flow_schedules, "packaged_flow", lambda declaration: _Flow())
    factory.prepare()


def at(seconds: float) -> dt.datetime:
    return factory.AT + dt.timedelta(seconds=seconds)


def schedule(**values: Any) -> FlowSchedule:
    given = {"enabled": True, "every_seconds": 60, **values}
    row = FlowSchedule(flow=Flow.objects.get(name=NAME), **given)
    return flow_schedules.save_schedule(schedule=row, at=factory.AT)


def finish(run: FlowRun, moment: dt.datetime) -> None:
    work = runner.start(run, clock=lambda: moment)
    runner.finish(work, status=200, response=b"{}")


def outcomes() -> list[str]:
    return list(ScheduleSlot.objects.order_by("due_at").values_list("outcome", flat=True))


class TestFireDue:
    def test_fires_each_time_once_however_often_it_is_asked(self) -> None:
        schedule(overlap=OverlapPolicy.ALLOW)

        fired = [flow_schedules.fire_due(at=at(second)) for second in (59, 60, 60, 61, 119, 120, 120)]

        assert fired == [0, 1, 0, 0, 0, 1, 0]
        assert FlowRun.objects.count() == 2

    def test_fires_nothing_twice_when_two_schedulers_read_the_same_row(self) -> None:
        row = schedule(overlap=OverlapPolicy.ALLOW)
        flow_schedules.fire_due(at=at(60))
        FlowSchedule.objects.filter(pk=row.pk).update(next_due_at=at(60))

        assert flow_schedules.fire_due(at=at(60)) == 0
        assert FlowRun.objects.count() == 1

    def test_skips_while_a_run_is_unfinished(self) -> None:
        schedule(overlap=OverlapPolicy.SKIP)

        for second in (60, 120):
            flow_schedules.fire_due(at=at(second))
        finish(FlowRun.objects.get(), at(130))
        flow_schedules.fire_due(at=at(180))

        assert outcomes() == ["FIRED", "SKIPPED", "FIRED"]

    def test_queues_one_and_runs_it_when_the_one_before_has_ended(self) -> None:
        schedule(overlap=OverlapPolicy.QUEUE_ONE)
        for second in (60, 120, 180):
            flow_schedules.fire_due(at=at(second))
        before = outcomes()
        finish(FlowRun.objects.get(), at(190))

        started = flow_schedules.fire_due(at=at(195))

        assert before == ["FIRED", "QUEUED", "SKIPPED"]
        assert (started, outcomes()) == (1, ["FIRED", "FIRED", "SKIPPED"])
        assert ScheduleSlot.objects.get(due_at=at(120)).lateness_seconds == 75

    @pytest.mark.parametrize(("missed", "runs", "outcome"), [("RUN_ONCE", 1, "FIRED"), ("SKIP", 0, "MISSED")])
    def test_treats_times_at_which_nothing_could_run_as_it_is_told(
        self, missed: MissedPolicy, runs: int, outcome: str
    ) -> None:
        schedule(every_seconds=None, cron="0 * * * *", missed=missed)

        started = flow_schedules.fire_due(at=at(5 * 3600 + 600))

        assert (started, FlowRun.objects.count(), outcomes()) == (runs, runs, [outcome])
        slot = ScheduleSlot.objects.get()
        assert slot.due_at == at(5 * 3600)
        assert slot.note == "4 earlier times passed while nothing could run"
        assert FlowSchedule.objects.get().next_due_at == at(6 * 3600)

    def test_skips_while_the_flow_is_off_and_keeps_a_run_while_it_is_paused(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        woken = waiting.record_wake_ups(monkeypatch)
        schedule()
        paused = pauses.pause(scope="FLOW", target=NAME, by="operator", reason="patch", at=factory.AT)
        flow_schedules.fire_due(at=at(60))
        assert (FlowRun.objects.get().state, woken) == ("RECEIVED", [])
        pauses.resume(pause_id=paused.pk, by="operator", at=at(70))
        assert len(woken) == 1
        Flow.objects.filter(name=NAME).update(active=False)

        flow_schedules.fire_due(at=at(120))

        assert outcomes() == ["FIRED", "SKIPPED"]

    def test_gives_the_runs_the_parameters_of_the_schedule(self) -> None:
        from integration import queries

        schedule(parameters={"prefix": "score_"})

        flow_schedules.fire_due(at=at(60))

        assert queries.stored_request(FlowRun.objects.get().pk) == b'{"prefix":"score_"}'


class TestSaveSchedule:
    @pytest.mark.parametrize(
        "values",
        [
            {"every_seconds": None, "cron": "61 * * * *"},
            {"every_seconds": None, "cron": "* * *"},
            {"every_seconds": None, "cron": "0 0 31 2 *"},
            {"every_seconds": None, "cron": "0 0 * * *", "time_zone": "Mars/Phobos"},
            {"every_seconds": 60, "cron": "0 0 * * *"},
            {"every_seconds": None, "cron": ""},
            {"parameters": []},
        ],
    )
    def test_refuses_what_cannot_be_read(self, values: dict[str, Any]) -> None:
        with pytest.raises(flow_schedules.UnableToSaveSchedule):
            schedule(**values)

    def test_refuses_a_flow_that_waits_for_messages(self) -> None:
        row = FlowSchedule(flow=Flow.objects.get(name="enrollment_request"), every_seconds=60)

        with pytest.raises(flow_schedules.UnableToSaveSchedule):
            flow_schedules.save_schedule(schedule=row, at=factory.AT)


class TestMaximumRuntime:
    def test_aborts_a_run_that_works_too_long_and_says_why(self) -> None:
        assert Flow.objects.get(name=NAME).max_runtime_seconds == 6 * 3600
        row = waiting.run("E-1")
        Flow.objects.filter(name="enrollment_request").update(max_runtime_seconds=100)
        runner.start(row, clock=lambda: at(10))

        early, ended = housekeeping.end_overlong(at=at(109)), housekeeping.end_overlong(at=at(110))

        assert (early, ended) == (0, 1)
        row = FlowRun.objects.get(pk=row.pk)
        assert row.state == "ABORTED"
        reason = row.transitions.order_by("-pk").first()
        assert reason is not None
        assert reason.reason == "It ran longer than the flow's maximum runtime of 100 s"
        assert Incident.objects.get().fault_code == "maximum_runtime"
