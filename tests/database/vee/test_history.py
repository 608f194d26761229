"""The answers to rules' questions, asked of the database directly."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import vee as make
from vee import storage
from vee.codes import ComponentKind, Condition, ImdKind
from vee.engine import daily_usage
from vee.engine.batch import Batch, ImdFacts
from vee.engine.context import FOREVER, NEVER, ComponentFacts, DaySums, Installation, Period, Windows
from vee.models import (
    Device,
    Holiday,
    InitialMeasurement,
    InstallEvent,
    MeasuringComponent,
    MeasuringComponentProgress,
    OffPeriod,
    Outage,
    RegisterMeasurement,
    UsageSubscription,
)
from vee.operations.history import MeasurementHistory
from vee.storage import NO_VALUE


pytestmark = pytest.mark.django_db
DAY = make.DAY
START = int(DAY.timestamp())
HOUR, ONE_DAY = 3600, 86_400
REGULAR = int(Condition.REGULAR)


def at(seconds: int) -> dt.datetime:
    """An instant some seconds after the start of the day that the tests are about."""
    return DAY + dt.timedelta(seconds=seconds)


def history() -> MeasurementHistory:
    return MeasurementHistory(standard_offsets={})


def batch(*components: MeasuringComponent, start: int = START, length: int = 4, **changes: Any) -> Batch:
    """An IMD of hours for each component."""
    given: dict[str, Any] = {
        "uom": "KWH", "component_uom": "KWH", "multiplier": None, "component_multiplier": Decimal(1),
        "seconds_per_interval": HOUR, "component_seconds_per_interval": HOUR, "end": start + length * HOUR,
    }  # fmt: skip
    facts = [
        ImdFacts(
            **{
                "imd_id": -1 - number,
                "component_id": component.pk,
                "service_point_id": component.service_point_id,
                "device_id": component.device_id,
                "consumption_reference_id": component.consumption_reference_id,
                **given,
                **changes,
            }
        )
        for number, component in enumerate(components)
    ]
    shape = (len(components), length)
    return Batch(
        values=np.zeros(shape, dtype=np.int64),
        valid=np.ones(shape, dtype=np.bool_),
        conditions=np.full(shape, REGULAR, dtype=np.int32),
        set_by=np.zeros(shape, dtype=np.int32),
        kind=ComponentKind.INTERVAL,
        scale=3,
        seconds_per_interval=HOUR,
        starts=np.full(len(components), start, dtype=np.int64),
        facts=facts,
    )


def hours(**values: Any) -> MeasuringComponent:
    fields = {"seconds_per_interval": HOUR, "scale": 3, **values}
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(**fields))


def store(
    component: MeasuringComponent,
    values: list[int],
    *,
    start: int = START,
    conditions: list[int] | None = None,
    edited: list[bool] | None = None,
    seconds: int = HOUR,
    scale: int = 3,
    offset: int = 0,
) -> None:
    """Store final measurements from an instant on; `offset` is the component's standard time."""
    counts = np.array(values, dtype=np.int64)
    codes = np.where(counts == NO_VALUE, int(Condition.MISSING), REGULAR)
    pieces = storage.cut_into_days(
        component_ids=np.array([component.pk]),
        starts=np.array([start]),
        standard_offsets=np.array([offset]),
        values=counts[None, :],
        conditions=np.array([conditions] if conditions else [codes], dtype=np.int32),
        edited=np.array([edited or [False] * len(values)]),
        imd_ids=np.array([1]),
        multipliers=np.array([1_000_000]),
        scale=scale,
        seconds_per_interval=seconds,
        skip_identical=True,
    )
    storage.write_blocks(pieces=pieces, at=make.AT)


def windows(*asked: tuple[MeasuringComponent | int, int], length: int, scale: int = 3, seconds: int = HOUR) -> Windows:
    ids = [one if isinstance(one, int) else one.pk for one, _ in asked]
    return Windows(
        component_ids=np.array(ids, dtype=np.int64),
        starts=np.array([start for _, start in asked], dtype=np.int64),
        length=length,
        seconds_per_interval=seconds,
        scale=scale,
    )


def queries_of(ask: Callable[[], object]) -> int:
    """Count Django's queries. On PostgreSQL arrays come through a cursor that it does not see."""
    with CaptureQueriesContext(connection) as captured:
        ask()
    return len(captured)


