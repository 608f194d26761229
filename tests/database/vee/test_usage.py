"""Calculating usage, and the way of its statuses."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.factories import meter_data
from tests.factories import usage as make_usage
from tests.factories import vee as make
from vee import models, usage_queries
from vee.engine.calendar import local_day_bounds
from vee.operations import actions, processing, usage, usage_lifecycle


pytestmark = pytest.mark.django_db
FLAT: list[str | None] = ["1"] * 96
DAY = dt.timedelta(days=1)


def meter(**values: Any) -> models.MeasuringComponent:
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(**values))


def of(component: models.MeasuringComponent, **fields: Any) -> models.UsageTransaction:
    return make_usage.transaction(make_usage.subscription(component), **fields)


def totals(row: models.UsageTransaction) -> list[models.UsageTransactionTotal]:
    return usage_queries.usage_detail(transaction=make_usage.again(row)).totals


def steps(row: models.UsageTransaction) -> list[tuple[str, str, str]]:
    found = models.UsageTransactionTransition.objects.filter(transaction=row).order_by("pk")
    return list(found.values_list("from_status", "to_status", "by"))


class TestCalculation:
    def test_a_complete_day_is_calculated_to_its_exact_sum(self) -> None:
        component = meter()
        make_usage.measured(component, ["0.1"] * 95 + ["0.000001"])

        row = make_usage.calculated(of(component))

        assert (row.status, row.version, row.issues, row.calculated_at) == ("CALCULATED", 1, [], make.AT)
        (one,) = totals(row)
        assert one.total == Decimal("9.500001")
        assert (one.expected, one.missing, one.estimated, one.user_edited) == (96, 0, 0, 0)
        assert (one.uom, one.component_kind, one.conditions) == ("KWH", "INTERVAL", {"501000": 96})
        assert steps(row) == [("PENDING", "CALCULATED", "cleo")]

    def test_a_label_at_the_start_belongs_to_the_period_before_and_one_at_the_end_to_this(self) -> None:
        component = meter()
        values: list[str | None] = ["100", *["1"] * 95, "10", "1000"]
        make_usage.measured(component, values, start=make.DAY - dt.timedelta(minutes=15))

        row = make_usage.calculated(of(component))

        assert totals(row)[0].total == Decimal(105)

    @pytest.mark.parametrize(
        ("date", "intervals"), [(dt.date(2024, 3, 10), 92), (dt.date(2024, 6, 1), 96), (dt.date(2024, 11, 3), 100)]
    )
    def test_a_local_day_has_as_many_intervals_as_it_is_long(self, date: dt.date, intervals: int) -> None:
        component = meter_data.component("MC-NY")
        start, end = local_day_bounds(date, "America/New_York")
        make_usage.measured(component, ["0.25"] * intervals, start=start)

        row = make_usage.calculated(of(component, start=start, end=end))

        (one,) = totals(row)
        assert (row.status, one.expected, one.missing) == ("CALCULATED", intervals, 0)
        assert one.total == Decimal("0.25") * intervals
        assert start.astimezone(ZoneInfo("America/New_York")).hour == 0

    def test_estimates_and_edits_are_counted(self) -> None:
        group = make.vee_group(
            "G",
            {"rule": "interval_interpolation_estimation", "severity": "INFO", "parameters": {"max_hours": 2}},
        )
        component = meter(initial_load_group=group)
        values: list[str | None] = ["1"] * 96
        values[4] = values[5] = None
        make_usage.measured(component, values)

        row = make_usage.calculated(of(component))

        (one,) = totals(row)
        assert (one.total, one.estimated, one.missing) == (Decimal(96), 2, 0)
        assert one.conditions == {"301100": 2, "501000": 94}

    def test_registers_and_channels_stand_side_by_side(self) -> None:
        channel = meter()
        register = make.MeasuringComponentFactory(type=make.register_type(), service_point=channel.service_point)
        make_usage.measured(channel, FLAT)
        for hours, reading in ((0, "100.5"), (12, "140"), (24, "196.5")):
            make.register_imd(register, reading, at=make.DAY + dt.timedelta(hours=hours))
            processing.process_due(at=make.AT)

        row = make_usage.calculated(of(channel))

        by_name = {one.measuring_component.identifier: one for one in totals(row)}
        assert by_name[register.identifier].total == Decimal(96) == by_name[channel.identifier].total
        assert (by_name[register.identifier].expected, by_name[register.identifier].missing) == (2, 0)

    def test_each_calculation_is_a_version_and_earlier_ones_stay(self) -> None:
        component = meter()
        make_usage.measured(component, FLAT)
        row = make_usage.calculated(of(component))
        make_usage.measured(component, ["2"] * 96)

        row = make_usage.calculated(row)

        assert row.version == 2
        found = usage_queries.totals_of(transaction_id=row.pk, versions=[1, 2])
        assert [one.total for one in found] == [Decimal(96), Decimal(192)]

    def test_the_sweep_makes_no_version_of_the_same_figures(self) -> None:
        component = meter()
        make_usage.measured(component, FLAT)
        row = make_usage.calculated(of(component))
        models.UsageTransaction.objects.update(stale_since=make.AT)

        assert usage.calculate_due(at=make.AT) == 1

        row = make_usage.again(row)
        assert (row.version, row.stale_since, row.status) == (1, None, "CALCULATED")
        assert len(steps(row)) == 1


class TestIssues:
    @pytest.mark.parametrize(
        ("values", "code"),
        [(["1"] * 95, "MISSING_DATA"), ([], "NO_MEASUREMENT"), (["-1", *["1"] * 95], "NEGATIVE")],
    )
    def test_usage_with_an_issue_waits_for_a_person(self, values: list[str | None], code: str) -> None:
        component = meter()
        if values:
            make_usage.measured(component, values)

        row = make_usage.calculated(of(component))

        assert row.status == "ISSUE_DETECTED"
        assert [(issue["code"], issue["component"]) for issue in row.issues] == [(code, component.identifier)]
        reason = models.UsageTransactionTransition.objects.get().reason
        assert reason == f"month end {row.issues[0]['message']}"

    def test_a_component_that_may_be_negative_has_no_issue(self) -> None:
        component = meter(allow_negative=True)
        make_usage.measured(component, ["-1"] * 96)

        row = make_usage.calculated(of(component))

        assert (row.status, totals(row)[0].total, totals(row)[0].negative) == ("CALCULATED", Decimal(-96), 0)

    def test_a_service_point_without_a_component_is_an_issue(self) -> None:
        subscription = models.UsageSubscription.objects.create(
            identifier="US-1", service_point=make.ServicePointFactory(), recipient="CIS"
        )

        row = make_usage.calculated(make_usage.transaction(subscription))

        assert (row.status, row.issues[0]["code"]) == ("ISSUE_DETECTED", "NO_COMPONENT")

    def test_a_register_without_a_read_is_an_issue_and_its_first_read_is_none(self) -> None:
        register = make.MeasuringComponentFactory(type=make.register_type())
        first = make_usage.calculated(of(register))
        assert first.issues[0]["code"] == "NO_MEASUREMENT"
        for hours, reading in ((6, "0"), (24, "12.5")):
            make.register_imd(register, reading, at=make.DAY + dt.timedelta(hours=hours))
            processing.process_due(at=make.AT)

        second = make_usage.calculated(first)

        assert (second.status, totals(second)[0].total) == ("CALCULATED", Decimal("12.5"))


class TestDeferral:
    def test_missing_data_defers_when_the_subscription_says_so(self) -> None:
        component = meter()
        make_usage.measured(component, ["1"] * 90)
        subscription = make_usage.subscription(component, defer_until_complete=True)

        row = make_usage.calculated(make_usage.transaction(subscription))

        assert row.status == "CALCULATION_DEFERRED"
        assert row.issues[0]["message"] == f"{component.identifier}: 6 of 96 intervals are missing."

    def test_a_negative_value_is_an_issue_all_the_same(self) -> None:
        component = meter()
        make_usage.measured(component, ["-1"] * 90)
        subscription = make_usage.subscription(component, defer_until_complete=True)

        assert make_usage.calculated(make_usage.transaction(subscription)).status == "ISSUE_DETECTED"

    def test_what_has_a_time_is_deferred_until_then_and_calculated_when_it_has_come(self) -> None:
        component = meter()
        make_usage.measured(component, FLAT)
        row = of(component, calculate_after=make.AT + dt.timedelta(hours=1))

        usage.calculate_due(at=make.AT)
        assert make_usage.again(row).status == "CALCULATION_DEFERRED"
        assert usage.calculate_due(at=make.AT) == 0
        usage.calculate_due(at=make.AT + dt.timedelta(hours=1))

        assert make_usage.again(row).status == "CALCULATED"
        assert [step[:2] for step in steps(row)] == [
            ("PENDING", "CALCULATION_DEFERRED"),
            ("CALCULATION_DEFERRED", "CALCULATED"),
        ]
        assert usage.calculate_due(at=make.AT + DAY) == 0

    def test_a_person_calculates_deferred_usage_at_once(self) -> None:
        component = meter()
        make_usage.measured(component, FLAT)
        row = of(component, calculate_after=make.AT + DAY)
        usage.calculate_due(at=make.AT)

        assert make_usage.calculated(row).status == "CALCULATED"


class TestActions:
    @pytest.mark.parametrize("name", usage.ACTIONS)
    def test_each_needs_its_own_right(self, name: str) -> None:
        row = make_usage.calculated(of(meter()))
        own = {"calculate": "vee.calculate_usage", "send": "vee.send_usage", "discard": "vee.discard_usage"}[name]
        others = [right for right in make_usage.RIGHTS if right != own]

        with pytest.raises(actions.NotPermitted):
            usage.ACTIONS[name](transaction_id=row.pk, by=make.person("eve", *others), reason="why", at=make.AT)

    @pytest.mark.parametrize("name", usage.ACTIONS)
    @pytest.mark.parametrize("reason", ["", "  ", "x" * 501])
    def test_each_needs_a_reason(self, name: str, reason: str) -> None:
        row = make_usage.calculated(of(meter()))

        with pytest.raises(actions.ReasonMissing):
            usage.ACTIONS[name](transaction_id=row.pk, by=make_usage.clerk(), reason=reason, at=make.AT)

    @pytest.mark.parametrize("name", usage.ACTIONS)
    @pytest.mark.parametrize("status", ["SENT", "SUBSEQUENT_CORRECTION", "DISCARDED"])
    def test_none_is_possible_at_the_end(self, name: str, status: str) -> None:
        row = of(meter(), status=status)

        with pytest.raises(actions.StateDoesNotAllow, match=status):
            usage.ACTIONS[name](transaction_id=row.pk, by=make_usage.clerk(), reason="why", at=make.AT)

        assert make_usage.again(row).status == status
        assert steps(row) == []

    @pytest.mark.parametrize("name", usage.ACTIONS)
    def test_none_is_possible_with_what_is_not_there(self, name: str) -> None:
        with pytest.raises(usage.UsageTransactionNotFound):
            usage.ACTIONS[name](transaction_id=999, by=make_usage.clerk(), reason="why", at=make.AT)

    def test_discard_keeps_the_figures(self) -> None:
        component = meter()
        make_usage.measured(component, FLAT)
        row = make_usage.calculated(of(component))

        usage.discard(transaction_id=row.pk, by=make_usage.clerk(), reason="moved out", at=make.AT)

        assert make_usage.again(row).status == "DISCARDED"
        assert totals(row)[0].total == Decimal(96)
        assert steps(row)[-1] == ("CALCULATED", "DISCARDED", "cleo")

    def test_many_are_done_each_for_itself(self) -> None:
        good, bad = of(meter()), of(meter(), status="SENT")

        results = usage.act_on_many(
            action="discard", transaction_ids=[good.pk, bad.pk], by=make_usage.clerk(), reason="why", at=make.AT
        )

        assert [bool(result.error) for result in results] == [False, True]
        assert [result.identifier for result in results] == [good.identifier, bad.identifier]


class TestLifeCycle:
    def test_the_table_of_what_may_follow_what(self) -> None:
        not_sent = {"PENDING", "CALCULATION_DEFERRED", "CALCULATED", "ISSUE_DETECTED"}
        expected = {
            (source, target)
            for source in not_sent
            for target in ("CALCULATION_DEFERRED", "CALCULATED", "ISSUE_DETECTED", "DISCARDED")
        }
        expected |= {(source, "SENT") for source in ("PENDING", "CALCULATED", "ISSUE_DETECTED")}
        expected |= {("SENT", "SUBSEQUENT_CORRECTION"), ("SENT", "ISSUE_DETECTED")}

        assert expected == usage_lifecycle.LEGAL

    def test_a_step_that_is_not_in_it_is_refused(self) -> None:
        row = of(meter(), status="SUBSEQUENT_CORRECTION")

        with pytest.raises(usage_lifecycle.IllegalUsageMove):
            usage_lifecycle.move(transaction=row, to="SENT", at=make.AT)
