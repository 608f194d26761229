"""The summaries behind the trends, and the marks of silent meters."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pytest
from django.utils import timezone

from integration.operations import setup
from tests.factories import days
from tests.factories import vee as make
from vee import work_queries
from vee.models import (
    DailyCount,
    DirectLoad,
    ImdTransition,
    InitialMeasurement,
    InstallEvent,
    MeasuringComponentProgress,
    ReadingFile,
    ToDo,
)
from vee.operations import daily_counts, staleness


pytestmark = pytest.mark.django_db
AT = dt.datetime(2026, 3, 10, 12, tzinfo=dt.UTC)
TODAY = AT.date()


@pytest.fixture(autouse=True)
def product() -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")


def with_todo(name: str) -> InitialMeasurement:
    values: list[Decimal | None] = days.a_day()
    values[days.SPIKED] = Decimal("9.99")
    days.register(name)
    return InitialMeasurement.objects.get(pk=days.receive(name, values))


def counted(kind: str) -> dict[dt.date, int]:
    return dict(DailyCount.objects.filter(kind=kind, number__gt=0).values_list("day", "number"))


class TestCountDays:
    def test_each_transition_is_counted_once_a_round_after_it_was_written(self) -> None:
        imd = with_todo("MC-1")
        ImdTransition.objects.all().delete()
        for hours, state in ((0, "EXCEPTION"), (1, "COMPLETE"), (-24, "COMPLETE"), (2, "VEE_READY")):
            ImdTransition.objects.create(imd=imd, to_state=state, at=AT + dt.timedelta(hours=hours))

        first = daily_counts.count_days(at=AT)
        second = daily_counts.count_days(at=AT)
        third = daily_counts.count_days(at=AT)

        assert (first, third) == (0, 0)
        assert second >= 4
        assert counted("COMPLETE") == {TODAY: 1, TODAY - dt.timedelta(days=1): 1}
        assert counted("EXCEPTION") == {TODAY: 1}

    def test_what_is_written_later_is_added(self) -> None:
        imd = with_todo("MC-1")
        ImdTransition.objects.all().delete()
        for _round in range(3):
            ImdTransition.objects.create(imd=imd, to_state="COMPLETE", at=AT)
            daily_counts.count_days(at=AT)
        daily_counts.count_days(at=AT)

        assert counted("COMPLETE") == {TODAY: 3}

    def test_much_evidence_is_caught_up_with_by_and_by(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(daily_counts, "TRANSITIONS_AT_ONCE", 2)
        imd = with_todo("MC-1")
        ImdTransition.objects.all().delete()
        for _number in range(5):
            ImdTransition.objects.create(imd=imd, to_state="COMPLETE", at=AT)
        daily_counts.count_days(at=AT)
        while daily_counts.count_days(at=AT, rounds=1):
            pass

        assert counted("COMPLETE") == {TODAY: 5}

    def test_readings_that_became_measurements_directly_are_complete(self) -> None:
        file = ReadingFile.objects.create(name="a", format="nem12", size=1, sha256="0", created_at=AT)
        numbers = np.array([7, 8, 11], dtype=np.int64)
        DirectLoad.objects.create(
            file=file, first_imd_id=7, last_imd_id=11, imd_ids=numbers, lines=numbers, at=AT, details={}
        )
        daily_counts.count_days(at=AT)
        daily_counts.count_days(at=AT)

        assert counted("COMPLETE") == {TODAY: 3}

    def test_to_dos_are_counted_by_the_days_on_which_they_came_and_went(self) -> None:
        for name, opened, closed in (("A", 0, None), ("B", 2, 1), ("C", 20, 0), ("D", 40, None)):
            imd = with_todo(name)
            ToDo.objects.filter(imd=imd).update(
                created_at=AT - dt.timedelta(days=opened),
                completed_at=None if closed is None else AT - dt.timedelta(days=closed),
            )
        daily_counts.count_days(at=AT)
        ToDo.objects.filter(imd__component_identifier="A").update(completed_at=AT)
        daily_counts.count_days(at=AT)

        ago = [TODAY - dt.timedelta(days=number) for number in range(30)]
        assert counted("TODO_OPENED") == {ago[0]: 1, ago[2]: 1, ago[20]: 1}
        assert counted("TODO_CLOSED") == {ago[0]: 2, ago[1]: 1}


class TestMarkStale:
    def _component(self, name: str, *, age: dt.timedelta, **of_type: object) -> MeasuringComponentProgress:
        kind = make.MeasuringComponentTypeFactory(identifier=f"T-{name}", **of_type)
        component = make.MeasuringComponentFactory(identifier=name, type=kind)
        return MeasuringComponentProgress.objects.create(measuring_component=component, most_recent_actual_at=AT - age)

    def test_it_depends_on_the_type_how_long_readings_may_stay_away(self) -> None:
        hour, day = dt.timedelta(hours=1), dt.timedelta(days=1)
        scalar = {"component_kind": "SCALAR", "seconds_per_interval": None}
        self._component("FRESH", age=47 * hour)
        self._component("SILENT", age=49 * hour)
        self._component("REGISTER", age=34 * day, **scalar)
        self._component("LATE-REGISTER", age=36 * day, **scalar)
        self._component("OWN-WORD", age=7 * hour, estimate_gaps_after_hours=6)

        assert staleness.mark_stale(at=AT) == (3, 0)
        assert staleness.mark_stale(at=AT) == (0, 0)
        names = set(work_queries.stale_components().values_list("identifier", flat=True))
        assert names == {"SILENT", "LATE-REGISTER", "OWN-WORD"}

    def test_the_mark_goes_when_readings_come_again(self) -> None:
        row = self._component("SILENT", age=dt.timedelta(days=9))
        staleness.mark_stale(at=AT)
        MeasuringComponentProgress.objects.filter(pk=row.pk).update(most_recent_actual_at=AT)

        assert staleness.mark_stale(at=AT + dt.timedelta(minutes=15)) == (0, 1)
        assert not work_queries.stale_components().exists()

    def test_nobody_expects_readings_of_a_meter_that_was_taken_away(self) -> None:
        row = self._component("GONE", age=dt.timedelta(days=9))
        device = make.DeviceFactory()
        type(row.measuring_component).objects.filter(pk=row.pk).update(device=device)
        event = InstallEvent.objects.create(
            device=device,
            service_point=make.ServicePointFactory(),
            installed_at=AT - dt.timedelta(days=99),
            removed_at=AT - dt.timedelta(days=9),
        )

        assert staleness.mark_stale(at=AT) == (0, 0)
        InstallEvent.objects.filter(pk=event.pk).update(removed_at=None)
        assert staleness.mark_stale(at=timezone.now()) == (1, 0)