class TestMeasured:
    def test_column_k_is_the_interval_that_begins_k_intervals_after_the_start(self) -> None:
        one = hours()
        store(one, [1, 2, 3])

        found = history().measured(windows((one, START - HOUR), (one, START + 2 * HOUR), length=3))

        assert found.values.tolist() == [[0, 1, 2], [3, 0, 0]]
        assert found.present.tolist() == found.valid.tolist() == [[False, True, True], [True, False, False]]
        assert found.conditions.tolist() == [[0, REGULAR, REGULAR], [REGULAR, 0, 0]]

    def test_a_measurement_without_a_value_is_present_and_not_valid(self) -> None:
        one = hours()
        outage = int(Condition.NO_READ_OUTAGE)
        store(one, [1, NO_VALUE, 3], conditions=[REGULAR, outage, 301_000], edited=[False, False, True])

        found = history().measured(windows((one, START), length=4))

        assert found.present.tolist() == [[True, True, True, False]]
        assert found.valid.tolist() == [[True, False, True, False]]
        assert found.values.tolist() == [[1, 0, 3, 0]]
        assert found.conditions.tolist() == [[REGULAR, outage, 301_000, 0]]
        assert found.edited.tolist() == [[False, False, True, False]]

    def test_windows_reach_over_the_days_of_blocks_whatever_the_standard_time(self) -> None:
        """New York's clock changes on 2024-03-10; the standard day begins at 05:00 UTC all year."""
        one = hours()
        start = int(dt.datetime(2024, 3, 9, 5, tzinfo=dt.UTC).timestamp())
        store(one, list(range(72)), start=start, offset=-5 * HOUR)

        found = history().measured(windows((one, start + 20 * HOUR), length=30))

        assert found.values.tolist() == [list(range(20, 50))]
        assert found.present.all()

    def test_the_answer_counts_at_the_scale_that_was_asked_for(self) -> None:
        one = hours()
        store(one, [1, 25, 35, -25, NO_VALUE])

        finer = history().measured(windows((one, START), length=5, scale=5))
        coarser = history().measured(windows((one, START), length=5, scale=2))

        assert finer.values.tolist() == [[100, 2500, 3500, -2500, 0]]
        # 2.5, 3.5 and -2.5 are rounded half to even.
        assert coarser.values.tolist() == [[0, 2, 4, -2, 0]]
        assert coarser.valid.tolist() == [[True, True, True, True, False]]

    def test_a_value_that_does_not_fit_the_scale_is_no_value_and_never_a_wrong_one(self) -> None:
        one = hours(scale=0)
        store(one, [10**12, 5], scale=0)

        found = history().measured(windows((one, START), length=2, scale=9))

        assert (found.present.tolist(), found.valid.tolist()) == ([[True, True]], [[False, True]])
        assert found.values[0, 1] == 5 * 10**9

    def test_another_interval_size_or_grid_is_not_measured(self) -> None:
        one = hours()
        store(one, [1, 2, 3])

        assert not history().measured(windows((one, START), length=4, seconds=1800)).present.any()
        assert not history().measured(windows((one, START + 60), length=4)).present.any()

    def test_nobody_and_the_unknown_were_never_measured(self) -> None:
        found = history().measured(windows((0, START), (10**9, START), length=2))

        assert found.values.shape == (2, 2)
        assert not found.present.any()

    def test_a_window_may_be_asked_for_more_than_once(self) -> None:
        one = hours()
        store(one, [1, 2])

        found = history().measured(windows((one, START), (one, START), length=2))

        assert found.values.tolist() == [[1, 2], [1, 2]]

    @pytest.mark.parametrize("starts", [1, 40])
    def test_the_number_of_queries_does_not_grow_with_components_and_starts(self, starts: int) -> None:
        def ask(count: int) -> Callable[[], object]:
            components = [hours() for _ in range(count)]
            for number, one in enumerate(components):
                store(one, [number] * 24)
            asked = [(one, START + number % starts * ONE_DAY) for number, one in enumerate(components)]
            return lambda: history().measured(windows(*asked, length=24))

        assert queries_of(ask(40)) == queries_of(ask(80)) <= 1

    def test_many_starts_give_what_each_alone_gives(self) -> None:
        one = hours()
        store(one, list(range(30 * 24)))
        asked = [(one, START + number * ONE_DAY) for number in range(-2, 32)]

        together = history().measured(windows(*asked, length=24))

        for row, (_, start) in enumerate(asked):
            alone = history().measured(windows((one, start), length=24))
            assert together.values[row].tolist() == alone.values[0].tolist()
            assert together.present[row].tolist() == alone.present[0].tolist()


