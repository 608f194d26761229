from __future__ import annotations

import datetime as dt
import io
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from tests.factories import meter_data
from tests.factories.meter_data import AT, day, nem12, stream
from vee import models
from vee.operations import exports, processing, reading_files


pytestmark = pytest.mark.django_db
START = dt.datetime(2026, 3, 7, 14, tzinfo=dt.UTC)
END = dt.datetime(2026, 3, 8, 14, tzinfo=dt.UTC)
VALUES = [f"{place / 1000:.3f}" for place in range(48)]
QUERY = "measuring_component=NMI0000001-E1&start=2026-03-07T14:00:00Z&end=2026-03-08T14:00:00Z"


@pytest.fixture(autouse=True)
def measured() -> None:
    """A day of two channels from NEM12, finalized; the second has an estimated span and a gap."""
    group = models.VeeGroup.objects.create(code="NONE")
    kind = meter_data.component_type("NEM", seconds_per_interval=1800, initial_load_group=group)
    meter_data.component_type("REG", component_kind="SCALAR", seconds_per_interval=None)
    spans = ["400,1,20,A,,", "400,21,40,S14,,", "400,41,48,N,,"]
    raw = nem12(
        stream(), day("20260308", VALUES), stream(suffix="B1"), day("20260308", [*VALUES[:40], *["0"] * 8], "V"), *spans
    )
    load(raw, "nem12", kind)


def load(raw: bytes, format: str, kind: models.MeasuringComponentType) -> models.ReadingFile:  # noqa: A002
    file = reading_files.receive_file(
        name="x", stream=io.BytesIO(raw), format=format, at=AT, auto_register=True, component_type=kind.identifier
    )
    file = reading_files.load_file(file_id=file.pk, at=AT)
    processing.process_due(at=AT)
    return file


def export(format: str, *identifiers: str, **changes: Any) -> str:  # noqa: A002
    options = {"start": START, "end": END, **changes}
    found = exports.export_measurements(
        identifiers=identifiers or ("NMI0000001-E1", "NMI0000001-B1"), format=format, at=AT, **options
    )
    return "".join(found.pieces)


def payloads(file: models.ReadingFile) -> list[tuple[str, list[int], list[int] | None]]:
    return [
        (
            imd.component_identifier,
            imd.payload.values.tolist(),
            None if imd.payload.conditions is None else imd.payload.conditions.tolist(),
        )
        for imd in models.InitialMeasurement.objects.filter(reading_file=file).select_related("payload").order_by("pk")
    ]


class TestExportMeasurements:
    def test_writes_nem12_that_is_read_back_as_it_was(self) -> None:
        first = payloads(models.ReadingFile.objects.get())
        kind = models.MeasuringComponentType.objects.get(identifier="NEM")

        again = load(export("nem12").encode(), "nem12", kind)

        assert (again.status, again.intervals) == ("LOADED", 96)
        assert payloads(again) == first

    @pytest.mark.parametrize("format", ["green_button", "csv"])
    def test_writes_other_formats_that_are_read_back_as_they_were(self, format: str) -> None:  # noqa: A002
        first = payloads(models.ReadingFile.objects.get())
        kind = models.MeasuringComponentType.objects.get(identifier="NEM")

        again = load(export(format).encode(), format, kind)

        assert (again.status, again.intervals) == ("LOADED", 96)
        assert payloads(again) == first

    def test_writes_only_the_period(self) -> None:
        rows = export("csv", "NMI0000001-E1", start=START, end=START + dt.timedelta(hours=1)).splitlines()

        assert rows == [
            "measuring_component,start,seconds_per_interval,uom,value,condition",
            "NMI0000001-E1,2026-03-07T14:00:00Z,1800,KWH,0.000000,501000",
            "NMI0000001-E1,2026-03-07T14:30:00Z,1800,KWH,0.001000,501000",
        ]

    @pytest.mark.parametrize(
        ("options", "field", "code"),
        [
            ({"format": "xml"}, "format_out", "unknown_format"),
            ({"identifiers": ()}, "measuring_component", "required"),
            ({"identifiers": ("GHOST",)}, "measuring_component", "unknown_component"),
            ({"identifiers": tuple(map(str, range(1001)))}, "measuring_component", "too_many"),
            ({"identifiers": ("MC-REG",)}, "measuring_component", "not_writable"),
            ({"end": START}, "end", "invalid_period"),
        ],
    )
    def test_refuses_what_cannot_be_written_before_it_begins(
        self, options: dict[str, Any], field: str, code: str
    ) -> None:
        meter_data.component("MC-REG", type=models.MeasuringComponentType.objects.get(identifier="REG"))
        given = {"identifiers": ("NMI0000001-E1",), "start": START, "end": END, "format": "nem12", "at": AT, **options}

        with pytest.raises(exports.UnableToExport) as refused:
            exports.export_measurements(**given)

        assert (refused.value.field, refused.value.code) == (field, code)


