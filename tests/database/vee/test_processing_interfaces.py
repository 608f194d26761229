from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import vee as make
from vee import queries, tasks
from vee.models import (
    InitialMeasurement,
    MeasuringComponent,
)
from vee.operations import processing


pytestmark = pytest.mark.django_db
DAY = make.DAY
ONE_DAY = dt.timedelta(days=1)
INTERPOLATE = {"rule": "interval_interpolation_estimation", "severity": "INFO", "parameters": {"max_hours": 2}}


def component(*rules: dict[str, Any], **values: Any) -> MeasuringComponent:
    group = make.vee_group("G", *rules) if rules else None
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=group, **values))


def process(**options: Any) -> processing.ProcessingSummary:
    return processing.process_due(at=make.AT, **options)


def get(imd: InitialMeasurement) -> InitialMeasurement:
    return InitialMeasurement.objects.get(pk=imd.pk)


class TestInterfaces:
    def test_the_command_processes_what_is_due_and_prints_what_happened(self, capsys: Any) -> None:
        make.interval_imd(component(), ["1"] * 96)

        call_command("process_imds")

        printed = capsys.readouterr().out
        assert "IMDs processed                     1" in printed
        assert "Intervals finalized               96" in printed

    def test_the_task_processes_what_is_due(self) -> None:
        imd = make.interval_imd(component(), ["1"] * 96)

        tasks.process_due_imds(unknown="tolerated")

        assert get(imd).state == "COMPLETE"

    def test_the_sweep_wakes_up_what_is_due_and_nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        woken: list[str] = []
        monkeypatch.setattr(tasks, "after_commit", lambda name, **_: woken.append(name))

        tasks.sweep()
        assert woken == []

        make.interval_imd(component(), ["1"] * 96)
        tasks.sweep()
        assert woken == ["vee.tasks.process_due_imds"]


class TestQueries:
    def test_the_detail_of_an_imd_takes_at_most_ten_queries(self) -> None:
        one = component(INTERPOLATE, {"rule": "uom_check"})
        imd = make.interval_imd(one, [None, *["1"] * 95], uom="KW")
        process()

        with CaptureQueriesContext(connection) as captured:
            detail = queries.imd_detail(imd.pk)
            assert detail.component is not None
            assert detail.component.service_point.time_zone == "UTC"

        assert len(captured) <= 10
        assert (len(detail.exceptions), len(detail.todos), len(detail.transitions)) == (1, 1, 2)

    def test_counts_are_by_role_and_by_state(self) -> None:
        make.interval_imd("NOBODY", ["1"] * 96)
        make.interval_imd(component(), ["1"] * 96)

        process()

        assert queries.todo_counts_by_role() == {"VEE analyst": 1}
        assert queries.imd_counts_by_state() == {"COMPLETE": 1, "ERROR": 1}
