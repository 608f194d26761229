"""The page of a component's measurements shows a whole week, with what was not measured."""

from __future__ import annotations

import datetime as dt
import itertools
import json
import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integration.operations import setup
from tests.factories import days
from vee.admin.measurement_weeks import whole
from vee.codes import Condition
from vee.models import MeasuringComponent, MeasuringComponentType
from vee.queries import Measurement


pytestmark = pytest.mark.django_db
QUARTER = dt.timedelta(minutes=15)
END = dt.datetime(2026, 1, 6, 5, tzinfo=dt.UTC)


def component(seconds: int | None = 900) -> MeasuringComponent:
    return MeasuringComponent(type=MeasuringComponentType(seconds_per_interval=seconds))


def measured(at: dt.datetime) -> Measurement:
    return Measurement(at, Decimal("0.5"), Condition.REGULAR, user_edited=False)


def test_the_page_of_a_week_with_one_day_says_how_much_is_without_a_value(client: Client) -> None:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")
    days.register("MC-1")
    days.receive("MC-1", days.a_day())
    client.force_login(User.objects.get(username="admin"))

    page = client.get(f"/admin/vee/measuringcomponent/{MeasuringComponent.objects.get().pk}/measurements/")

    facts = dict(re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page.content.decode()))
    assert (facts["Values"], facts["Without a value"]) == ("96", "576")
    chart = page.context["chart"]
    assert len(chart["ends"]) == len(chart["post"]) == 672
    assert chart["post"][:576] == [None] * 576
    assert json.dumps(chart["qualities"][0]) == json.dumps(chart["qualities"][575])


@pytest.mark.parametrize("off", [dt.timedelta(), dt.timedelta(minutes=7), -dt.timedelta(minutes=7)])
def test_every_interval_of_the_week_is_there_once_on_the_grid_of_the_measurements(off: dt.timedelta) -> None:
    rows = [measured(END - 300 * QUARTER), measured(END - 7 * QUARTER)]
    start, end = END - dt.timedelta(days=7) + off, END + off

    week = whole(rows, component=component(), start=start, end=end)

    ends = [row.end for row in week]
    assert len(ends) == 672
    assert all(later - earlier == QUARTER for earlier, later in itertools.pairwise(ends))
    assert start < ends[0] <= start + QUARTER
    assert end - QUARTER < ends[-1] <= end
    assert [row for row in week if row.value is not None] == rows
    assert {row.condition for row in week if row.value is None} == {Condition.MISSING}


def test_registers_and_empty_weeks_stay_as_they_are() -> None:
    start = END - dt.timedelta(days=7)

    assert whole([], component=component(), start=start, end=END) == []
    rows = [measured(END - dt.timedelta(days=2)), measured(END)]
    assert whole(rows, component=component(None), start=start, end=END) == rows
