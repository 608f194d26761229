"""Files of every format, from the upload to what is stored: components, units, clocks and several reads in a row."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import meter_data
from tests.factories.meter_data import AT
from tests.factories.readings import (
    cmep,
    green_button,
    interval_reading,
    mscons,
    nem13,
    quantity,
    register_row,
)
from vee import models
from vee.operations import column_profiles, reading_files


pytestmark = pytest.mark.django_db
READS = {
    "component_column": "meter",
    "date_column": "time",
    "value_column": "value",
    "seconds_per_interval": 900,
    "uom": "KWH",
}
SUMMER = b"meter,time,value\nMC-NY,2024-07-01 00:00,1.5\nMC-NY,2024-07-01 00:15,\n"


def load(raw: bytes, format: str, **options: Any) -> models.ReadingFile:  # noqa: A002
    file = reading_files.receive_file(name="x", stream=io.BytesIO(raw), format=format, at=AT, **options)
    return reading_files.load_file(file_id=file.pk, at=AT)


def imds() -> list[models.InitialMeasurement]:
    return list(models.InitialMeasurement.objects.select_related("payload").order_by("pk"))


def profile(code: str = "site", **fields: Any) -> models.ColumnProfile:
    return column_profiles.save_profile(code=code, fields={**READS, **fields}, by=None, at=AT)[0]


class TestNem13:
    def test_stores_both_reads_of_a_row_as_imds(self) -> None:
        kind = meter_data.component_type("REG", component_kind="SCALAR", seconds_per_interval=None)
        meter_data.component("NMI0000001-11:REG", type=kind)

        file = load(nem13(register_row()), "nem13")

        assert (file.status, file.rows_read, file.rows_accepted, file.imds) == ("LOADED", 1, 1, 2)
        previous, current = imds()
        assert (previous.payload.reading, current.payload.reading) == (888, 999)
        assert (previous.end, current.end) == (
            dt.datetime(2024, 1, 8, 0, 30, 55, tzinfo=dt.UTC),
            dt.datetime(2024, 4, 7, 14, tzinfo=dt.UTC),
        )
        assert current.payload.conditions.tolist() == [401100]

    def test_refuses_a_row_as_a_whole_when_one_read_cannot_be_kept(self) -> None:
        kind = meter_data.component_type("REG", component_kind="SCALAR", seconds_per_interval=None, scale=2)
        meter_data.component("NMI0000001-11:REG", type=kind)

        file = load(nem13(register_row(previous="888.123,20240108103055,A,,")), "nem13")

        assert (file.status, file.rows_rejected) == ("FAILED", 1)
        assert file.errors.get().code == "not_exact"
        assert imds() == []

    def test_creates_components_at_the_service_point_of_their_nmi(self) -> None:
        meter_data.component_type("REG", component_kind="SCALAR", seconds_per_interval=None)

        load(nem13(register_row()), "nem13", auto_register=True, component_type="REG")

        component = models.MeasuringComponent.objects.get(identifier="NMI0000001-11:REG")
        assert component.service_point is not None
        assert (component.service_point.identifier, component.service_point.time_zone) == (
            "NMI0000001",
            "Australia/Brisbane",
        )


class TestGreenButton:
    RAW = green_button(interval_reading(1330578000, 974), interval_reading(1330578900, None))

    def test_is_converted_to_a_component_in_kilowatt_hours(self) -> None:
        meter_data.component("UP1-MR1")

        load(self.RAW, "green_button")

        [imd] = imds()
        assert (imd.payload.uom, imd.payload.values.tolist()[0]) == ("KWH", 974_000)

    @pytest.mark.parametrize(("uom", "value"), [("WH", 974_000_000), ("MWH", 974)])
    def test_has_the_unit_of_its_component(self, uom: str, value: int) -> None:
        meter_data.component("UP1-MR1", type=meter_data.component_type("T", uom=uom))

        load(self.RAW, "green_button")

        assert [imd.payload.uom for imd in imds()] == [uom]
        assert imds()[0].payload.values.tolist()[0] == value

    def test_of_another_quantity_keeps_its_unit_for_the_rules_to_judge(self) -> None:
        meter_data.component("UP1-MR1", type=meter_data.component_type("T", uom="M3"))

        load(self.RAW, "green_button")

        assert [imd.payload.uom for imd in imds()] == ["WH"]

    def test_creates_components_on_a_type_in_kilowatt_hours(self) -> None:
        meter_data.component_type("T")

        file = load(self.RAW, "green_button", auto_register=True, component_type="T")

        assert (file.status, [imd.payload.uom for imd in imds()]) == ("LOADED", ["KWH"])
        assert models.MeasuringComponent.objects.get().identifier == "UP1-MR1"


class TestOtherFormats:
    def test_mscons_creates_components_at_their_metering_point(self) -> None:
        meter_data.component_type("T")

        load(mscons(quantity("201912140000", "201912140015")), "mscons", auto_register=True, component_type="T")

        component = models.MeasuringComponent.objects.select_related("service_point").get()
        assert component.identifier == "CH1-1-1:1.29.0*255"
        assert component.service_point is not None
        assert component.service_point.identifier == "CH1"

    def test_cmep_creates_components_at_their_meter(self) -> None:
        meter_data.component_type("T", seconds_per_interval=3600)

        load(cmep("202606020800,R0,8").encode(), "cmep", auto_register=True, component_type="T")

        component = models.MeasuringComponent.objects.select_related("service_point").get()
        assert component.service_point is not None
        assert (component.identifier, component.service_point.identifier) == ("MTR1-KWH", "MTR1")


class TestColumnProfiles:
    def starts(self) -> list[dt.datetime]:
        return [imd.start for imd in imds()]

    def test_read_times_as_standard_time_where_a_component_has_no_device(self) -> None:
        profile()
        meter_data.component("MC-NY")

        file = load(SUMMER, "csv:site")

        assert (file.status, file.rows_read, file.intervals, file.imds) == ("LOADED", 2, 2, 1)
        assert self.starts() == [dt.datetime(2024, 7, 1, 5, tzinfo=dt.UTC)]

    @pytest.mark.parametrize(("shift", "hour"), [("STANDARD", 5), ("LEGAL", 4)])
    def test_read_times_as_the_device_says(self, shift: str, hour: int) -> None:
        profile()
        point = meter_data.service_point()
        device = models.Device.objects.create(identifier="D", service_point=point, incoming_data_shift=shift)
        meter_data.component("MC-NY", device=device, service_point=None)

        load(SUMMER, "csv:site")

        assert self.starts() == [dt.datetime(2024, 7, 1, hour, tzinfo=dt.UTC)]

    def test_refuse_rows_of_a_component_whose_zone_nobody_knows(self) -> None:
        profile()

        file = load(SUMMER, "csv:site")

        assert (file.status, set(file.errors.values_list("code", flat=True))) == ("FAILED", {"zone_unknown"})

    def test_keep_rows_of_an_unknown_component_when_they_name_the_zone(self) -> None:
        profile(time_zone="America/New_York", time_shift="LEGAL")

        load(SUMMER, "csv:site")

        [imd] = imds()
        assert (imd.state, imd.start) == ("ERROR", dt.datetime(2024, 7, 1, 4, tzinfo=dt.UTC))

    def test_create_components_in_the_zone_that_they_name(self) -> None:
        profile(time_zone="Europe/London", component_suffix=":E")
        meter_data.component_type("T")

        load(SUMMER, "csv:site", auto_register=True, component_type="T")

        component = models.MeasuringComponent.objects.select_related("service_point").get()
        assert component.identifier == "MC-NY:E"
        assert component.service_point is not None
        assert (component.service_point.identifier, component.service_point.time_zone) == ("MC-NY", "Europe/London")

    def test_of_a_file_stay_as_they_were_when_it_came(self) -> None:
        profile()
        meter_data.component("MC-NY")
        file = reading_files.receive_file(name="x", stream=io.BytesIO(SUMMER), format="csv:site", at=AT)
        profile(value_column="other", unit_factor=Decimal("0.001"))

        reading_files.load_file(file_id=file.pk, at=AT)

        assert imds()[0].payload.values.tolist()[0] == 1_500_000

    def test_that_do_not_exist_are_refused_at_the_door(self) -> None:
        with pytest.raises(reading_files.UnableToReceiveFile) as refused:
            load(SUMMER, "csv:ghost")

        assert (refused.value.field, refused.value.code) == ("format", "unknown_profile")
        assert not models.ReadingFile.objects.exists()
