from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import vee as make
from vee import events, queries
from vee.models import (
    ImdPostVee,
    ImdTransition,
    InitialMeasurement,
    MeasurementBlock,
    MeasuringComponent,
    ToDo,
    VeeException,
)
from vee.operations import evidence, processing


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


def values(one: MeasuringComponent, start: dt.datetime = DAY, days: int = 1) -> list[Decimal | None]:
    rows = queries.measurements(component=one, start=start, end=start + days * ONE_DAY)
    return [row.value for row in rows]


class TestProcessDue:
    def test_it_carries_a_clean_imd_to_complete_with_a_row_per_step(self) -> None:
        imd = make.interval_imd(component(), ["1"] * 96)

        summary = process()

        assert summary == processing.ProcessingSummary(chunks=1, imds=1, completed=1, intervals=96)
        assert (get(imd).state, get(imd).attempts, get(imd).state_changed_at) == ("COMPLETE", 1, make.AT)
        rows = ImdTransition.objects.filter(imd=imd).order_by("pk")
        assert [(row.from_state, row.to_state, row.by) for row in rows] == [
            ("PENDING", "VEE_READY", "system"),
            ("VEE_READY", "VEE", "system"),
            ("VEE", "COMPLETE", "system"),
        ]
        assert not ImdPostVee.objects.exists()

    def test_it_goes_on_until_none_is_due_or_the_limit_is_reached(self) -> None:
        one = component()
        for day in range(5):
            make.interval_imd(one, ["1"] * 96, start=DAY + day * ONE_DAY)

        limited = process(limit=3, chunk=2)
        rest = process(chunk=2)

        assert (limited.imds, limited.chunks) == (3, 2)
        assert (rest.imds, rest.chunks) == (2, 1)
        assert len(values(one, days=5)) == 480

    def test_nothing_due_is_nothing_done(self) -> None:
        assert process() == processing.ProcessingSummary()

    def test_the_number_of_queries_does_not_grow_with_the_imds(self) -> None:
        one = component({"rule": "uom_check"}, INTERPOLATE)
        counts = []
        for size in (1, 2, 20):  # the first one is the component's first measurement
            for number in range(size):
                make.interval_imd(one, ["1"] * 96, start=DAY + (size * 10 + number) * ONE_DAY)
            with CaptureQueriesContext(connection) as captured:
                process()
            counts.append(len(captured))

        assert counts[1] == counts[2]

    def test_changes_are_announced_after_the_commit(self, django_capture_on_commit_callbacks: Any) -> None:
        one = component()
        make.interval_imd(one, ["1"] * 96)
        heard: list[Any] = []

        def receiver(**said: Any) -> None:
            heard.append(said["changes"])

        events.measurements_changed.connect(receiver)
        with django_capture_on_commit_callbacks(execute=True):
            process()
            assert heard == []
        events.measurements_changed.disconnect(receiver)

        ((change,),) = heard
        assert (change.component_id, change.first, change.last) == (
            one.pk, DAY + dt.timedelta(minutes=15), DAY + ONE_DAY,
        )  # fmt: skip


class TestPreparation:
    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"end": DAY + dt.timedelta(hours=23)}, "96 values of 900 s do not fill the 82800 s"),
            ({"start": DAY + dt.timedelta(minutes=7), "end": DAY + ONE_DAY + dt.timedelta(minutes=7)}, "grid"),
            ({"seconds_per_interval": 1000, "end": DAY + dt.timedelta(seconds=96_000)}, "do not divide a day"),
        ],
    )
    def test_intervals_that_do_not_fit_go_to_error_with_a_to_do(self, fields: dict[str, Any], reason: str) -> None:
        imd = make.interval_imd(component(), ["1"] * 96, **fields)

        summary = process()

        assert (summary.errors, summary.completed) == (1, 0)
        assert get(imd).state == "ERROR"
        assert reason in get(imd).error
        assert reason in ToDo.objects.get(imd=imd).summary
        assert ToDo.objects.get(imd=imd).role.name == "VEE analyst"
        assert not MeasurementBlock.objects.exists()

    def test_an_unknown_component_goes_to_error(self) -> None:
        imd = make.interval_imd("NOBODY", ["1"] * 96)

        process()

        assert get(imd).state == "ERROR"
        assert get(imd).error == "There is no measuring component NOBODY."

    def test_a_component_that_was_created_meanwhile_is_found_by_its_identifier(self) -> None:
        imd = make.interval_imd("LATE", ["1"] * 96)
        late = make.MeasuringComponentFactory(identifier="LATE")

        process()

        assert (get(imd).state, get(imd).measuring_component) == ("COMPLETE", late)

    def test_values_at_another_scale_are_kept_exactly_or_refused(self) -> None:
        coarse, fine = component(scale=3), component(scale=9)
        fits = make.interval_imd(fine, ["0.000001"] * 96)
        too_fine = make.interval_imd(coarse, ["0.0001"] * 96)

        process()

        assert get(fits).state == "COMPLETE"
        assert values(fine)[0] == Decimal("0.000001")
        assert (get(too_fine).state, get(too_fine).error) == ("ERROR", "A value has more than 3 decimal places.")

    def test_readings_of_the_wrong_kind_go_to_error(self) -> None:
        imd = make.register_imd(component(), "5", at=DAY)

        process()

        assert get(imd).state == "ERROR"


