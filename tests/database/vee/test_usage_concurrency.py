"""Usage while several work at once: one correction, no lost change, nothing sent that is out of date."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from tests.factories import usage as make_usage
from tests.factories import vee as make
from vee import models, usage_queries
from vee.operations import processing, usage, usage_sending


pytestmark = [
    pytest.mark.skipif("connection.vendor != 'postgresql'", reason="row locks are PostgreSQL's"),
    pytest.mark.django_db(transaction=True),
]
FLAT: list[str | None] = ["1"] * 96
HIGHER: list[str | None] = ["2"] * 96


@contextmanager
def workers(count: int) -> Iterator[Callable[..., Future[Any]]]:
    """Threads with connections of their own."""

    def run(what: Callable[[], Any]) -> Any:
        try:
            return what()
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=count) as pool:
        yield lambda what: pool.submit(run, what)


@pytest.fixture
def component() -> models.MeasuringComponent:
    return make.MeasuringComponentFactory()


class TestTwoNormalizations:
    def test_of_one_service_point_make_one_correction(self, component: models.MeasuringComponent) -> None:
        other = make.MeasuringComponentFactory(type=component.type, service_point=component.service_point)
        row = make_usage.transaction(make_usage.subscription(component), status="SENT")
        imds = [make.interval_imd(one, FLAT) for one in (component, other)]
        together = threading.Barrier(2)

        def work(imd: models.InitialMeasurement) -> None:
            with transaction.atomic():
                together.wait(10)
                processing.process_claimed(imd_ids=[imd.pk], at=make.AT)

        with workers(2) as start:
            for future in [start(lambda imd=imd: work(imd)) for imd in imds]:
                future.result(30)

        assert [imd.state for imd in models.InitialMeasurement.objects.all()] == ["COMPLETE", "COMPLETE"]
        assert make_usage.again(row).status == "SUBSEQUENT_CORRECTION"
        assert models.UsageCorrection.objects.count() == 1
        assert models.UsageTransactionTransition.objects.count() == 1


class TestCalculation:
    def test_waits_for_a_normalization_and_sees_what_it_did(self, component: models.MeasuringComponent) -> None:
        make_usage.measured(component, FLAT)
        row = make_usage.transaction(make_usage.subscription(component))
        clerk = make_usage.clerk()
        make.interval_imd(component, HIGHER)

        def calculate() -> None:
            usage.calculate(transaction_id=row.pk, by=clerk, reason="month end", at=make.AT)

        with workers(1) as start:
            with transaction.atomic():
                processing.process_due(at=make.AT)
                future = start(calculate)
                with pytest.raises(TimeoutError):
                    future.result(0.5)
            future.result(30)

        (one,) = usage_queries.totals_of(transaction_id=row.pk, versions=[1])
        assert one.total == Decimal(192)

    def test_a_normalization_that_comes_during_it_makes_it_stale(self, component: models.MeasuringComponent) -> None:
        make_usage.measured(component, FLAT)
        row = make_usage.transaction(make_usage.subscription(component))
        clerk = make_usage.clerk()
        make.interval_imd(component, HIGHER)

        with workers(1) as start:
            with transaction.atomic():
                usage.calculate(transaction_id=row.pk, by=clerk, reason="month end", at=make.AT)
                future = start(lambda: processing.process_due(at=make.AT))
                with pytest.raises(TimeoutError):
                    future.result(0.5)
            future.result(30)

        assert make_usage.again(row).stale_since == make.AT
        usage.calculate_due(at=make.AT)
        (one,) = usage_queries.totals_of(transaction_id=row.pk, versions=[2])
        assert one.total == Decimal(192)


class TestHandingOver:
    def test_a_change_that_comes_during_it_is_a_correction(self, component: models.MeasuringComponent) -> None:
        make_usage.measured(component, FLAT)
        row = make_usage.calculated(make_usage.transaction(make_usage.subscription(component)))
        ask_for_sending(row)
        make.interval_imd(component, HIGHER)
        changes: list[Future[Any]] = []

        with workers(1) as start:

            def queue(message: usage_sending.UsageMessage) -> None:
                changes.append(start(lambda: processing.process_due(at=make.AT)))
                with pytest.raises(TimeoutError):
                    changes[0].result(0.5)

            assert usage_sending.hand_over(transaction_id=row.pk, queue=queue, at=make.AT)
            changes[0].result(30)

        assert make_usage.again(row).status == "SUBSEQUENT_CORRECTION"

    def test_two_who_would_send_it_send_it_once(self, component: models.MeasuringComponent) -> None:
        make_usage.measured(component, FLAT)
        row = make_usage.calculated(make_usage.transaction(make_usage.subscription(component)))
        ask_for_sending(row)
        queued: list[str] = []
        together = threading.Barrier(2)

        def hand_over() -> bool:
            together.wait(10)
            return usage_sending.hand_over(
                transaction_id=row.pk, queue=lambda message: queued.append(message.message_id), at=make.AT
            )

        with workers(2) as start:
            given = [future.result(30) for future in [start(hand_over), start(hand_over)]]

        assert sorted(given) == [False, True]
        assert queued == [f"USAGE-TRANSACTION-{row.pk}-1"]


def ask_for_sending(row: models.UsageTransaction) -> None:
    """Asked for, and nobody has taken it yet."""
    models.UsageTransaction.objects.filter(pk=row.pk).update(send_requested_at=make.AT, sendings=1)