class TestTheApi:
    ADDRESS = "/api/v1/measurements/export/"

    @pytest.fixture
    def client(self) -> APIClient:
        caller = APIClient()
        caller.force_authenticate(get_user_model().objects.create_superuser("ada", password="x"))
        return caller

    @pytest.mark.parametrize(
        ("format", "media_type", "first"),
        [
            ("nem12", "text/csv; charset=utf-8", b"100,NEM12,"),
            ("green_button", "application/atom+xml; charset=utf-8", b"<?xml"),
            ("csv", "text/csv; charset=utf-8", b"measuring_component,"),
        ],
    )
    @pytest.mark.parametrize("accept", ["*/*", "text/csv", "application/xml"])
    def test_streams_the_file(
        self,
        client: APIClient,
        format: str,  # noqa: A002
        media_type: str,
        first: bytes,
        accept: str,
    ) -> None:
        answer = client.get(f"{self.ADDRESS}?{QUERY}&format_out={format}", headers={"Accept": accept})

        assert answer.status_code == 200
        assert answer.streaming
        assert answer["Content-Type"] == media_type
        assert answer["Content-Disposition"].startswith('attachment; filename="measurements-20260307-20260308.')
        assert b"".join(answer.streaming_content).startswith(first)

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            (f"{QUERY}&format_out=xml", "/format_out"),
            (QUERY, "/format_out"),
            (f"{QUERY}&measuring_component=GHOST&format_out=csv", "/measuring_component"),
            (f"{QUERY}&measuring_component=%00&format_out=csv", "/measuring_component"),
            ("format_out=csv&start=2026-03-07T14:00:00Z&end=2026-03-07", "/end"),
        ],
    )
    def test_says_what_is_wrong_as_a_problem(self, client: APIClient, query: str, pointer: str) -> None:
        answer = client.get(f"{self.ADDRESS}?{query}")

        assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
        assert answer.json()["errors"][0]["pointer"] == pointer

    def test_is_for_those_who_may_read_measurements(self) -> None:
        stranger = APIClient()
        stranger.force_authenticate(get_user_model().objects.create_user("bob"))

        assert stranger.get(f"{self.ADDRESS}?{QUERY}&format_out=csv").status_code == 403


class TestTheCommand:
    ARGUMENTS = ["export_measurements", "--component", "NMI0000001-E1", "--start", "2026-03-07T14:00:00Z", "--end",
                 "2026-03-08T14:00:00Z"]  # fmt: skip

    def test_writes_a_new_file(self, tmp_path: Path) -> None:
        target = tmp_path / "out.csv"

        call_command(*self.ARGUMENTS, "--format", "nem12", "--output", str(target))

        assert target.read_bytes().endswith(b"\r\n900\r\n")
        assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]

    def test_writes_to_the_standard_output(self) -> None:
        target = io.StringIO()

        call_command(*self.ARGUMENTS, "--format", "csv", stdout=target)

        assert len(target.getvalue().splitlines()) == 49

    def test_overwrites_nothing(self, tmp_path: Path) -> None:
        target = tmp_path / "out.csv"
        target.write_text("mine")

        with pytest.raises(CommandError, match="nothing was overwritten"):
            call_command(*self.ARGUMENTS, "--format", "csv", "--output", str(target))

        assert target.read_text() == "mine"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            (["--format", "xml"], "not a format"),
            (["--format", "csv", "--end", "2026-03-08"], "not an ISO 8601"),
            (["--format", "csv", "--component", "GHOST"], "no measuring component"),
            (["--format", "csv", "--output", "/nowhere/out.csv"], "cannot be written"),
        ],
    )
    def test_says_what_is_wrong(self, arguments: list[str], message: str) -> None:
        with pytest.raises(CommandError, match=message):
            call_command(*self.ARGUMENTS, *arguments)


