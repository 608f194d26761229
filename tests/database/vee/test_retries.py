"""IMDs that run again by themselves: `vee.md` 2.7, and GT-85."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import vee as make
from vee import tasks
from vee.models import (
    Device,
    ImdTransition,
    InitialMeasurement,
    MeasuringComponent,
    ToDo,
    VeeException,
    VeeExceptionType,
    VeeRetryPolicy,
)
from vee.operations import actions, processing, retries


pytestmark = pytest.mark.django_db
HOUR, DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
FLAT = ["1"] * 96


def held(group: Any = None, **fields: Any) -> InitialMeasurement:
    """Make an IMD that is held by an Issue of type UOM."""
    group = group or make.vee_group("G", {"rule": "uom_check", "exception_type": "UOM"})
    one = make.MeasuringComponentFactory(
        type=make.MeasuringComponentTypeFactory(initial_load_group=group, estimation_group=group)
    )
    imd = make.interval_imd(one, FLAT, uom="KW", **fields)
    processing.process_due(at=make.AT)
    return get(imd)


def get(imd: InitialMeasurement) -> InitialMeasurement:
    return InitialMeasurement.objects.get(pk=imd.pk)


def mend(imd: InitialMeasurement) -> None:
    """Let the IMD's unit be right from now on."""
    assert imd.measuring_component is not None
    kind = imd.measuring_component.type
    kind.uom = "KW"
    kind.save()


class TestRetryDue:
    def test_after_the_frequency_it_closes_what_was_open_and_runs_again(self) -> None:
        imd = held()
        mend(imd)

        summary = retries.retry_due(at=make.AT + 24 * HOUR)

        assert summary == retries.RetrySummary(retried=1, last_attempts=0)
        assert (get(imd).state, get(imd).retries) == ("VEE_READY", 1)
        assert not VeeException.objects.filter(open=True).exists()
        todo = ToDo.objects.get()
        assert (todo.status, todo.completed_by, todo.completion) == ("COMPLETE", "system", "Automatic retry.")
        assert ImdTransition.objects.filter(imd=imd).latest("pk").reason == "Automatic retry."
        processing.process_due(at=make.AT + 25 * HOUR)
        assert get(imd).state == "COMPLETE"

    def test_failing_again_opens_new_exceptions_and_a_new_to_do(self) -> None:
        imd = held()

        retries.retry_due(at=make.AT + 24 * HOUR)
        processing.process_due(at=make.AT + 25 * HOUR)

        assert get(imd).state == "EXCEPTION"
        assert VeeException.objects.filter(imd=imd, open=True).count() == 1
        assert list(ToDo.objects.order_by("pk").values_list("status", flat=True)) == ["COMPLETE", "OPEN"]

    @pytest.mark.parametrize(
        ("policy", "after", "retried"),
        [
            ({}, 23 * HOUR, 0),
            ({}, 24 * HOUR, 1),
            ({"frequency_hours": 6}, 6 * HOUR, 1),
            ({"enabled": False}, 24 * HOUR, 0),
            ({"max_attempts": 0}, 24 * HOUR, 0),
            ({}, 30 * DAY, 1),
            ({}, 31 * DAY, 0),
            ({"max_age_days": 40}, 31 * DAY, 1),
            ({"retryable_exception_types": ["UOM"]}, 24 * HOUR, 1),
            ({"retryable_exception_types": ["OTHER"]}, 24 * HOUR, 0),
        ],
    )
    def test_the_policy_of_its_kind_decides(self, policy: dict[str, Any], after: dt.timedelta, retried: int) -> None:
        held()
        VeeRetryPolicy.objects.create(kind="INITIAL_LOAD", **policy)
        VeeRetryPolicy.objects.create(kind="ESTIMATION", enabled=False)

        assert retries.retry_due(at=make.AT + after).retried == retried

    def test_every_open_blocking_exception_has_to_be_retryable(self) -> None:
        group = make.vee_group(
            "G",
            {"rule": "interval_size_validation", "severity": "INFO", "exception_type": "SIZE"},
            {"rule": "uom_check", "exception_type": "UOM"},
            {"rule": "interval_spike_check", "exception_type": "SPIKE"},
        )
        held(group)
        spiked = make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=group))
        make.interval_imd(spiked, ["9", *["1"] * 95], uom="KW")
        processing.process_due(at=make.AT)
        VeeRetryPolicy.objects.create(kind="INITIAL_LOAD", retryable_exception_types=["UOM"])

        retries.retry_due(at=make.AT + 24 * HOUR)

        states = InitialMeasurement.objects.order_by("pk").values_list("state", flat=True)
        assert list(states) == ["VEE_READY", "EXCEPTION"]

    def test_what_an_exception_handler_raised_is_not_retried_by_default(self) -> None:
        handler = {"rule": "exception_handler", "parameters": {"exception_types": ["UOM"]}}
        held(make.vee_group("G", {"rule": "uom_check", "exception_type": "UOM"}, handler))

        assert retries.retry_due(at=make.AT + 24 * HOUR).retried == 0

    def test_it_ends_after_so_many_attempts_and_says_once_that_one_is_the_last(self) -> None:
        imd = held()
        VeeRetryPolicy.objects.create(kind="INITIAL_LOAD", max_attempts=2)
        told = []
        for day in range(1, 5):
            summary = retries.retry_due(at=make.AT + day * DAY)
            told.append((summary.retried, summary.last_attempts))
            processing.process_due(at=make.AT + day * DAY)

        assert told == [(1, 0), (1, 1), (0, 0), (0, 0)]
        assert (get(imd).state, get(imd).retries) == ("EXCEPTION", 2)

    def test_manual_data_is_retried_only_where_a_policy_says_so(self) -> None:
        group = make.vee_group("G", {"rule": "uom_check", "exception_type": "UOM"})
        kind = make.MeasuringComponentTypeFactory(manual_override_group=group)
        imd = make.interval_imd(make.MeasuringComponentFactory(type=kind), FLAT, uom="KW", kind="MANUAL")
        actions.perform_vee(imd_id=imd.pk, by=make.analyst(), reason="done", at=make.AT)
        assert get(imd).state == "EXCEPTION"

        assert retries.retry_due(at=make.AT + DAY).retried == 0
        VeeRetryPolicy.objects.create(kind="MANUAL")
        assert retries.retry_due(at=make.AT + DAY).retried == 1

    def test_many_take_as_many_queries_as_one(self) -> None:
        group = make.vee_group("G", {"rule": "uom_check", "exception_type": "UOM"})
        counts = []
        for size in (1, 12):
            for _ in range(size):
                held(group)
            with CaptureQueriesContext(connection) as captured:
                retries.retry_due(at=make.AT + DAY)
            counts.append(len(captured))

        assert counts[0] == counts[1]

    def test_it_goes_on_until_none_is_due(self) -> None:
        group = make.vee_group("G", {"rule": "uom_check", "exception_type": "UOM"})
        for _ in range(5):
            held(group)

        assert retries.retry_due(at=make.AT + DAY, chunk=2).retried == 5

    def test_the_task_does_it(self) -> None:
        imd = held(created_at=dt.datetime.now(tz=dt.UTC))

        tasks.retry_imds(unknown="tolerated")

        assert get(imd).retries == 1


