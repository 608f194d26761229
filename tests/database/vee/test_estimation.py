"""Estimation IMDs: what rules ask for, and what gap finding creates (`vee.md` 2.5)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import vee as make
from vee import queries, tasks
from vee.engine import registry
from vee.engine.batch import Batch
from vee.engine.findings import EstimationRequest, Result
from vee.engine.parameters import RuleParameters
from vee.engine.rule import ALL_ROLES, INTERVAL_ONLY, Rule
from vee.models import (
    Device,
    ImdTransition,
    InitialMeasurement,
    InstallEvent,
    MeasuringComponent,
    MeasuringComponentType,
    OffPeriod,
    ToDo,
    VeeGroup,
)
from vee.operations import actions, gap_finding, processing


pytestmark = pytest.mark.django_db
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
HOURLY = ["1"] * 24
NOW = make.DAY + 10 * DAY + 5 * HOUR
FILL = {"rule": "interval_interpolation_estimation", "severity": "INFO", "parameters": {"max_hours": 400}}


def hourly(**fields: Any) -> MeasuringComponentType:
    return make.MeasuringComponentTypeFactory(
        **{"seconds_per_interval": 3600, "estimate_gaps_after_hours": 24, **fields}
    )


def component(kind: MeasuringComponentType | None = None, *, installed: int | None = None) -> MeasuringComponent:
    """Make a component whose device was installed on a day of March; None: no installation is known."""
    one: MeasuringComponent = make.MeasuringComponentFactory(type=kind or hourly())
    one.device = Device.objects.create(identifier=f"DEV-{one.identifier}", service_point=one.service_point)
    one.save()
    if installed is not None:
        InstallEvent.objects.create(
            device=one.device, service_point=one.service_point, installed_at=make.DAY + installed * DAY
        )
    return one


def load(one: MeasuringComponent, *days: int, values: list[str | None] | None = None) -> None:
    for day in days:
        make.interval_imd(one, values or HOURLY, start=make.DAY + day * DAY, seconds=3600)
    processing.process_due(at=NOW)


def find(at: dt.datetime = NOW) -> gap_finding.GapSummary:
    return gap_finding.find_gaps(at=at)


def estimations(one: MeasuringComponent) -> list[tuple[float, float]]:
    """From which hour to which hour there are estimation IMDs."""
    found = InitialMeasurement.objects.filter(measuring_component=one, kind="ESTIMATION").order_by("start")
    return [((imd.start - make.DAY) / HOUR, (imd.end - make.DAY) / HOUR) for imd in found]


class TestGapFinding:
    def test_every_gap_up_to_the_age_becomes_an_imd_whose_intervals_are_missing(self) -> None:
        one = component()
        load(one, 0, 1, 3, 6)

        summary = find()

        # The last whole day that ended 24 hours ago is 9 March, day 8.
        assert estimations(one) == [(48, 72), (96, 144), (168, 216)]
        assert (summary.components, summary.estimations, summary.asked) == (1, 3, 0)
        imd = InitialMeasurement.objects.filter(kind="ESTIMATION").earliest("start")
        assert imd.state == "PENDING"
        assert {(row.value, row.condition) for row in queries.imd_detail(imd.pk).pre_vee} == {(None, 201000)}
        assert ImdTransition.objects.get(imd=imd).reason == "Gap finding found no measurements."

    def test_single_missing_intervals_are_gaps_too(self) -> None:
        one = component()
        load(one, 0, values=[*["1"] * 10, None, None, *["1"] * 12])
        load(one, *range(1, 9))

        find()

        assert estimations(one) == [(10, 12)]

    def test_they_are_estimated_by_the_group_for_estimations_and_close_the_gap(self) -> None:
        one = component(hourly(estimation_group=make.vee_group("EST", FILL)))
        load(one, 0, *range(2, 9))

        find()
        processing.process_due(at=NOW)

        assert estimations(one) == [(24, 48)]
        rows = list(queries.measurements(component=one, start=make.DAY + DAY, end=make.DAY + 2 * DAY))
        assert {row.condition for row in rows} == {301100}
        one.refresh_from_db()
        assert one.progress.latest_contiguous_at == make.DAY + 9 * DAY

    def test_the_second_search_creates_nothing_while_the_first_is_in_progress(self) -> None:
        one = component()
        load(one, 0, *range(2, 9))

        assert find().estimations == 1
        assert find().estimations == 0
        assert estimations(one) == [(24, 48)]

    def test_what_an_imd_in_progress_covers_in_part_is_left_out(self) -> None:
        group = make.vee_group("G", {"rule": "uom_check"})
        one = component(hourly(initial_load_group=group))
        load(one, 0, *range(3, 9))
        make.interval_imd(one, HOURLY, start=make.DAY + DAY + 12 * HOUR, seconds=3600, uom="KW")
        processing.process_due(at=NOW)

        find()

        assert estimations(one) == [(24, 36), (60, 72)]

    def test_what_a_person_discarded_is_not_asked_again(self) -> None:
        one = component(hourly(gap_action="ASK"))
        load(one, 0, *range(2, 9))
        find()
        imd = InitialMeasurement.objects.get(kind="ESTIMATION")

        actions.discard(imd_id=imd.pk, by=make.analyst(), reason="meter was away", at=NOW)

        assert find().asked == 0

    def test_a_type_may_ask_a_person_per_gap(self) -> None:
        one = component(hourly(gap_action="ASK", estimation_group=make.vee_group("EST", FILL)))
        load(one, 0, *range(2, 9))

        assert find().asked == 1

        imd = InitialMeasurement.objects.get(kind="ESTIMATION")
        assert imd.state == "ERROR"
        todo = ToDo.objects.get(imd=imd)
        assert todo.summary.startswith("Nothing was measured from 2024-03-02 00:00 to 2024-03-03 00:00 UTC.")

        actions.perform_vee(imd_id=imd.pk, by=make.analyst(), reason="estimate it", at=NOW)

        imd.refresh_from_db()
        todo.refresh_from_db()
        assert (imd.state, todo.status) == ("COMPLETE", "COMPLETE")

    def test_what_was_not_installed_is_no_gap(self) -> None:
        one = component(installed=0)
        load(one, 0)
        InstallEvent.objects.update(removed_at=make.DAY + 2 * DAY)
        InstallEvent.objects.create(device=one.device, service_point=one.service_point, installed_at=make.DAY + 5 * DAY)

        find()

        assert estimations(one) == [(24, 48), (120, 216)]

    def test_intervals_in_which_the_device_was_off_are_disconnected_and_never_estimated(self) -> None:
        one = component(hourly(estimation_group=make.vee_group("EST", FILL)), installed=0)
        load(one, 0, *range(3, 9))
        OffPeriod.objects.create(
            install_event=InstallEvent.objects.get(), start=make.DAY + DAY, end=make.DAY + DAY + 12 * HOUR
        )

        find()
        processing.process_due(at=NOW)

        rows = list(queries.measurements(component=one, start=make.DAY + DAY, end=make.DAY + 3 * DAY))
        assert [(row.value, row.condition) for row in rows[:12]] == [(None, 102000)] * 12
        assert {row.condition for row in rows[12:]} == {301100}

    def test_a_component_that_never_measured_is_searched_from_its_installation(self) -> None:
        silent, unknown = component(installed=7), component()

        find()

        assert estimations(silent) == [(168, 216)]
        assert estimations(unknown) == []

    def test_types_without_an_age_take_no_part(self) -> None:
        one = component(hourly(estimate_gaps_after_hours=None))
        load(one, 0)

        assert find() == gap_finding.GapSummary()

    def test_a_long_gap_becomes_several_imds(self) -> None:
        one = component()
        load(one, 0)

        find(at=make.DAY + 71 * DAY)

        assert estimations(one) == [(24, 768), (768, 1512), (1512, 1680)]

    def test_days_are_those_of_standard_time(self) -> None:
        point = make.ServicePointFactory(time_zone="America/New_York", standard_offset_seconds=-18_000)
        one = make.MeasuringComponentFactory(type=hourly(), service_point=point)
        make.interval_imd(one, HOURLY, start=make.DAY + 5 * HOUR, seconds=3600)
        processing.process_due(at=NOW)

        find()

        assert estimations(one) == [(29, 221)]

    def test_many_components_take_as_many_queries_as_one(self) -> None:
        kind = hourly()
        counts = []
        for size in (1, 15):
            for _ in range(size):
                load(component(kind), 0, *range(2, 9))
            with CaptureQueriesContext(connection) as captured:
                find()
            counts.append(len(captured))

        assert counts[0] == counts[1]

    def test_a_register_that_was_not_read_is_estimated_once_up_to_the_last_midnight(self) -> None:
        one = component(make.register_type(estimate_gaps_after_hours=72))
        off = component(one.type, installed=0)
        for each in (one, off):
            make.register_imd(each, "10", at=make.DAY + DAY)
        processing.process_due(at=NOW)
        OffPeriod.objects.create(install_event=InstallEvent.objects.get(), start=make.DAY)

        find()
        find()

        assert estimations(one) == [(24, 240)]
        # Disconnected: there is nothing to estimate.
        assert estimations(off) == []


class TestInterfaces:
    def test_the_command_and_the_task_find_gaps(self, capsys: pytest.CaptureFixture[str]) -> None:
        one = component()
        load(one, 0)

        call_command("find_gaps")
        assert "Components behind                  1" in capsys.readouterr().out
        first = estimations(one)
        tasks.find_gaps(unknown="tolerated")

        assert first
        assert estimations(one) == first


class TestRequestsOfRules:
    @pytest.fixture
    def group(self, monkeypatch: pytest.MonkeyPatch) -> VeeGroup:
        """Make a group with a rule that asks for the whole day before the IMD, twice."""

        def evaluate(batch: Batch, _parameters: Any, _context: Any) -> Result:
            asked = [
                EstimationRequest(row, int(start) - 86_400, int(start))
                for row, start in enumerate(batch.starts.tolist())
            ]
            return Result(requests=[*asked, *asked])

        class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
            pass

        rule = Rule(
            name="interval_create_estimation_imd_for_gap", code="", title="", summary="", kinds=INTERVAL_ONLY,
            roles=ALL_ROLES, parameters=Parameters, sentence=lambda _parameters: "", evaluate=evaluate,
        )  # fmt: skip
        monkeypatch.setitem(registry.AVAILABLE, rule.name, rule)  # type: ignore[misc]
        return make.vee_group("G", {"rule": rule.name})

    def test_become_imds_once_the_run_is_kept_and_are_processed_in_their_turn(self, group: VeeGroup) -> None:
        kind = hourly(initial_load_group=group, estimation_group=make.vee_group("EST", FILL))
        one = component(kind)

        load(one, 3)

        assert estimations(one) == [(48, 72)]
        imd = InitialMeasurement.objects.get(kind="ESTIMATION")
        assert imd.state == "COMPLETE"
        assert ImdTransition.objects.filter(imd=imd).earliest("pk").reason == "A rule found a gap before an IMD."

    def test_what_measurements_and_imds_in_progress_cover_is_left_out(self, group: VeeGroup) -> None:
        one = component(hourly(initial_load_group=group))
        make.interval_imd(one, ["1"] * 6, start=make.DAY + 2 * DAY, seconds=3600)
        processing.process_due(at=NOW)
        InitialMeasurement.objects.filter(kind="ESTIMATION").delete()
        manual = make.interval_imd(one, ["1"], start=make.DAY + 2 * DAY + 12 * HOUR, seconds=3600, kind="MANUAL")

        load(one, 3)

        assert manual.state == "PENDING"
        assert estimations(one) == [(54, 60), (61, 72)]

    def test_a_run_that_is_not_kept_creates_none(self, group: VeeGroup, monkeypatch: pytest.MonkeyPatch) -> None:
        from vee.operations import evidence

        one = component(hourly(initial_load_group=group))

        def fail(**_given: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(evidence.todos, "open_todos", fail)
        make.interval_imd(one, HOURLY, start=make.DAY + 3 * DAY, seconds=3600)
        with pytest.raises(RuntimeError):
            processing.process_due(at=NOW)

        assert estimations(one) == []