class TestRegisterReads:
    def _register(self, *reads: tuple[int, str, str | None]) -> MeasuringComponent:
        one = make.MeasuringComponentFactory(type=make.register_type())
        for seconds, reading, consumption in reads:
            RegisterMeasurement.objects.create(
                measuring_component=one,
                read_at=at(seconds),
                reading=Decimal(reading),
                consumption=None if consumption is None else Decimal(consumption),
                condition=REGULAR,
                multiplier=1,
                imd_id=1,
                updated_at=make.AT,
            )
        return one

    def ask(self, *asked: tuple[MeasuringComponent | int, int, int]) -> Any:
        ids = [one if isinstance(one, int) else one.pk for one, *_ in asked]
        return history().register_reads(
            np.array(ids, dtype=np.int64),
            np.array([START + start for _, start, _ in asked], dtype=np.int64),
            np.array([START + end for *_, end in asked], dtype=np.int64),
        )

    def test_before_is_at_or_before_the_start_and_inside_ends_with_the_end(self) -> None:
        one = self._register((-10, "1", None), (0, "2", "1"), (5, "3", "1"), (10, "4", "1"), (11, "5", "1"))

        [found] = self.ask((one, 0, 10))

        assert found.before is not None
        assert found.after is not None
        assert (found.before.read_at, found.after.read_at) == (START, START + 11)
        assert [read.read_at - START for read in found.inside] == [5, 10]
        assert [read.reading for read in found.inside] == [Decimal(3), Decimal(4)]

    def test_digits_are_kept_and_a_first_read_has_no_consumption(self) -> None:
        one = self._register((0, "123456789012345.123456789", None))

        [found] = self.ask((one, 0, 10))

        assert found.before is not None
        assert (found.before.reading, found.before.consumption) == (Decimal("123456789012345.123456789"), None)

    def test_each_row_has_its_own_period(self) -> None:
        one = self._register(*((hour, str(hour), "1") for hour in range(6)))

        found = self.ask((one, 0, 1), (one, 2, 4), (one, -5, -1), (one, 7, 9))

        assert [None if row.before is None else row.before.read_at - START for row in found] == [0, 2, None, 5]
        assert [[read.read_at - START for read in row.inside] for row in found] == [[1], [3, 4], [], []]
        assert [None if row.after is None else row.after.read_at - START for row in found] == [2, 5, 0, None]

    def test_a_read_long_before_or_after_is_found(self) -> None:
        one = self._register((-900 * ONE_DAY, "1", None), (900 * ONE_DAY, "2", "1"))

        [found] = self.ask((one, 0, 10))

        assert (found.before is not None, found.inside, found.after is not None) == (True, (), True)

    def test_rows_without_a_component_are_empty_and_their_period_is_not_read(self) -> None:
        one = self._register(*((-hour * HOUR, "1", "1") for hour in range(20)))
        with CaptureQueriesContext(connection) as captured:
            found = self.ask((0, -START, 10**9), (one, 0, 10))

        assert (found[0].before, found[0].inside, found[0].after) == (None, (), None)
        assert found[1].before is not None
        assert "1970-01-01" not in str(captured.captured_queries)

    def test_nobody_is_no_query(self) -> None:
        assert queries_of(lambda: self.ask((0, 0, 10))) == 0

    def test_the_number_of_queries_does_not_grow(self) -> None:
        few = [self._register((0, "1", None), (5, "2", "1")) for _ in range(2)]
        many = [self._register((0, "1", None), (5, "2", "1")) for _ in range(20)]

        def ask(components: list[MeasuringComponent]) -> Callable[[], object]:
            return lambda: self.ask(*((one, number, number + 4) for number, one in enumerate(components)))

        assert queries_of(ask(few)) == queries_of(ask(many)) == 3