class TestIntervals:
    def test_gaps_are_filled_and_the_rule_that_did_it_is_kept_per_interval(self) -> None:
        one = component(INTERPOLATE)
        rule_id = one.type.initial_load_group.rules.get().pk
        received: list[str | None] = ["1"] * 96
        received[10:12] = [None, None]
        received[12] = "4"
        imd = make.interval_imd(one, received)

        process()

        assert get(imd).state == "COMPLETE"
        assert values(one)[9:13] == [Decimal(1), Decimal(2), Decimal(3), Decimal(4)]
        post = ImdPostVee.objects.get(pk=imd.pk)
        assert post.rules.tolist() == [rule_id if 10 <= index < 12 else 0 for index in range(96)]
        detail = queries.imd_detail(imd.pk)
        assert detail.pre_vee[10].value is None
        assert (detail.post_vee[10].value, detail.post_vee[10].rule) == (
            Decimal(2), "interval_interpolation_estimation",
        )  # fmt: skip
        assert MeasurementBlock.objects.get().conditions[10] // 100_000 == 3

    def test_a_gap_at_an_edge_sees_the_day_before_although_it_came_in_the_same_chunk(self) -> None:
        one = component(INTERPOLATE)
        make.interval_imd(one, ["5"] * 96)
        make.interval_imd(one, [None, None, *["8"] * 94], start=DAY + ONE_DAY)

        process()

        assert values(one, DAY + ONE_DAY)[:3] == [Decimal(6), Decimal(7), Decimal(8)]

    def test_parts_of_a_day_become_one_block(self) -> None:
        one = component()
        for part in (2, 0, 1):
            make.interval_imd(one, [str(part)] * 32, start=DAY + part * dt.timedelta(hours=8))

        process()

        assert values(one) == [Decimal(part) for part in (0, 1, 2) for _ in range(32)]
        assert MeasurementBlock.objects.get().missing == 0

    def test_a_local_day_of_23_hours_lies_in_standard_days(self) -> None:
        one = component()
        one.service_point.time_zone = "America/New_York"
        one.service_point.standard_offset_seconds = -5 * 3600
        one.service_point.save()
        start = dt.datetime(2024, 3, 10, 5, tzinfo=dt.UTC)
        make.interval_imd(one, ["1"] * 92, start=start)
        make.interval_imd(one, ["2"] * 96, start=start + dt.timedelta(hours=23))

        process()

        blocks = MeasurementBlock.objects.order_by("start")
        assert [(block.start, block.missing) for block in blocks] == [(start, 0), (start + ONE_DAY, 4)]
        assert values(one, start, days=2) == [Decimal(1)] * 92 + [Decimal(2)] * 96

    def test_another_interval_size_than_the_components_cannot_be_stored(self) -> None:
        imd = make.interval_imd(component(), ["1"] * 48, seconds=1800)

        process()

        assert get(imd).state == "ERROR"
        assert get(imd).error == "Readings of 1800 s cannot be stored for a component of 900 s."
        assert ImdTransition.objects.filter(imd=imd).latest("pk").from_state == "VEE"
        assert not MeasurementBlock.objects.exists()

    def test_a_rule_that_is_not_available_holds_the_imd(self, rule_not_available: str) -> None:
        imd = make.interval_imd(component({"rule": rule_not_available}), ["1"] * 96)

        process()

        assert get(imd).state == "EXCEPTION"
        assert VeeException.objects.get(imd=imd).exception_type == "RULE-NOT-AVAILABLE"

    def test_the_log_says_what_was_skipped_and_not_evaluated_and_why(self) -> None:
        one = component({"rule": "multiplier_check"}, {"rule": "scalar_estimation"})
        make.interval_imd(one, ["1"] * 96)

        process()

        log = ImdTransition.objects.get(to_state="VEE").details
        assert log == {
            "run": [{"rule": "multiplier_check", "group": "G"}],
            "skipped": [
                {
                    "rule": "scalar_estimation",
                    "group": "G",
                    "reason": "does not apply to components of kind INTERVAL",
                }
            ],
            "not_evaluated": [
                {"rule": "multiplier_check", "group": "G", "reason": "no multiplier was delivered"},
            ],
        }


