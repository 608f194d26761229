"""The page of one reading: times of its place, a reason that is typed once, and the usage that it corrected."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from integration.operations import setup
from tests.factories import days
from tests.factories import usage as make_usage
from tests.factories import vee as make
from vee import models, usage_queries
from vee.operations import edits, manual


pytestmark = pytest.mark.django_db
FLAT: list[str | None] = ["0.25"] * 96


@pytest.fixture
def admin(client: Client) -> Client:
    setup.setup(at=days.AT, username="admin", password="a-long-password-1")
    client.force_login(User.objects.get(username="admin"))
    return client


def address(imd: models.InitialMeasurement, name: str = "change", *more: Any) -> str:
    return reverse(f"admin:vee_initialmeasurement_{name}", args=[imd.pk, *more])


def flagged() -> models.InitialMeasurement:
    """A day of New York with a spike: it begins at midnight there, which is five o'clock in UTC."""
    values: list[Decimal | None] = days.a_day()
    values[days.SPIKED] = Decimal("9.99")
    days.register("MC-1")
    return models.InitialMeasurement.objects.get(pk=days.receive("MC-1", values))


class TestTimes:
    def test_title_message_and_question_tell_the_time_of_the_page(self, admin: Client) -> None:
        imd = flagged()
        local = f"{days.START.astimezone(zoneinfo.ZoneInfo('America/New_York')):%Y-%m-%d %H:%M}"
        assert local != f"{imd.start:%Y-%m-%d %H:%M}"

        assert admin.get(address(imd)).context["title"] == f"MC-1 {local}"
        asked = admin.get(address(imd, "act", "perform-vee")).content.decode()
        assert f"<td>{local}</td>" in asked
        assert "Time zone: America/New_York" in asked
        form = {f"value-{days.SPIKED}": "0.3", "reason": "spike", "perform": "1"}
        saved = admin.post(address(imd, "edit"), form, follow=True)

        said = [str(message) for message in saved.context["messages"]]
        assert said[-1] == f"MC-1 {local} · Perform VEE: the state is now Complete."

    def test_results_of_many_tell_the_time_of_their_list(self, admin: Client) -> None:
        imd = flagged()
        form = {"action": "discard", "confirmed": "1", "reason": "test meter", "_selected_action": [imd.pk]}

        answer = admin.post(reverse("admin:vee_initialmeasurement_changelist"), form)

        assert [row["name"] for row in answer.context["rows"]] == [f"MC-1 {imd.start:%Y-%m-%d %H:%M}"]


class TestReasonGiven:
    def draft(self) -> models.InitialMeasurement:
        one = make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(seconds_per_interval=3600))
        return manual.start_draft(
            component_id=one.pk,
            start=make.DAY,
            end=make.DAY + dt.timedelta(hours=4),
            by=User.objects.get(username="admin"),
            reason="read on site",
            at=make.AT,
        )

    def test_of_a_draft_stands_in_the_values_and_in_the_question(self, admin: Client) -> None:
        imd = self.draft()

        for place in (address(imd), address(imd, "act", "perform-vee")):
            assert ">read on site</textarea>" in admin.get(place).content.decode()

    def test_the_last_edit_counts_until_vee_is_performed(self, admin: Client) -> None:
        imd = flagged()
        who = User.objects.get(username="admin")
        assert 'rows="1"></textarea>' in admin.get(address(imd)).content.decode()
        edits.edit_values(imd_id=imd.pk, by=who, reason="meter was exchanged", values={3: Decimal(1)}, at=days.AT)

        asked = admin.get(address(imd, "act", "perform-vee")).content.decode()
        assert ">meter was exchanged</textarea>" in asked
        admin.post(address(imd, "act", "perform-vee"), {"reason": "meter was exchanged"})

        imd.refresh_from_db()
        assert imd.state == "EXCEPTION"
        assert "meter was exchanged</textarea>" not in admin.get(address(imd)).content.decode()

    def test_of_somebody_else_is_left_to_them(self, admin: Client) -> None:
        imd = self.draft()
        User.objects.create_superuser("ben", password="a-long-password-1")
        admin.force_login(User.objects.get(username="ben"))

        assert "read on site</textarea>" not in admin.get(address(imd)).content.decode()


class TestCorrectedUsage:
    def corrected(self) -> tuple[models.UsageTransaction, models.InitialMeasurement]:
        component = make.MeasuringComponentFactory(identifier="MC-1")
        make_usage.measured(component, FLAT)
        row = make_usage.transaction(make_usage.subscription(component))
        models.UsageTransaction.objects.filter(pk=row.pk).update(status="SENT")
        return row, make_usage.measured(component, ["0.5", *FLAT[1:]])

    def test_the_reading_leads_to_the_usage_that_it_corrected(self, admin: Client) -> None:
        row, imd = self.corrected()

        html = admin.get(address(imd)).content.decode()

        assert 'id="corrections"' in html
        assert f"{reverse('admin:vee_usagetransaction_change', args=[row.pk])}#correction" in html
        assert ">UT-1</a>" in html

    def test_one_that_corrected_nothing_does_not_say_so(self, admin: Client) -> None:
        self.corrected()
        first = models.InitialMeasurement.objects.order_by("pk").first()

        assert first is not None
        assert 'id="corrections"' not in admin.get(address(first)).content.decode()

    def test_is_not_told_to_those_who_may_not_see_usage(self, client: Client) -> None:
        row, imd = self.corrected()
        user = make.person("ina", "vee.view_initialmeasurement")
        User.objects.filter(pk=user.pk).update(is_staff=True)
        client.force_login(User.objects.get(pk=user.pk))

        html = client.get(address(imd)).content.decode()

        assert row.identifier not in html

    def test_costs_one_query(self, django_assert_num_queries: Any) -> None:
        row, imd = self.corrected()

        with django_assert_num_queries(1):
            found = usage_queries.corrections_by(imd=imd)
            assert [one.transaction.usage_subscription.recipient for one in found] == ["CIS"]
        assert [one.transaction_id for one in found] == [row.pk]