class TestLastMeasured:
    def test_is_the_latest_label_at_or_before_the_start(self) -> None:
        full, ends_before, begins_later, never = (hours() for _ in range(4))
        store(full, [1] * 24)
        store(ends_before, [1] * 3, start=START - 30 * ONE_DAY)
        store(begins_later, [1], start=START + 20 * HOUR)

        found = history().last_measured(batch(full, ends_before, begins_later, never, start=START + 6 * HOUR))

        assert found.tolist() == [
            START + 6 * HOUR, START - 30 * ONE_DAY + 3 * HOUR, NEVER, NEVER,
        ]  # fmt: skip

    def test_looks_beyond_a_block_that_holds_nothing_before_the_start(self) -> None:
        one = hours()
        store(one, [1], start=START - ONE_DAY)
        store(one, [1], start=START + 20 * HOUR)

        assert history().last_measured(batch(one, start=START + 6 * HOUR)).tolist() == [START - ONE_DAY + HOUR]

    def test_many_starts_give_what_each_alone_gives_in_as_many_queries(self) -> None:
        one = hours()
        for day in (0, 3, 4, 9):
            store(one, [1] * 5, start=START + day * ONE_DAY)

        def whole(count: int) -> Batch:
            given = batch(*[one] * count)
            given.starts = np.array([START + number * 12 * HOUR for number in range(count)], dtype=np.int64)
            return given

        together = history().last_measured(whole(24))

        alone = [history().last_measured(whole(24).take([row]))[0] for row in range(24)]
        assert together.tolist() == [int(label) for label in alone]
        assert queries_of(lambda: history().last_measured(whole(24))) == queries_of(
            lambda: history().last_measured(whole(48))
        )


class TestLastActual:
    def test_is_what_progress_says(self) -> None:
        one, unknown, never = (hours() for _ in range(3))
        MeasuringComponentProgress.objects.create(measuring_component=one, most_recent_actual_at=at(-HOUR))
        MeasuringComponentProgress.objects.create(measuring_component=unknown, latest_contiguous_at=at(0))

        found = history().last_actual(batch(one, unknown, never, one))

        assert found.tolist() == [START - HOUR, NEVER, NEVER, START - HOUR]
        assert queries_of(lambda: history().last_actual(batch(one, never))) == 1


class TestComponents:
    def test_are_described_and_the_unknown_left_out(self) -> None:
        one = hours(uom="KVARH")
        register = make.MeasuringComponentFactory(type=make.register_type(), multiplier=Decimal("2.5"))

        found = history().components(np.array([one.pk, register.pk, 0, 10**9, one.pk]))

        assert found == {
            one.pk: ComponentFacts(one.pk, ComponentKind.INTERVAL, HOUR, "KVARH", 3, Decimal(1)),
            register.pk: ComponentFacts(register.pk, ComponentKind.SCALAR, None, "KWH", 3, Decimal("2.5")),
        }


class TestRelated:
    def test_is_the_reference_or_else_those_that_refer(self) -> None:
        check, alone = hours(), hours()
        parts = [make.MeasuringComponentFactory(type=check.type, consumption_reference=check) for _ in range(2)]

        found = history().related(batch(check, *parts, alone))

        assert found == [(parts[0].pk, parts[1].pk), (check.pk,), (check.pk,), ()]
        assert queries_of(lambda: history().related(batch(check, *parts, alone))) == 1