class TestRerunRelated:
    """GT-85: the Sum Check waits for the register that the channel has to agree with."""

    def pair(self, *, waits: bool = True, other_issue: bool = False) -> tuple[InitialMeasurement, MeasuringComponent]:
        """Make an IMD that waits for a register, and the register."""
        VeeExceptionType.objects.create(code="RELATED-MISSING", retry_when_related_completes=waits)
        group = make.vee_group(
            "G",
            {"rule": "sum_check", "exception_type": "SUM", "parameters": {"if_related_missing": "ISSUE"}},
            *([{"rule": "uom_check", "exception_type": "UOM"}] if other_issue else []),
        )
        register = make.MeasuringComponentFactory(type=make.register_type())
        # The read that its consumption is counted from.
        make.register_imd(register, "0", at=make.DAY)
        processing.process_due(at=make.AT)
        kind = make.MeasuringComponentTypeFactory(initial_load_group=group)
        channel = make.MeasuringComponentFactory(type=kind, consumption_reference=register)
        imd = make.interval_imd(channel, FLAT, uom="KW" if other_issue else "KWH")
        processing.process_due(at=make.AT)
        assert get(imd).state == "EXCEPTION"
        return imd, register

    def read(self, register: MeasuringComponent) -> None:
        make.register_imd(register, "96", at=make.DAY + DAY)
        processing.process_due(at=make.AT + HOUR)

    def test_gt_85_the_sibling_completes_and_the_related_imd_runs_again_by_itself(self) -> None:
        imd, register = self.pair()

        self.read(register)

        assert get(imd).state == "COMPLETE"
        reasons = ImdTransition.objects.filter(imd=imd).order_by("pk").values_list("from_state", "to_state", "reason")
        assert ("EXCEPTION", "VEE_READY", "An IMD of a related component completed.") in list(reasons)
        assert ToDo.objects.get(imd=imd).completion == "An IMD of a related component completed."
        assert get(imd).retries == 0

    def test_the_other_way_round_and_beside_each_other_on_a_device_count_as_related(self) -> None:
        device = Device.objects.create(identifier="DEV")
        _, register = self.pair()
        first, second = (make.MeasuringComponentFactory(type=register.type, device=device) for _ in range(2))

        assert retries._related_components([register.pk]) == {
            one.pk for one in MeasuringComponent.objects.filter(consumption_reference=register)
        }
        assert {second.pk} <= retries._related_components([first.pk])

    @pytest.mark.parametrize("options", [{"waits": False}, {"other_issue": True}])
    def test_what_is_held_by_anything_else_stays(self, options: dict[str, bool]) -> None:
        imd, register = self.pair(**options)

        self.read(register)

        assert get(imd).state == "EXCEPTION"
        assert ToDo.objects.get(imd=imd).status == "OPEN"

    def test_force_complete_counts_as_completing(self) -> None:
        imd, register = self.pair()
        group = make.vee_group("H", {"rule": "uom_check"})
        register.type.initial_load_group = group
        register.type.uom = "MWH"
        register.type.save()
        self.read(register)
        assert get(imd).state == "EXCEPTION"

        forced = InitialMeasurement.objects.get(measuring_component=register, state="EXCEPTION")
        actions.force_complete(imd_id=forced.pk, by=make.analyst(), reason="checked", at=make.AT)
        processing.process_due(at=make.AT)

        assert get(imd).state == "COMPLETE"

    def test_when_no_type_waits_for_related_ones_it_asks_once(self) -> None:
        VeeExceptionType.objects.all().delete()

        with CaptureQueriesContext(connection) as captured:
            assert retries.rerun_related(component_ids=[1, 2, 3], at=make.AT) == 0

        assert len(captured) == 1
