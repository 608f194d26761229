from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import vee as make
from vee import events, queries
from vee.models import MeasuringComponent, RegisterMark, RegisterMeasurement, RegisterMeasurementHistory
from vee.operations import actions, processing, register_marks
from vee.storage import Change


pytestmark = pytest.mark.django_db
DAY = make.DAY
ONE_DAY = dt.timedelta(days=1)


@pytest.fixture
def register() -> MeasuringComponent:
    one = make.MeasuringComponentFactory(type=make.register_type(), multiplier=Decimal(2))
    for day, reading in enumerate(("100", "180", "110")):
        make.register_imd(one, reading, at=DAY + day * ONE_DAY)
        processing.process_due(at=make.AT)
        if day == 1:
            register_marks.mark_read(
                measurement_id=read(day).pk, do_not_use=True, by=clerk(), reason="misread", at=make.AT
            )
    return one


def clerk() -> User:
    known = User.objects.filter(username="ann").first()
    return known or make.person("ann", "vee.mark_register_measurement")


def read(day: int) -> RegisterMeasurement:
    return RegisterMeasurement.objects.get(read_at=DAY + day * ONE_DAY)


def figures() -> list[Any]:
    return list(RegisterMeasurement.objects.order_by("read_at").values_list("consumption", flat=True))


class TestMarkRead:
    def test_an_unusable_read_stays_without_consumption_and_is_no_base(self, register: MeasuringComponent) -> None:
        assert figures() == [None, None, Decimal(20)]
        rows = list(queries.measurements(component=register, start=DAY, end=DAY + 3 * ONE_DAY))
        assert [(row.reading, row.value) for row in rows] == [(Decimal(180), None), (Decimal(110), Decimal(20))]

    def test_it_says_who_when_and_why_and_keeps_what_was_there(self, register: MeasuringComponent) -> None:
        mark = RegisterMark.objects.get()
        assert (mark.register_measurement, mark.do_not_use, mark.by, mark.reason, mark.at) == (
            read(1), True, clerk(), "misread", make.AT,
        )  # fmt: skip
        was = RegisterMeasurementHistory.objects.get()
        assert (was.read_at, was.consumption, was.multiplier, was.do_not_use, was.replaced_by_imd_id) == (
            DAY + ONE_DAY, Decimal(160), Decimal(2), False, None,
        )  # fmt: skip

    def test_the_next_read_is_counted_from_the_one_before(
        self, register: MeasuringComponent, django_capture_on_commit_callbacks: Any
    ) -> None:
        make.register_imd(register, "130", at=DAY + 3 * ONE_DAY)
        processing.process_due(at=make.AT)
        heard: list[Any] = []
        receiver = lambda **said: heard.extend(said["changes"])  # noqa: E731  a signal keeps weak references: it needs a name
        events.measurements_changed.connect(receiver)

        with django_capture_on_commit_callbacks(execute=True):
            register_marks.mark_read(
                measurement_id=read(2).pk, do_not_use=True, by=clerk(), reason="wrong meter", at=make.AT
            )

        events.measurements_changed.disconnect(receiver)
        assert figures() == [None, None, None, Decimal(60)]
        assert heard == [Change(register.pk, DAY + 2 * ONE_DAY, DAY + 3 * ONE_DAY)]

    def test_a_read_that_is_usable_again_counts_again(self, register: MeasuringComponent) -> None:
        register_marks.mark_read(measurement_id=read(2).pk, do_not_use=True, by=clerk(), reason="no", at=make.AT)

        register_marks.mark_read(measurement_id=read(2).pk, do_not_use=False, by=clerk(), reason="yes", at=make.AT)

        assert figures() == [None, None, Decimal(20)]
        assert read(2).version == 3

    def test_the_same_reading_once_more_does_not_make_it_usable_and_another_one_does(
        self, register: MeasuringComponent
    ) -> None:
        make.register_imd(register, "180", at=DAY + ONE_DAY)
        processing.process_due(at=make.AT)
        # As a usable read it would be higher than the next one, and a person has to look at it.
        assert (read(1).do_not_use, figures()) == (True, [None, None, Decimal(20)])

        make.register_imd(register, "108", at=DAY + ONE_DAY)
        processing.process_due(at=make.AT)

        assert (read(1).do_not_use, figures()) == (False, [None, Decimal(16), Decimal(4)])

    def test_it_is_refused_without_a_right_a_reason_or_a_change(self, register: MeasuringComponent) -> None:
        def mark(**given: Any) -> None:
            whole = {"measurement_id": read(1).pk, "do_not_use": True, "by": clerk(), "reason": "x", "at": make.AT}
            register_marks.mark_read(**{**whole, **given})

        with pytest.raises(actions.NotPermitted):
            mark(by=make.person("bob"))
        with pytest.raises(actions.ReasonMissing):
            mark(reason=" ")
        with pytest.raises(register_marks.AlreadyMarked):
            mark()
        with pytest.raises(register_marks.ReadNotFound):
            mark(measurement_id=-1)
        assert RegisterMark.objects.count() == 1


class TestAdmin:
    def test_reads_are_marked_with_a_reason(self, register: MeasuringComponent, client: Client) -> None:
        rights = ("view_registermeasurement", "view_registermark", "mark_register_measurement")
        user = make.person("eve", *(f"vee.{right}" for right in rights))
        user.is_staff = True
        user.save()
        client.force_login(user)
        address = "/admin/vee/registermeasurement/"
        chosen = {"action": "mark_unusable", "_selected_action": [read(0).pk, read(1).pk]}

        page = client.post(address, chosen)
        assert "180" in page.content.decode()
        assert not read(0).do_not_use
        answer = client.post(address, {**chosen, "confirmed": "1", "reason": "wrong meter"}, follow=True)

        assert "1 read marked." in answer.content.decode()
        assert "is not usable already" in answer.content.decode()
        assert read(0).do_not_use
        assert figures() == [None, None, None]
        shown = client.get(f"{address}{read(0).pk}/change/").content.decode()
        assert "wrong meter" in shown