class TestSiblings:
    def _device(self, *identifiers: str, **fields: Any) -> list[MeasuringComponent]:
        device = Device.objects.create(identifier=f"D-{identifiers[0]}")
        kind = make.MeasuringComponentTypeFactory(**{"seconds_per_interval": HOUR, **fields})
        return [make.MeasuringComponentFactory(identifier=name, device=device, type=kind) for name in identifiers]

    def _imd(self, one: MeasuringComponent, first: int, last: int, **fields: Any) -> InitialMeasurement:
        values = ["1"] * (last - first)
        return make.interval_imd(one, values, start=at(first * HOUR), seconds=HOUR, **fields)

    def missing(self, one: MeasuringComponent, **changes: Any) -> tuple[str, ...]:
        [found] = history().siblings_without_imd(batch(one, **changes))
        return tuple(found)

    def test_the_other_components_of_the_device_are_its_siblings(self) -> None:
        a, b, c = self._device("A", "B", "C")
        stranger = hours()

        assert history().siblings(batch(a, c, stranger)) == [(b.pk, c.pk), (a.pk, b.pk), ()]
        assert self.missing(a) == ("B", "C")
        assert self.missing(stranger) == ()

    def test_an_imd_that_covers_the_period_counts_and_a_shorter_one_does_not(self) -> None:
        a, b, c, d = self._device("A", "B", "C", "D")
        self._imd(b, 0, 4)
        self._imd(c, -1, 5)
        self._imd(d, 1, 4)

        assert self.missing(a) == ("D",)

    def test_several_imds_may_cover_it_together(self) -> None:
        a, b, c = self._device("A", "B", "C")
        for first, last in ((0, 2), (2, 4)):
            self._imd(b, first, last)
        for first, last in ((0, 1), (2, 4)):
            self._imd(c, first, last)

        assert self.missing(a) == ("C",)

    def test_a_discarded_imd_is_none(self) -> None:
        a, b = self._device("A", "B")
        self._imd(b, 0, 4, state="DISCARDED")

        assert self.missing(a) == ("B",)

    def test_a_registers_read_at_the_end_is_one_and_an_earlier_one_is_not(self) -> None:
        a, b, c = self._device("A", "B", "C", component_kind="SCALAR", seconds_per_interval=None)
        make.register_imd(b, "5", at=at(4 * HOUR), start=at(4 * HOUR))
        make.register_imd(c, "5", at=at(3 * HOUR), start=at(3 * HOUR))

        assert self.missing(a) == ("C",)
        assert self.missing(a, start=START + 4 * HOUR, length=1, end=START + 4 * HOUR) == ("C",)

    def test_the_number_of_queries_does_not_grow(self) -> None:
        few, many = self._device("A", "B"), self._device(*"KLMNOPQRST")

        assert queries_of(lambda: history().siblings_without_imd(batch(*few))) == 2
        assert queries_of(lambda: history().siblings_without_imd(batch(*many))) == 2


class TestDuplicates:
    def _imd(self, one: MeasuringComponent, values: list[str | None], **fields: Any) -> InitialMeasurement:
        return make.interval_imd(one, values, seconds=HOUR, **{"state": "COMPLETE", **fields})

    def found(self, one: MeasuringComponent, imd: InitialMeasurement, **changes: Any) -> int:
        [other] = history().duplicates(batch(one, imd_id=imd.pk, **changes))
        return int(other)

    def test_is_a_complete_imd_of_the_same_contents(self) -> None:
        one = hours()
        first = self._imd(one, ["1", None, "3", "4"])
        again = self._imd(one, ["1", None, "3", "4"], state="VEE_READY")

        assert self.found(one, again) == first.pk
        assert self.found(one, first) == 0

    @pytest.mark.parametrize(
        "change",
        [
            {"values": ["1", None, "3", "5"]},
            {"values": ["1", "2", "3", "4"]},
            {"conditions": [REGULAR, 201_000, REGULAR, 301_000]},
            {"state": "EXCEPTION"},
            {"kind": ImdKind.MANUAL},
            {"start": at(HOUR)},
        ],
    )
    def test_anything_else_is_none(self, change: dict[str, Any]) -> None:
        one = hours()
        values: list[str | None] = ["1", None, "3", "4"]
        self._imd(one, **{"values": values, **change})
        again = self._imd(one, values, state="VEE_READY")

        assert self.found(one, again) == 0

    def test_one_of_another_component_or_interval_size_is_none(self) -> None:
        one, other = hours(), hours()
        self._imd(other, ["1", "2", "3", "4"])
        make.interval_imd(one, ["1", "2", "3", "4"], seconds=1800, start=at(2 * HOUR), state="COMPLETE")
        again = self._imd(one, ["1", "2", "3", "4"], state="VEE_READY")

        assert self.found(one, again) == 0

    def test_the_same_numbers_at_another_scale_are_the_same(self) -> None:
        one = hours()
        first = self._imd(one, ["1.5", None, "3", "4"], scale=3)
        again = self._imd(one, ["1.5", None, "3", "4"], scale=6, state="VEE_READY")
        differs = self._imd(one, ["1.500001", None, "3", "4"], scale=6, state="VEE_READY")

        assert self.found(one, again) == first.pk
        assert self.found(one, differs) == 0

    def test_registers_are_compared_by_their_readings(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type())
        first = make.register_imd(one, "5.10", at=at(0), state="COMPLETE")
        again, differs = make.register_imd(one, "5.1", at=at(0)), make.register_imd(one, "5.2", at=at(0))
        of_register = {"seconds_per_interval": None, "end": START}

        assert self.found(one, again, **of_register) == first.pk
        assert self.found(one, differs, **of_register) == 0

    def test_the_number_of_queries_does_not_grow(self) -> None:
        components = [hours() for _ in range(8)]
        for one in components:
            self._imd(one, ["1"] * 4)

        few, many = batch(*components[:2]), batch(*components)
        assert queries_of(lambda: history().duplicates(few)) == queries_of(lambda: history().duplicates(many)) <= 2


