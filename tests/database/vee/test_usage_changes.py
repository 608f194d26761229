"""What changed measurements do to usage: the seven rules of `vee.md` 8."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import usage as make_usage
from tests.factories import vee as make
from vee import models, usage_queries
from vee.operations import actions, processing, usage, usage_changes
from vee.storage import Change


pytestmark = pytest.mark.django_db
FLAT: list[str | None] = ["1"] * 96
HIGHER: list[str | None] = ["2", *["1"] * 95]
DAY = dt.timedelta(days=1)


def meter(**values: Any) -> models.MeasuringComponent:
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(**values))


def sent(component: models.MeasuringComponent, **fields: Any) -> models.UsageTransaction:
    """Usage that was calculated here and has left."""
    row = make_usage.calculated(make_usage.transaction(make_usage.subscription(component), **fields))
    models.UsageTransaction.objects.filter(pk=row.pk).update(status="SENT", sent_at=make.AT)
    return make_usage.again(row)


def status(row: models.UsageTransaction) -> str:
    return str(make_usage.again(row).status)


class TestRule1OnlyWhatChanged:
    @pytest.mark.parametrize("skip_identical", [True, False])
    def test_the_same_values_again_leave_sent_usage_alone(self, skip_identical: bool) -> None:
        component = meter(skip_identical=skip_identical)
        make_usage.measured(component, FLAT)
        row = sent(component)

        make_usage.measured(component, FLAT)

        assert status(row) == "SENT"
        assert not models.UsageCorrection.objects.exists()

    @pytest.mark.parametrize("skip_identical", [True, False])
    def test_a_changed_value_corrects_it(self, skip_identical: bool) -> None:
        component = meter(skip_identical=skip_identical)
        make_usage.measured(component, FLAT)
        row = sent(component)

        make_usage.measured(component, HIGHER)

        assert status(row) == "SUBSEQUENT_CORRECTION"

    def test_a_changed_condition_corrects_it(self) -> None:
        component = meter()
        make_usage.measured(component, FLAT)
        row = sent(component)

        make_usage.measured(component, FLAT, conditions=[401000] * 96)

        assert status(row) == "SUBSEQUENT_CORRECTION"

    def test_a_measurement_that_was_not_there_corrects_it(self) -> None:
        component = meter()
        make_usage.measured(component, ["1"] * 48)
        row = sent(component)

        make_usage.measured(component, ["1"] * 48, start=make.DAY + dt.timedelta(hours=12))

        assert status(row) == "SUBSEQUENT_CORRECTION"

    def test_days_that_change_before_and_after_leave_the_day_between_alone(self) -> None:
        component = meter()
        for number in range(3):
            make.interval_imd(component, FLAT, start=make.DAY + number * DAY)
        processing.process_due(at=make.AT)
        between = sent(component, start=make.DAY + DAY, end=make.DAY + 2 * DAY)
        for number in (0, 2):
            make.interval_imd(component, HIGHER, start=make.DAY + number * DAY)

        processing.process_due(at=make.AT)

        assert models.MeasurementBlock.objects.filter(version=2).count() == 2
        assert status(between) == "SENT"


class TestRule2Overlap:
    @pytest.mark.parametrize(
        ("interval", "expected"),
        [(0, "SENT"), (1, "SUBSEQUENT_CORRECTION"), (96, "SUBSEQUENT_CORRECTION"), (97, "SENT")],
    )
    def test_an_interval_belongs_to_the_period_that_its_end_label_lies_in(self, interval: int, expected: str) -> None:
        component = meter()
        quarter = dt.timedelta(minutes=15)
        make_usage.measured(component, ["1"] * 98, start=make.DAY - quarter)
        row = sent(component)

        make_usage.measured(component, ["7"], start=make.DAY + (interval - 1) * quarter)

        assert status(row) == expected

    @pytest.mark.parametrize(
        ("hours", "expected"),
        [(-1, "SENT"), (0, "SUBSEQUENT_CORRECTION"), (24, "SUBSEQUENT_CORRECTION"), (25, "SENT")],
    )
    def test_a_read_affects_also_the_period_that_begins_with_it(self, hours: int, expected: str) -> None:
        register = make.MeasuringComponentFactory(type=make.register_type())
        row = sent(register)

        make.register_imd(register, "100", at=make.DAY + dt.timedelta(hours=hours))
        processing.process_due(at=make.AT)

        assert status(row) == expected

    def test_a_read_that_changes_the_consumption_of_the_next_one_corrects_the_next_period(self) -> None:
        register = make.MeasuringComponentFactory(type=make.register_type())
        for days, reading in ((-1, "100"), (1, "130")):
            make.register_imd(register, reading, at=make.DAY + days * DAY)
            processing.process_due(at=make.AT)
        row = sent(register)

        make.register_imd(register, "110", at=make.DAY - dt.timedelta(hours=12))
        processing.process_due(at=make.AT)

        assert status(row) == "SUBSEQUENT_CORRECTION"
        old, new = (usage_queries.totals_of(transaction_id=row.pk, versions=[one])[0].total for one in (1, 2))
        assert (old, new) == (Decimal(30), Decimal(20))

    def test_the_same_read_again_is_no_change_even_where_identical_ones_are_written(self) -> None:
        register = make.MeasuringComponentFactory(type=make.register_type(skip_identical=False))
        for days, reading in ((0, "100"), (1, "130")):
            make.register_imd(register, reading, at=make.DAY + days * DAY)
            processing.process_due(at=make.AT)
        row = sent(register)

        make.register_imd(register, "130", at=make.DAY + DAY)
        processing.process_due(at=make.AT)

        assert models.RegisterMeasurement.objects.filter(version=2).exists()
        assert status(row) == "SENT"

    def test_another_service_point_is_not_concerned(self) -> None:
        component, neighbour = meter(), meter()
        row = sent(component)

        make_usage.measured(neighbour, FLAT)

        assert status(row) == "SENT"

    def test_a_component_of_a_device_lies_at_the_devices_service_point(self) -> None:
        point = make.ServicePointFactory()
        device = models.Device.objects.create(identifier="DEV-1", service_point=point)
        component = make.MeasuringComponentFactory(device=device, service_point=None)
        subscription = models.UsageSubscription.objects.create(identifier="US-1", service_point=point, recipient="CIS")
        row = make_usage.transaction(subscription, status="SENT")

        make_usage.measured(component, FLAT)

        assert status(row) == "SUBSEQUENT_CORRECTION"


class TestRule3SentIsCorrectedOnce:
    def test_it_records_imds_labels_and_the_figures_before_and_after(self) -> None:
        component = meter()
        make_usage.measured(component, FLAT)
        row = sent(component)

        imd = make_usage.measured(component, HIGHER)

        correction = models.UsageCorrection.objects.get(transaction=row)
        assert correction.imd_ids == [imd.pk]
        quarter_past = make.DAY + dt.timedelta(minutes=15)
        assert (correction.first_changed, correction.last_changed) == (quarter_past, quarter_past)
        detail = usage_queries.usage_detail(transaction=make_usage.again(row))
        assert [one.total for one in detail.totals] == [Decimal(96)]
        assert [one.total for one in detail.new_totals] == [Decimal(97)]
        assert detail.transaction.version == 1
        last = detail.transitions[-1]
        assert (last.from_status, last.to_status, last.by) == ("SENT", "SUBSEQUENT_CORRECTION", "system")
        assert str(imd.pk) in last.reason

    def test_usage_that_another_system_sent_has_no_figures_before(self) -> None:
        component = meter()
        row = make_usage.transaction(make_usage.subscription(component), status="SENT")

        make_usage.measured(component, FLAT)

        correction = models.UsageCorrection.objects.get(transaction=row)
        assert (correction.old_version, correction.new_version) == (0, 1)

    def test_an_imd_that_vee_held_back_is_not_named(self) -> None:
        group = make.vee_group("G", {"rule": "uom_check", "severity": "TERMINATE", "exception_type": "UOM"})
        component = meter(initial_load_group=group)
        row = make_usage.transaction(make_usage.subscription(component), status="SENT")
        held = make.interval_imd(component, FLAT, uom="MWH")
        good = make.interval_imd(component, FLAT)

        processing.process_due(at=make.AT)

        assert models.InitialMeasurement.objects.get(pk=held.pk).state == "EXCEPTION"
        assert models.UsageCorrection.objects.get(transaction=row).imd_ids == [good.pk]

    def test_it_is_undone_with_the_measurements_when_normalization_is_rolled_back(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        component = meter()
        row = make_usage.transaction(make_usage.subscription(component), status="SENT")

        def fail(**said: Any) -> None:
            raise RuntimeError("killed here")

        monkeypatch.setattr("vee.events.announce_changes", fail)
        imd = make.interval_imd(component, FLAT)
        processing.process_due(at=make.AT)

        assert models.InitialMeasurement.objects.get(pk=imd.pk).state == "EXCEPTION"
        assert not models.MeasurementBlock.objects.exists()
        assert status(row) == "SENT"
        assert not models.UsageCorrection.objects.exists()


class TestRule4NotSentIsRecalculated:
    @pytest.mark.parametrize("begin", ["CALCULATED", "ISSUE_DETECTED", "CALCULATION_DEFERRED"])
    def test_it_is_marked_stale_and_calculated_again(self, begin: str) -> None:
        component = meter()
        deferring = begin == "CALCULATION_DEFERRED"
        subscription = make_usage.subscription(component, defer_until_complete=deferring)
        make_usage.measured(component, FLAT if begin == "CALCULATED" else ["1"] * 95)
        row = make_usage.calculated(make_usage.transaction(subscription))
        assert row.status == begin

        make_usage.measured(component, HIGHER)
        assert make_usage.again(row).stale_since == make.AT
        usage.calculate_due(at=make.AT)

        done = make_usage.again(row)
        assert (done.status, done.version, done.stale_since, done.issues) == ("CALCULATED", 2, None, [])
        assert usage_queries.usage_detail(transaction=done).totals[0].total == Decimal(97)

    def test_pending_usage_is_left_alone(self) -> None:
        component = meter()
        row = make_usage.transaction(make_usage.subscription(component))

        make_usage.measured(component, FLAT)

        assert (status(row), make_usage.again(row).stale_since) == ("PENDING", None)
        assert usage.calculate_due(at=make.AT) == 0

    def test_usage_of_another_day_is_not_stale(self) -> None:
        component = meter()
        row = make_usage.calculated(make_usage.transaction(make_usage.subscription(component)))

        make_usage.measured(component, FLAT, start=make.DAY + DAY)

        assert make_usage.again(row).stale_since is None

    def test_discarded_usage_is_left_alone(self) -> None:
        component = meter()
        row = make_usage.transaction(make_usage.subscription(component), status="DISCARDED")

        make_usage.measured(component, FLAT)

        assert (status(row), make_usage.again(row).stale_since) == ("DISCARDED", None)


class TestRule5NoSecondCorrection:
    def test_a_later_change_adds_nothing_to_an_open_correction(self) -> None:
        component = meter()
        make_usage.measured(component, FLAT)
        row = sent(component)
        make_usage.measured(component, HIGHER)
        first = models.UsageCorrection.objects.get()
        steps = models.UsageTransactionTransition.objects.count()

        make_usage.measured(component, ["3"] * 96)

        assert models.UsageCorrection.objects.get() == first
        assert models.UsageTransactionTransition.objects.count() == steps
        assert status(row) == "SUBSEQUENT_CORRECTION"


class TestRule6ActionsOfPeople:
    @pytest.mark.parametrize(("name", "expected"), [("force-complete", "SUBSEQUENT_CORRECTION"), ("discard", "SENT")])
    def test_force_complete_corrects_and_discard_does_not(self, name: str, expected: str) -> None:
        group = make.vee_group("G", {"rule": "interval_spike_check", "exception_type": "SPIKE",
                                     "parameters": {"tolerance": 1.8}})  # fmt: skip
        component = meter(initial_load_group=group)
        row = make_usage.transaction(make_usage.subscription(component), status="SENT")
        imd = make_usage.measured(component, [*["1"] * 40, "9", *["1"] * 55])
        assert status(row) == "SENT"

        actions.ACTIONS[name](imd_id=imd.pk, by=make.analyst(), reason="seen", at=make.AT)

        assert status(row) == expected
        corrections = models.UsageCorrection.objects.values_list("imd_ids", flat=True)
        assert list(corrections) == ([[imd.pk]] if expected != "SENT" else [])


class TestCost:
    def test_one_query_when_there_is_no_usage(self, django_assert_num_queries: Any) -> None:
        components = [meter() for _ in range(5)]
        changes = [Change(one.pk, make.DAY, make.DAY + DAY) for one in components]

        with django_assert_num_queries(1):
            usage_changes.take_up(changes=changes, imds=[], at=make.AT)

    def test_none_when_nothing_changed(self, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(0):
            usage_changes.take_up(changes=[], imds=[], at=make.AT)

    def test_one_query_when_usage_is_pending_or_of_another_time(self, django_assert_num_queries: Any) -> None:
        component = meter()
        subscription = make_usage.subscription(component)
        make_usage.transaction(subscription)
        make_usage.transaction(subscription, start=make.DAY - 2 * DAY, end=make.DAY - DAY, status="SENT")
        change = Change(component.pk, make.DAY + dt.timedelta(minutes=15), make.DAY + DAY)

        with django_assert_num_queries(1):
            usage_changes.take_up(changes=[change], imds=[], at=make.AT)

    def test_the_same_number_for_many_components_as_for_one(self, django_assert_num_queries: Any) -> None:
        components = [meter() for _ in range(5)]
        for component in components:
            row = {"status": "CALCULATED", "stale_since": make.AT}
            make_usage.transaction(make_usage.subscription(component), **row)
        changes = [Change(one.pk, make.DAY, make.DAY + DAY) for one in components]

        with django_assert_num_queries(3):
            usage_changes.take_up(changes=changes, imds=[], at=make.AT)
