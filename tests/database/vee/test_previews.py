"""The preview of Perform VEE: what would come of values, with nothing written."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from tests.factories import vee as make
from vee.codes import Condition
from vee.models import InitialMeasurement
from vee.operations import actions, previews, processing
from vee.operations.edits import ValueNotUsable


pytestmark = pytest.mark.django_db
REGULAR, MISSING = int(Condition.REGULAR), int(Condition.MISSING)


def spiky() -> InitialMeasurement:
    """An IMD with a spike at 40 and an hour that interpolation fills, in EXCEPTION."""
    group = make.vee_group(
        "G",
        {"rule": "interval_interpolation_estimation"},
        {"rule": "interval_spike_check", "parameters": {"tolerance": 1.8}, "exception_type": "SPIKE"},
    )
    one = make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(initial_load_group=group))
    imd = make.interval_imd(one, ["1"] * 10 + [None] * 4 + ["1"] * 26 + ["9"] + ["1"] * 55)
    processing.process_due(at=make.AT)
    found = InitialMeasurement.objects.get(pk=imd.pk)
    assert found.state == "EXCEPTION"
    return found


def everything() -> dict[str, Any]:
    """All rows of all tables of meter data and of the audit trail, as the database gives them."""
    tables = [model._meta.db_table for app in ("vee", "foundation") for model in apps.get_app_config(app).get_models()]
    with connection.cursor() as cursor:
        rows = {}
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            rows[table] = sorted(map(repr, cursor.fetchall()))
    return rows


class TestPreview:
    def test_it_tells_what_perform_vee_then_does_and_writes_nothing(self) -> None:
        imd, ann = spiky(), make.analyst()
        before = everything()

        found = previews.preview(imd_id=imd.pk, by=ann, values={40: Decimal("1.25"), 41: None})

        assert everything() == before
        assert (found.state, found.findings) == ("COMPLETE", ())
        assert (found.values[40].value, found.values[40].rule) == (Decimal("1.25"), "edited")
        assert (found.values[10].value, found.values[10].rule) == (Decimal(1), "interval_interpolation_estimation")
        assert found.values[0] == previews.PreviewedValue(Decimal(1), REGULAR, None)
        assert [entry["rule"] for entry in found.log["run"]] == [
            "interval_interpolation_estimation",
            "interval_spike_check",
        ]

    def test_what_rules_would_find_comes_with_its_numbers(self) -> None:
        imd = spiky()

        found = previews.preview(imd_id=imd.pk, by=make.analyst(), values={40: Decimal(5)})

        (finding,) = found.findings
        assert found.state == "EXCEPTION"
        assert (finding.exception_type, finding.first_interval) == ("SPIKE", 40)
        assert finding.observed
        assert finding.limit

    def test_without_changes_it_tells_what_stands(self) -> None:
        imd = spiky()

        assert previews.preview(imd_id=imd.pk, by=make.analyst(), values={}).state == "EXCEPTION"

    def test_what_cannot_be_prepared_would_go_to_error(self) -> None:
        imd = make.interval_imd("NOBODY", ["1"] * 4, state="ERROR")

        found = previews.preview(imd_id=imd.pk, by=make.analyst(), values={})

        assert (found.state, found.reason) == ("ERROR", "There is no measuring component NOBODY.")

    def test_a_register_shows_its_reading(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type(dials=5))
        first = make.register_imd(one, "100", at=make.DAY)
        second = make.register_imd(one, "90", at=make.DAY + dt.timedelta(days=1), state="EXCEPTION")
        processing.process_claimed(imd_ids=[first.pk], at=make.AT)

        found = previews.preview(imd_id=second.pk, by=make.analyst(), values={0: Decimal(140)})

        assert [each.value for each in found.values] == [Decimal(140)]

    def test_it_needs_the_right_to_perform_vee(self) -> None:
        imd = spiky()

        with pytest.raises(actions.NotPermitted):
            previews.preview(imd_id=imd.pk, by=make.person("eve", "vee.edit_imd"), values={})

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({96: Decimal(1)}, "There is no interval 96"),
            ({3: Decimal("0.12345678")}, "Interval 3"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused(self, values: dict[int, Decimal | None], message: str) -> None:
        imd = spiky()

        with pytest.raises(ValueNotUsable, match=message):
            previews.preview(imd_id=imd.pk, by=make.analyst(), values=values)

    def test_an_imd_that_is_done_or_unknown_has_none(self) -> None:
        imd = spiky()
        actions.discard(imd_id=imd.pk, by=make.analyst(), reason="test", at=make.AT)

        with pytest.raises(actions.StateDoesNotAllow):
            previews.preview(imd_id=imd.pk, by=User.objects.get(), values={})
        with pytest.raises(actions.ImdNotFound):
            previews.preview(imd_id=999, by=User.objects.get(), values={})


class TestPage:
    @pytest.fixture
    def admin(self, client: Client) -> Client:
        client.force_login(User.objects.create_superuser("root"))
        return client

    def ask(self, client: Client, imd: InitialMeasurement, **values: str) -> Any:
        return client.post(f"/admin/vee/initialmeasurement/{imd.pk}/preview/", values)

    def test_it_shows_what_would_differ(self, admin: Client) -> None:
        imd = spiky()

        page = self.ask(admin, imd, **{"value-40": "1.25"})

        (row,) = page.context["changed"]
        assert (row["number"], row["now"], row["then"], row["rule"]) == (41, "9", "1.25", "a person")
        assert (page.context["total_now"], page.context["total_then"]) == ("104", "96.25")
        assert "nothing was saved" in page.content.decode()

    @pytest.mark.parametrize("text", ["many", "0.12345678"])
    def test_a_refusal_counts_as_the_page_does(self, admin: Client, text: str) -> None:
        answer = self.ask(admin, spiky(), **{"value-3": text})

        assert answer.status_code == 400
        assert "nterval 4" in answer.content.decode()

    def test_it_is_asked_for_by_post_by_those_who_may(self, admin: Client, client: Client) -> None:
        imd = spiky()

        assert admin.get(f"/admin/vee/initialmeasurement/{imd.pk}/preview/").status_code == 405
        eve = make.person("eve", "vee.view_initialmeasurement", "vee.edit_imd")
        User.objects.filter(pk=eve.pk).update(is_staff=True)
        client.force_login(User.objects.get(pk=eve.pk))
        assert self.ask(client, imd).status_code == 403
