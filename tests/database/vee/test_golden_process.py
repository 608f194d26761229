"""The process as `vee.md` 10.3 and 10.4 print it: numbers as there."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.factories import vee as make
from vee import events, queries
from vee.models import (
    ImdTransition,
    InitialMeasurement,
    MeasurementBlock,
    MeasurementBlockHistory,
    ToDo,
    UsageSubscription,
    UsageTransaction,
    VeeException,
)
from vee.operations import actions, configuration, processing


pytestmark = pytest.mark.django_db
FLAT = ["1"] * 96
SPIKE = ["1"] * 40 + ["9"] + ["1"] * 55


def component(group: object = None, **values: object) -> object:
    kind = make.MeasuringComponentTypeFactory(initial_load_group=group)
    return make.MeasuringComponentFactory(type=kind, **values)


def process() -> processing.ProcessingSummary:
    return processing.process_due(at=make.AT)


def state(imd: InitialMeasurement) -> str:
    return InitialMeasurement.objects.get(pk=imd.pk).state


class TestNormalization:
    def test_gt_54_a_day_of_quarter_hours_is_96_measurements_the_last_at_midnight(self) -> None:
        one = component()
        make.interval_imd(one, FLAT)

        process()

        rows = list(queries.measurements(component=one, start=make.DAY, end=make.DAY + dt.timedelta(days=2)))
        assert len(rows) == 96
        assert rows[0].end == make.DAY + dt.timedelta(minutes=15)
        assert rows[-1] == queries.Measurement(make.DAY + dt.timedelta(days=1), Decimal(1), 501000, False)

    def test_gt_55_an_hourly_label_at_midnight_covers_the_hour_before(self) -> None:
        kind = make.MeasuringComponentTypeFactory(seconds_per_interval=3600)
        one = make.MeasuringComponentFactory(type=kind)
        start = dt.datetime(2009, 12, 31, 23, tzinfo=dt.UTC)
        make.interval_imd(one, ["4.2"], start=start, seconds=3600)

        process()

        rows = list(queries.measurements(component=one, start=start, end=start + dt.timedelta(hours=1)))
        assert rows == [queries.Measurement(dt.datetime(2010, 1, 1, tzinfo=dt.UTC), Decimal("4.2"), 501000, False)]

    def test_gt_61_identical_measurements_are_skipped(self, django_capture_on_commit_callbacks: object) -> None:
        one = component()
        make.interval_imd(one, FLAT)
        process()
        again = make.interval_imd(one, FLAT)
        heard: list[object] = []
        receiver = lambda **said: heard.append(said)  # noqa: E731  a signal keeps weak references: it needs a name
        events.measurements_changed.connect(receiver)

        with django_capture_on_commit_callbacks(execute=True):
            process()

        events.measurements_changed.disconnect(receiver)
        assert state(again) == "COMPLETE"
        assert MeasurementBlock.objects.get().version == 1
        assert not MeasurementBlockHistory.objects.exists()
        assert heard == []


class TestSeverities:
    def test_gt_70_info_issue_issue_runs_all_rules_and_opens_one_to_do(self) -> None:
        group = make.vee_group(
            "G",
            {"rule": "uom_check", "severity": "INFO", "exception_type": "UOM"},
            {"rule": "multiplier_check", "severity": "ISSUE", "exception_type": "MULT"},
            {"rule": "interval_spike_check", "exception_type": "SPIKE", "parameters": {"tolerance": 1.8}},
        )
        imd = make.interval_imd(component(group), SPIKE[:96], uom="MWH", multiplier=Decimal(10))

        process()

        assert state(imd) == "EXCEPTION"
        found = VeeException.objects.filter(imd=imd).order_by("pk")
        assert [(row.severity, row.exception_type, row.open) for row in found] == [
            ("INFO", "UOM", True),
            ("ISSUE", "MULT", True),
            ("ISSUE", "SPIKE", True),
        ]
        assert (found[2].observed, found[2].limit, found[2].first_interval) == ("8", "1.8", 40)
        assert ToDo.objects.get(imd=imd).status == "OPEN"
        assert not MeasurementBlock.objects.exists()

    def test_gt_71_a_terminate_ends_the_run(self) -> None:
        group = make.vee_group(
            "G",
            {"rule": "interval_size_validation", "exception_type": "SIZE"},
            {"rule": "uom_check", "severity": "TERMINATE", "exception_type": "UOM"},
            {"rule": "interval_spike_check", "exception_type": "SPIKE", "parameters": {"tolerance": 1.8}},
        )
        imd = make.interval_imd(component(group), SPIKE[:96], uom="MWH")

        process()

        assert state(imd) == "EXCEPTION"
        assert list(VeeException.objects.values_list("severity", "exception_type")) == [("TERMINATE", "UOM")]
        log = ImdTransition.objects.get(imd=imd, to_state="EXCEPTION").details
        assert [step["rule"] for step in log["run"]] == ["interval_size_validation", "uom_check"]

    def test_gt_72_only_info_completes_and_keeps_the_exceptions(self) -> None:
        group = make.vee_group("G", {"rule": "uom_check", "severity": "INFO", "exception_type": "UOM"})
        imd = make.interval_imd(component(group), FLAT, uom="MWH")

        process()

        assert state(imd) == "COMPLETE"
        assert list(VeeException.objects.filter(imd=imd).values_list("severity", flat=True)) == ["INFO"]
        assert MeasurementBlock.objects.get().total == 96_000_000
        assert not ToDo.objects.exists()


class TestEffectiveDates:
    @pytest.mark.parametrize(("day", "expected"), [(14, "COMPLETE"), (15, "EXCEPTION")])
    def test_gt_73_a_rule_applies_by_the_imds_start(self, day: int, expected: str) -> None:
        group = make.vee_group("G", {"rule": "uom_check", "start_date": dt.date(2010, 11, 15)})
        start = dt.datetime(2010, 11, day, tzinfo=dt.UTC)
        days_to_the_16th = 16 - day
        imd = make.interval_imd(component(group), FLAT * days_to_the_16th, start=start, uom="KW")

        process()

        assert state(imd) == expected

    @pytest.mark.parametrize(("day", "expected"), [(14, "EXCEPTION"), (15, "COMPLETE")])
    def test_gt_74_two_versions_of_a_rule_give_each_day_its_tolerance(self, day: int, expected: str) -> None:
        change = dt.date(2010, 11, 15)
        group = make.vee_group(
            "G",
            {
                "rule": "interval_spike_check",
                "end_date": change - dt.timedelta(days=1),
                "parameters": {"tolerance": 1.2},
            },
            {"rule": "interval_spike_check", "start_date": change, "parameters": {"tolerance": 1.5}},
        )
        values = ["2.3", "1.5", *["1"] * 94]
        imd = make.interval_imd(component(group), values, start=dt.datetime(2010, 11, day, tzinfo=dt.UTC))

        process()

        assert state(imd) == expected


class TestGroups:
    def test_gt_75_a_group_for_another_role_leaves_the_types_group_in_force(self) -> None:
        fallback = make.vee_group("FALLBACK", {"rule": "uom_check", "exception_type": "OF-TYPE"})
        manual = make.vee_group("MANUAL", {"rule": "uom_check", "exception_type": "OF-COMPONENT"})
        one = component(fallback, manual_override_group=manual)
        make.interval_imd(one, FLAT, uom="KW")
        manual = make.interval_imd(one, FLAT, uom="KW", kind="MANUAL", start=make.DAY + dt.timedelta(days=1))

        process()
        actions.perform_vee(imd_id=manual.pk, by=make.analyst(), reason="released", at=make.AT)

        found = VeeException.objects.order_by("imd_id").values_list("exception_type", flat=True)
        assert list(found) == ["OF-TYPE", "OF-COMPONENT"]

    def test_gt_76_a_cycle_is_refused_at_save(self) -> None:
        section = [
            {"code": "A", "rules": [{"sequence": 10, "rule": "execute_vee_group", "parameters": {"group": "B"}}]},
            {"code": "B", "rules": [{"sequence": 10, "rule": "execute_vee_group", "parameters": {"group": "A"}}]},
        ]

        with pytest.raises(configuration.UnableToApplyConfiguration) as refusal:
            configuration.apply_groups(section=section, by=None, at=make.AT)

        assert refusal.value.errors[0]["code"] == "cycle"

    def test_gt_76_a_cycle_at_run_time_terminates(self) -> None:
        group = make.vee_group("A", {"rule": "execute_vee_group", "parameters": {"group": "B"}})
        make.vee_group("B", {"rule": "execute_vee_group", "parameters": {"group": "A"}})
        imd = make.interval_imd(component(group), FLAT)

        process()

        assert state(imd) == "EXCEPTION"
        assert list(VeeException.objects.values_list("severity", "exception_type")) == [("TERMINATE", "VEE-CYCLE")]


class TestActions:
    def _in_exception(self) -> InitialMeasurement:
        group = make.vee_group("G", {"rule": "interval_spike_check", "exception_type": "SPIKE",
                                     "parameters": {"tolerance": 1.8}})  # fmt: skip
        imd = make.interval_imd(component(group), SPIKE[:96])
        process()
        return imd

    def test_gt_80_force_complete_runs_no_rule_and_writes_measurements(self) -> None:
        imd = self._in_exception()

        actions.force_complete(imd_id=imd.pk, by=make.analyst(), reason="checked by phone", at=make.AT)

        assert state(imd) == "COMPLETE"
        assert MeasurementBlock.objects.get().total == 104_000_000
        todo = ToDo.objects.get(imd=imd)
        assert (todo.status, todo.completed_by) == ("COMPLETE", "ann")
        assert todo.completion == "Force complete: checked by phone"
        assert VeeException.objects.filter(imd=imd).count() == 1
        assert not VeeException.objects.filter(imd=imd, open=True).exists()

    def test_gt_81_discard_keeps_the_row_and_makes_no_measurement(self) -> None:
        imd = self._in_exception()

        actions.discard(imd_id=imd.pk, by=make.analyst(), reason="test data", at=make.AT)

        assert state(imd) == "DISCARDED"
        assert ToDo.objects.get(imd=imd).status == "COMPLETE"
        assert not MeasurementBlock.objects.exists()
        assert queries.imd_detail(imd.pk).pre_vee[40].value == Decimal(9)


class TestUsage:
    @pytest.mark.parametrize(("first", "expected"), [("2", "SUBSEQUENT_CORRECTION"), ("1", "SENT")])
    def test_gt_82_sent_usage_is_corrected_by_a_changed_value_and_untouched_by_an_unchanged_one(
        self, first: str, expected: str
    ) -> None:
        one = component()
        imd = make.interval_imd(one, FLAT)
        process()
        subscription = UsageSubscription.objects.create(
            identifier="US-1", service_point=one.service_point, recipient="CIS"
        )
        usage = UsageTransaction.objects.create(
            identifier="UT-1",
            usage_subscription=subscription,
            start=make.DAY,
            end=make.DAY + dt.timedelta(days=1),
            status="SENT",
        )
        again = make.interval_imd(one, [first, *FLAT[1:]])

        process()

        assert [state(imd), state(again)] == ["COMPLETE", "COMPLETE"]
        assert UsageTransaction.objects.get(pk=usage.pk).status == expected