class TestTheAdmin:
    ADDRESS = "admin:vee_measuringcomponent_changelist"

    @pytest.fixture
    def page(self, client: Client) -> Client:
        client.force_login(get_user_model().objects.create_superuser("ada", password="x"))
        return client

    def form(self, **changes: str) -> dict[str, Any]:
        chosen = models.MeasuringComponent.objects.order_by("pk").values_list("pk", flat=True)
        return {"action": "export_measurements", "_selected_action": list(chosen), **changes}

    def test_asks_for_the_period_and_gives_the_file(self, page: Client) -> None:
        asked = page.post(reverse(self.ADDRESS), self.form())
        days = {"first_day": "2026-03-08", "last_day": "2026-03-08"}
        given = page.post(reverse(self.ADDRESS), self.form(confirmed="1", format_out="nem12", **days))

        assert (asked.status_code, b'id="export-form"' in asked.content) == (200, True)
        assert given["Content-Disposition"].endswith('.csv"')
        rows = b"".join(given.streaming_content).splitlines()
        assert [row[:12] for row in rows if row.startswith(b"300")] == [b"300,20260308"] * 2

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"last_day": "2026-03-07"}, b"lies before the first"),
            ({"first_day": "soon"}, b"Enter a valid date"),
        ],
    )
    def test_says_what_is_wrong_at_the_field(self, page: Client, changes: dict[str, str], message: bytes) -> None:
        fields = {"format_out": "nem12", "first_day": "2026-03-08", "last_day": "2026-03-08", **changes}

        answer = page.post(reverse(self.ADDRESS), self.form(confirmed="1", **fields))

        assert (answer.status_code, message in answer.content) == (200, True)

    def test_says_when_a_component_has_no_place_in_the_format(self, page: Client) -> None:
        meter_data.component("MC-REG", type=models.MeasuringComponentType.objects.get(identifier="REG"))
        fields = {"format_out": "nem12", "first_day": "2026-03-08", "last_day": "2026-03-08"}

        answer = page.post(reverse(self.ADDRESS), self.form(confirmed="1", **fields))

        assert b"MC-REG: NEM12 holds intervals" in answer.content


class TestParquet:
    ARGUMENTS = (
        "export_measurements", "--format", "parquet", "--start", START.isoformat(), "--end", END.isoformat(),
    )  # fmt: skip

    def test_holds_all_measurements_exactly(self, tmp_path: Path) -> None:
        parquet = pytest.importorskip("pyarrow.parquet", reason="PyArrow is optional")
        path = tmp_path / "all.parquet"

        call_command(*self.ARGUMENTS, "--output", str(path), stdout=io.StringIO())

        table = parquet.read_table(path).to_pydict()
        first, second = sorted(set(table["measuring_component"]), key=table["measuring_component"].index)
        assert (first[-2:], second[-2:]) == ("E1", "B1")
        assert table["value"][:48] == [Decimal(value) for value in VALUES]
        assert table["value"][48:] == [*map(Decimal, VALUES[:40]), *[None] * 8]
        assert table["measured_at"][47] == END
        assert table["condition"][0] == 501_000

    def test_says_what_is_missing_when_it_cannot_be_written(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "pyarrow", None)

        with pytest.raises(CommandError, match=r"requirements/analytics\.txt"):
            call_command(*self.ARGUMENTS, "--output", str(tmp_path / "all.parquet"))
