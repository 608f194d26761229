"""Manual data (`vee.md` 2.4, M1 to M6) and the repair of IMDs in ERROR, as operations, by API and in the admin."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from rest_framework.test import APIClient

from integration.operations import setup
from tests.factories import vee as make
from vee import queries
from vee.admin.local_times import LocalTimeField
from vee.models import ImdEdit, ImdTransition, InitialMeasurement, MeasuringComponent, VeeException
from vee.operations import actions, edits, manual, processing, repairs


pytestmark = pytest.mark.django_db
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)


def hourly(**groups: Any) -> MeasuringComponent:
    return make.MeasuringComponentFactory(type=make.MeasuringComponentTypeFactory(seconds_per_interval=3600, **groups))


def get(imd: InitialMeasurement) -> InitialMeasurement:
    return InitialMeasurement.objects.get(pk=imd.pk)


def measured(one: MeasuringComponent) -> list[tuple[Decimal | None, bool]]:
    rows = queries.measurements(component=one, start=make.DAY, end=make.DAY + DAY)
    return [(row.value, row.user_edited) for row in rows]


def draft(one: MeasuringComponent, hours: tuple[int, int] = (0, 4), **options: Any) -> InitialMeasurement:
    start, end = (make.DAY + hour * HOUR for hour in hours)
    options.setdefault("by", User.objects.filter(username="ann").first() or make.analyst())
    given = {"reason": "read on site", "at": make.AT, **options}
    return manual.start_draft(component_id=one.pk, start=start, end=end, **given)


class TestDraft:
    def test_m1_it_begins_with_what_is_final_and_waits(self) -> None:
        one = hourly()
        make.interval_imd(one, ["1", "2", None], seconds=3600)
        processing.process_due(at=make.AT)

        imd = draft(one)
        processing.process_due(at=make.AT)

        assert (get(imd).state, imd.kind) == ("PENDING", "MANUAL")
        assert [row.value for row in queries.imd_detail(imd.pk).pre_vee] == [Decimal(1), Decimal(2), None, None]
        row = ImdTransition.objects.get(imd=imd)
        assert (row.to_state, row.by, row.reason) == ("PENDING", "ann", "read on site")

    def test_m2_and_m5_edits_are_audited_and_perform_vee_releases_it(self) -> None:
        one = hourly()
        make.interval_imd(one, ["1", "2", "3", "4"], seconds=3600)
        processing.process_due(at=make.AT)
        imd, ann = draft(one), User.objects.get(username="ann")

        edits.edit_values(imd_id=imd.pk, by=ann, reason="meter photo", values={1: Decimal("2.5")}, at=make.AT)
        actions.perform_vee(imd_id=imd.pk, by=ann, reason="checked", at=make.AT)

        assert (get(imd).state, get(imd).user_edited) == ("COMPLETE", True)
        assert measured(one) == [(1, False), (Decimal("2.5"), True), (3, False), (4, False)]
        edit = ImdEdit.objects.get()
        assert (edit.interval, edit.old_value, edit.new_value, edit.by) == (1, 2_000_000, 2_500_000, ann)
        released = ImdTransition.objects.get(imd=imd, to_state="VEE_READY")
        assert (released.from_state, released.by, released.reason) == ("PENDING", "ann", "checked")

    def test_m6_it_passes_the_group_for_manual_data(self) -> None:
        rule = {"rule": "raise_missing_quantity_exception", "exception_type": "MISSING"}
        imd = draft(hourly(manual_override_group=make.vee_group("MANUAL", rule)))

        actions.perform_vee(imd_id=imd.pk, by=User.objects.get(), reason="checked", at=make.AT)

        assert get(imd).state == "EXCEPTION"
        assert VeeException.objects.get(imd=imd).group == "MANUAL"

    def test_m4_what_cannot_be_prepared_goes_to_error(self) -> None:
        one = hourly()
        imd = draft(one)
        one.type.scale = 0
        one.type.save()
        edits.edit_values(imd_id=imd.pk, by=User.objects.get(), reason="read", values={0: Decimal("0.5")}, at=make.AT)
        InitialMeasurement.objects.filter(pk=imd.pk).update(end=make.DAY + 5 * HOUR)

        actions.perform_vee(imd_id=imd.pk, by=User.objects.get(), reason="checked", at=make.AT)

        assert get(imd).state == "ERROR"

    def test_m3_it_can_be_withdrawn_and_stays_readable(self) -> None:
        imd = draft(hourly())

        actions.discard(imd_id=imd.pk, by=User.objects.get(), reason="wrong meter", at=make.AT)

        assert get(imd).state == "DISCARDED"

    def test_an_initial_load_that_is_pending_cannot_be_discarded(self) -> None:
        imd = make.interval_imd(hourly(), ["1"], seconds=3600)

        with pytest.raises(actions.StateDoesNotAllow):
            actions.discard(imd_id=imd.pk, by=make.analyst(), reason="no", at=make.AT)

    @pytest.mark.parametrize(
        ("hours", "message"),
        [((4, 4), "does not lie after"), ((0, 24 * 367), "at most 366 days")],
    )
    def test_a_period_that_does_not_fit_is_refused(self, hours: tuple[int, int], message: str) -> None:
        with pytest.raises(manual.PeriodNotUsable, match=message):
            draft(hourly(), hours)

    def test_a_period_off_the_grid_is_refused(self) -> None:
        with pytest.raises(manual.PeriodNotUsable, match="boundaries of intervals of 3600 s"):
            manual.start_draft(
                component_id=hourly().pk,
                start=make.DAY + dt.timedelta(minutes=7),
                end=make.DAY + HOUR,
                by=make.analyst(),
                reason="read",
                at=make.AT,
            )

    def test_without_the_right_a_reason_or_a_component_nothing_happens(self) -> None:
        one = hourly()
        with pytest.raises(actions.NotPermitted):
            draft(one, by=make.person("bob"))
        with pytest.raises(actions.ReasonMissing):
            draft(one, reason=" ")
        one.pk = 0

        with pytest.raises(manual.ComponentNotFound):
            draft(one)
        assert not InitialMeasurement.objects.exists()


class TestReading:
    def test_a_reading_of_a_person_is_edited_and_becomes_a_measurement_when_released(self) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type())
        make.register_imd(one, "100", at=make.DAY)
        processing.process_due(at=make.AT)
        ann = make.analyst()

        imd = manual.add_reading(
            component_id=one.pk, read_at=make.DAY + DAY, reading=Decimal("112.5"), by=ann, reason="on site", at=make.AT
        )
        actions.perform_vee(imd_id=imd.pk, by=ann, reason="checked", at=make.AT)

        assert get(imd).state == "COMPLETE"
        assert measured(one) == [(Decimal("12.5"), True)]

    def test_a_draft_is_for_intervals_and_a_reading_for_registers(self) -> None:
        register = make.MeasuringComponentFactory(type=make.register_type())
        given = {"by": make.analyst(), "reason": "on site", "at": make.AT}

        with pytest.raises(manual.PeriodNotUsable, match="give a reading"):
            manual.start_draft(component_id=register.pk, start=make.DAY, end=make.DAY + DAY, **given)
        with pytest.raises(manual.PeriodNotUsable, match="give a period"):
            manual.add_reading(component_id=hourly().pk, read_at=make.DAY, reading=Decimal(1), **given)
        with pytest.raises(manual.PeriodNotUsable):
            manual.add_reading(component_id=register.pk, read_at=make.DAY, reading=Decimal("0.0001"), **given)


class TestRepair:
    def test_the_right_component_makes_an_imd_fit_and_the_log_says_what_it_was(self) -> None:
        one = hourly()
        imd = make.interval_imd("TYPO", ["1"] * 4, seconds=3600)
        processing.process_due(at=make.AT)
        assert get(imd).state == "ERROR"

        done = repairs.repair(
            imd_id=imd.pk, by=make.analyst(), reason="typo", component_identifier=one.identifier, perform=True,
            at=make.AT,
        )  # fmt: skip

        assert done.state == "COMPLETE"
        assert len(measured(one)) == 4
        row = ImdTransition.objects.get(imd=imd, from_state="ERROR", to_state="ERROR")
        assert row.details == {"repaired": {"measuring_component": ["TYPO", one.identifier]}}
        assert (row.by, row.reason) == ("ann", "typo")

    def test_the_right_period_makes_an_imd_fit(self) -> None:
        one = hourly()
        imd = make.interval_imd(one, ["1"] * 4, seconds=3600, end=make.DAY + 5 * HOUR)
        processing.process_due(at=make.AT)

        repairs.repair(
            imd_id=imd.pk, by=make.analyst(), reason="clock", end=make.DAY + 4 * HOUR, perform=True, at=make.AT
        )

        assert get(imd).state == "COMPLETE"

    def test_what_does_not_fit_changes_nothing(self) -> None:
        imd = make.interval_imd("TYPO", ["1"] * 4, seconds=3600)
        given = {"imd_id": imd.pk, "by": make.analyst(), "reason": "typo", "at": make.AT}

        with pytest.raises(actions.StateDoesNotAllow):
            repairs.repair(**given)
        processing.process_due(at=make.AT)
        with pytest.raises(repairs.RepairNotUsable, match="There is no measuring component NOBODY"):
            repairs.repair(**given, component_identifier="NOBODY")
        with pytest.raises(repairs.RepairNotUsable, match="The end lies before the start"):
            repairs.repair(**given, end=make.DAY - HOUR)
        with pytest.raises(actions.ImdNotFound):
            repairs.repair(**{**given, "imd_id": 0})

        assert (get(imd).component_identifier, get(imd).end) == ("TYPO", imd.end)
        assert not ImdTransition.objects.filter(from_state="ERROR").exists()


class TestApi:
    def client(self) -> APIClient:
        client = APIClient()
        client.force_authenticate(make.person("meter", "vee.add_initialmeasurement", "vee.perform_vee", "vee.edit_imd"))
        return client

    def test_manual_data_comes_by_the_same_door_and_waits_for_its_release(self) -> None:
        one = hourly()
        record = {
            "measuring_component": one.identifier, "start": "2024-03-01T00:00:00Z", "end": "2024-03-01T02:00:00Z",
            "seconds_per_interval": 3600, "uom": "KWH", "kind": "MANUAL", "values": [1, 2],
        }  # fmt: skip
        client = self.client()

        [answer] = client.post("/api/v1/imds/", record, format="json").json()
        processing.process_due(at=make.AT)
        assert InitialMeasurement.objects.get().state == "PENDING"
        released = client.post(f"/api/v1/imds/{answer['id']}/perform-vee/", {"reason": "sent"}, format="json")

        assert released.json()["state"] == "COMPLETE"
        assert measured(one) == [(1, False), (2, False)]

    def test_an_imd_in_error_is_repaired(self) -> None:
        one = hourly()
        imd = make.interval_imd("TYPO", ["1"] * 4, seconds=3600)
        processing.process_due(at=make.AT)
        client, address = self.client(), f"/api/v1/imds/{imd.pk}/repair/"

        refused = client.post(address, {"reason": "typo", "measuring_component": "NO"}, format="json")
        naive = client.post(address, {"reason": "typo", "end": "2024-03-01 04:00"}, format="json")
        done = client.post(address, {"reason": "typo", "measuring_component": one.identifier}, format="json")

        assert [error["pointer"] for error in refused.json()["errors"]] == ["/measuring_component"]
        assert [error["pointer"] for error in naive.json()["errors"]] == ["/end"]
        assert (done.status_code, done.json()["state"]) == (200, "ERROR")
        assert get(imd).measuring_component == one


class TestPages:
    @pytest.fixture
    def admin(self, client: Client) -> Client:
        setup.setup(at=make.AT, username="admin", password="a-long-password-1")
        client.force_login(User.objects.get(username="admin"))
        return client

    def test_values_are_added_from_the_components_page_and_released_in_the_workbench(self, admin: Client) -> None:
        point = make.ServicePointFactory(time_zone="America/New_York", standard_offset_seconds=-18_000)
        kind = make.MeasuringComponentTypeFactory(seconds_per_interval=3600)
        one = make.MeasuringComponentFactory(type=kind, service_point=point)
        page = f"/admin/vee/measuringcomponent/{one.pk}/add-values/"
        assert "America/New_York" in admin.get(page).content.decode()

        answer = admin.post(page, {"start": "2024-03-01 00:00", "end": "2024-03-01 02:00", "reason": "read"})

        imd = InitialMeasurement.objects.get()
        assert answer["Location"] == f"/admin/vee/initialmeasurement/{imd.pk}/change/"
        assert imd.start == dt.datetime(2024, 3, 1, 5, tzinfo=dt.UTC)
        shown = admin.get(answer["Location"]).content.decode()
        assert 'id="action-perform-vee"' in shown
        assert 'name="value-0"' in shown
        admin.post(
            f"/admin/vee/initialmeasurement/{imd.pk}/edit/",
            {"value-0": "1", "value-1": "2", "reason": "read", "perform": "1"},
        )
        assert get(imd).state == "COMPLETE"
        component_page = admin.get(f"/admin/vee/measuringcomponent/{one.pk}/change/").content.decode()
        assert "complete up to" in component_page.lower()
        assert component_page.count("2024-03-01 07:00 UTC") == 2

    def test_the_button_on_the_components_page_leads_to_the_form(self, admin: Client) -> None:
        one = hourly()
        button = f"/admin/vee/measuringcomponent/{one.pk}/add-values-of/"
        assert button in admin.get(f"/admin/vee/measuringcomponent/{one.pk}/change/").content.decode()

        assert admin.get(button)["Location"] == f"/admin/vee/measuringcomponent/{one.pk}/add-values/"

    def test_a_register_takes_a_reading(self, admin: Client) -> None:
        one = make.MeasuringComponentFactory(type=make.register_type())
        page = f"/admin/vee/measuringcomponent/{one.pk}/add-values/"

        refused = admin.post(page, {"read_at": "2024-03-01 00:00", "reading": "0.0001", "reason": "read"})
        admin.post(page, {"read_at": "2024-03-01 00:00", "reading": "12.5", "reason": "read"})

        assert refused.status_code == 200
        assert 'role="alert"' in refused.content.decode()
        assert InitialMeasurement.objects.get().payload.reading == Decimal("12.5")

    def test_an_imd_in_error_is_repaired(self, admin: Client) -> None:
        one = hourly()
        imd = make.interval_imd("TYPO", ["1"] * 4, seconds=3600)
        processing.process_due(at=make.AT)
        page = f"/admin/vee/initialmeasurement/{imd.pk}/repair/"
        assert 'id="action-repair"' in admin.get(f"/admin/vee/initialmeasurement/{imd.pk}/change/").content.decode()
        form = {"component_identifier": one.identifier, "start": "2024-03-01 00:00+00:00",
                "end": "2024-03-01 04:00+00:00", "reason": "typo", "perform": "on"}  # fmt: skip

        refused = admin.post(page, {**form, "component_identifier": "NOBODY"})
        admin.post(page, form)

        assert "There is no measuring component NOBODY." in refused.content.decode()
        assert get(imd).state == "COMPLETE"

    def test_a_person_without_the_right_is_refused(self, client: Client) -> None:
        person = make.person("bob", "vee.view_measuringcomponent", "vee.view_initialmeasurement")
        person.is_staff = True
        person.save()
        client.force_login(person)
        one, imd = hourly(), make.interval_imd("TYPO", ["1"], seconds=3600)

        assert client.get(f"/admin/vee/measuringcomponent/{one.pk}/add-values/").status_code == 403
        assert client.get(f"/admin/vee/initialmeasurement/{imd.pk}/repair/").status_code == 403

    def test_what_does_not_exist_is_not_found(self, admin: Client) -> None:
        assert admin.get("/admin/vee/measuringcomponent/0/add-values/").status_code == 404
        assert admin.get("/admin/vee/initialmeasurement/0/repair/").status_code == 404


class TestLocalTimeField:
    FIELD = LocalTimeField(zone="America/New_York")

    @pytest.mark.parametrize(
        ("text", "utc"),
        [
            ("2024-03-01 00:15", "2024-03-01T05:15:00+00:00"),
            ("2024-07-01T00:15", "2024-07-01T04:15:00+00:00"),
            ("2024-11-03 01:15-05:00", "2024-11-03T06:15:00+00:00"),
        ],
    )
    def test_reads_local_times_and_offsets(self, text: str, utc: str) -> None:
        assert self.FIELD.clean(text).isoformat() == utc

    @pytest.mark.parametrize("text", ["2024-11-03 01:15", "2024-03-10 02:15", "yesterday", ""])
    def test_refuses_what_the_clock_leaves_open(self, text: str) -> None:
        from django.core.exceptions import ValidationError

        with pytest.raises(ValidationError):
            self.FIELD.clean(text)