class TestFailures:
    def test_one_imd_that_fails_unexpectedly_does_not_stop_the_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one, other = component(), make.MeasuringComponentFactory()
        guilty, innocent = make.interval_imd(one, ["1"] * 96), make.interval_imd(other, ["1"] * 96)
        original = evidence.conclude

        def conclude(*, groups: Any, **rest: Any) -> Any:
            if any(imd.id == guilty.pk for group in groups for imd in group.imds):
                raise ZeroDivisionError
            return original(groups=groups, **rest)

        monkeypatch.setattr(evidence, "conclude", conclude)

        summary = process()

        assert (summary.completed, summary.exceptions) == (1, 1)
        assert get(innocent).state == "COMPLETE"
        assert get(guilty).state == "EXCEPTION"
        assert VeeException.objects.get().message == "VEE failed unexpectedly: ZeroDivisionError."
        assert VeeException.objects.get().exception_type == "TECHNICAL"
        assert ToDo.objects.get().imd == guilty

    def test_what_cannot_be_stored_goes_to_error_and_leaves_no_trace_in_the_measurements(self) -> None:
        one = component()
        imd = make.interval_imd(one, [str(900_000_000_000)] * 96)

        process()

        assert get(imd).state == "ERROR"
        assert "64 bits" in get(imd).error
        assert not MeasurementBlock.objects.exists()
        assert ToDo.objects.get(imd=imd).status == "OPEN"


class TestToDos:
    def test_type_and_role_come_from_the_gravest_exception_type(self) -> None:
        from django.contrib.auth.models import Group

        from vee.models import ToDoType, VeeExceptionType

        one = component(
            {"rule": "multiplier_check", "exception_type": "MULT"},
            {"rule": "uom_check", "severity": "TERMINATE", "exception_type": "UOM"},
        )
        field = Group.objects.create(name="Field")
        VeeExceptionType.objects.filter(pk="UOM").update(
            todo_type=ToDoType.objects.create(code="SETUP"), todo_role=field
        )
        make.interval_imd(one, ["1"] * 96, uom="KW", multiplier=Decimal(5))

        process()

        todo = ToDo.objects.get()
        assert (todo.type_id, todo.role) == ("SETUP", field)
        assert todo.summary.startswith(f"{one.identifier}: UOM (and 1 more) – ")

    def test_none_is_opened_where_the_exception_type_wants_none(self) -> None:
        from vee.models import VeeExceptionType

        one = component({"rule": "uom_check", "exception_type": "UOM"})
        VeeExceptionType.objects.update(create_todo=False)
        imd = make.interval_imd(one, ["1"] * 96, uom="KW")

        process()

        assert get(imd).state == "EXCEPTION"
        assert not ToDo.objects.exists()


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="row locks are PostgreSQL's")
@pytest.mark.django_db(transaction=True)
class TestTwoWorkers:
    def test_what_another_holds_is_left_and_so_is_what_would_overtake_it(self) -> None:
        one, other = component(), make.MeasuringComponentFactory()
        held = make.interval_imd(one, ["1"] * 96)
        later = make.interval_imd(one, ["1"] * 96, start=DAY + ONE_DAY)
        free = make.interval_imd(other, ["1"] * 96)
        somebody = connection.copy()
        somebody.set_autocommit(False)
        with somebody.cursor() as cursor:
            cursor.execute("SELECT id FROM vee_initialmeasurement WHERE id = %s FOR UPDATE", [held.pk])

            summary = process()

        somebody.rollback()
        somebody.close()
        assert summary.imds == 1
        assert [get(imd).state for imd in (held, later, free)] == ["PENDING", "PENDING", "COMPLETE"]
        assert process().imds == 2