class TestOutages:
    def test_are_those_that_overlap_the_period_of_the_imd(self) -> None:
        one, other = hours(), hours()
        for start, end in ((-9, -3), (-3, 0), (-1, 1), (2, 3), (4, 5)):
            Outage.objects.create(service_point=one.service_point, start=at(start * HOUR), end=at(end * HOUR))
        Outage.objects.create(service_point=other.service_point, start=at(3 * HOUR))

        found = history().outages(batch(one, other))

        assert found == [
            (Period(START - HOUR, START + HOUR), Period(START + 2 * HOUR, START + 3 * HOUR)),
            (Period(START + 3 * HOUR, FOREVER),),
        ]

    def test_each_imd_has_its_own_period_and_a_place(self) -> None:
        one = hours()
        Outage.objects.create(service_point=one.service_point, start=at(0), end=at(HOUR))
        homeless = make.MeasuringComponentFactory(type=one.type, service_point=None)
        given = batch(one, one, homeless, length=1)
        given.starts = np.array([START, START + HOUR, START], dtype=np.int64)
        given.facts = [
            ImdFacts(**{name: getattr(facts, name) for name in facts.__slots__} | {"end": int(start) + HOUR})
            for facts, start in zip(given.facts, given.starts, strict=True)
        ]

        assert [bool(periods) for periods in history().outages(given)] == [True, False, False]
        assert queries_of(lambda: history().outages(given)) == 1


class TestInstallations:
    def test_overlap_the_period_in_the_order_of_their_start(self) -> None:
        device = Device.objects.create(identifier="D")
        one = make.MeasuringComponentFactory(type=hours().type, device=device)
        place = one.service_point

        def install(start: int, end: int | None, multiplier: str = "1") -> InstallEvent:
            return InstallEvent.objects.create(
                device=device,
                service_point=place,
                installed_at=at(start * HOUR),
                removed_at=None if end is None else at(end * HOUR),
                multiplier=Decimal(multiplier),
            )

        last = install(3, None, "40")
        install(-9, 0)
        first = install(0, 2)
        install(4, 5)
        OffPeriod.objects.create(install_event=last, start=at(5 * HOUR))
        OffPeriod.objects.create(install_event=last, start=at(3 * HOUR), end=at(4 * HOUR))

        [found, homeless] = history().installations(batch(one, hours()))

        assert found == (
            Installation(Period(START, START + 2 * HOUR)),
            Installation(
                Period(START + 3 * HOUR, FOREVER),
                Decimal(40),
                (Period(START + 3 * HOUR, START + 4 * HOUR), Period(START + 5 * HOUR, FOREVER)),
            ),
        )
        assert homeless == ()
        assert first.removed_at == at(2 * HOUR)
        assert queries_of(lambda: history().installations(batch(*[one] * 30))) == 2


class TestUsageSubscriptions:
    def test_are_of_the_service_point(self) -> None:
        one, other = hours(), hours()
        homeless = make.MeasuringComponentFactory(type=one.type, service_point=None)
        for number in range(2):
            UsageSubscription.objects.create(
                identifier=f"US-{number}", service_point=one.service_point, recipient="BILLING"
            )

        found = history().has_usage_subscription(batch(one, other, homeless))

        assert found.tolist() == [True, False, False]
        assert queries_of(lambda: history().has_usage_subscription(batch(one, other))) == 1


class TestHolidays:
    def test_are_those_of_the_service_points_calendar(self) -> None:
        dates = {"DE": [dt.date(2024, 5, 1), dt.date(2024, 10, 3)], "US": [dt.date(2024, 7, 4)]}
        for calendar, days in dates.items():
            for date in days:
                Holiday.objects.create(calendar=calendar, date=date)
        places = [make.ServicePointFactory(holiday_calendar=calendar) for calendar in ("DE", "US", "", "FR")]
        components = [make.MeasuringComponentFactory(type=hours().type, service_point=place) for place in places]

        found = history().holidays(batch(*components))

        assert found == [
            frozenset(date.toordinal() for date in dates["DE"]),
            frozenset(date.toordinal() for date in dates["US"]),
            frozenset(),
            frozenset(),
        ]
        assert queries_of(lambda: history().holidays(batch(*components))) == 2


class HistoryValueByValue(MeasurementHistory):
    """The history that adds up no days."""

    def day_sums(self, windows: Windows) -> DaySums:
        """Know nothing."""
        return DaySums.unknown(len(windows.component_ids))


OUTAGE = int(Condition.NO_READ_OUTAGE)
LARGE = 2**56
SPECIAL_DAYS: dict[str, dict[str, Any]] = {
    "nothing special": {"values": [5] * 24},
    "a value is missing": {"values": [5] * 23 + [NO_VALUE]},
    "all values are missing": {"values": [NO_VALUE] * 24},
    "hours that nobody delivered": {"values": [5] * 7},
    "hours of an outage": {"values": [5] * 22 + [NO_VALUE] * 2, "conditions": [REGULAR] * 22 + [OUTAGE] * 2},
    "a value with a condition that says missing": {
        "values": [5] * 24, "conditions": [REGULAR] * 23 + [int(Condition.MISSING)],
    },
    "estimated hours": {"values": [5] * 24, "conditions": [REGULAR] * 20 + [301_000] * 4},
    "better than regular": {"values": [5] * 24, "conditions": [901_000] * 24},
    "edited hours": {"values": [5] * 24, "edited": [True] * 3 + [False] * 21},
    "negative hours": {"values": [-5] * 20 + [NO_VALUE] * 4},
    "a sum that hardly fits": {"values": [LARGE] * 23 + [NO_VALUE]},
    "a day that lies across the others": {"values": [5] * 24, "start": START - ONE_DAY + HOUR, "offset": -HOUR},
    "a day that reaches in": {"values": [5] * 24, "start": START - 4 * ONE_DAY - HOUR, "offset": HOUR},
}  # fmt: skip


class TestDaySums:
    @pytest.mark.parametrize("special", SPECIAL_DAYS.values(), ids=SPECIAL_DAYS)
    def test_days_add_up_to_what_their_values_add_up_to(self, special: dict[str, Any]) -> None:
        """Two components: of one a day is special, of the other none."""
        one, other = hours(), hours()
        for component in (one, other):
            store(component, [1000 + hour for hour in range(48)], start=START - 3 * ONE_DAY)
        store(other, [7] * 24, start=START - ONE_DAY)
        store(one, **{"start": START - ONE_DAY, **special})
        imds = batch(one, other)
        asked = (imds.starts - 4 * ONE_DAY, imds.starts)
        offsets = {one.pk: 0, other.pk: 0}

        by_day = daily_usage.history(imds, MeasurementHistory(standard_offsets=offsets), *asked, with_peaks=False)
        by_value = daily_usage.history(imds, HistoryValueByValue(standard_offsets=offsets), *asked, with_peaks=False)

        assert daily_usage.qualities(by_day) == daily_usage.qualities(by_value)
        assert [usage.amount for usage in by_day] == [usage.amount for usage in by_value]

    def test_windows_with_a_special_day_are_known(self) -> None:
        one = hours()
        store(one, [5] * 24, start=START - 2 * ONE_DAY)
        store(one, [5] * 20 + [NO_VALUE] * 4, start=START - ONE_DAY)

        found = MeasurementHistory(standard_offsets={one.pk: 0}).day_sums(
            windows((one, START - 2 * ONE_DAY), length=48)
        )

        assert found.known.tolist() == [True]
        assert found.counts.tolist() == [220]
        assert found.intervals.tolist() == [[44], [0], [0], [0]]

    def test_days_of_another_scale_are_not_added_up(self) -> None:
        one = hours()
        store(one, [5] * 24, start=START - ONE_DAY, scale=2)

        found = MeasurementHistory(standard_offsets={one.pk: 0}).day_sums(windows((one, START - ONE_DAY), length=24))

        assert found.known.tolist() == [False]
