from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from tests.factories import meter_data
from tests.factories.meter_data import AT, day, nem12, stream
from vee import models, queries
from vee.codes import NO_VALUE
from vee.operations import reading_files


pytestmark = pytest.mark.django_db
ONES = ["1.5"] * 48


def receive(raw: bytes, **options: Any) -> models.ReadingFile:
    values = {"name": "day.csv", "format": "nem12", **options}
    return reading_files.receive_file(stream=io.BytesIO(raw), at=AT, **values)


def load(raw: bytes, **options: Any) -> models.ReadingFile:
    return reading_files.load_file(file_id=receive(raw, **options).pk, at=AT)


def counts(file: models.ReadingFile) -> tuple[str, int, int, int, int, int]:
    stored = models.ReadingFile.objects.get(pk=file.pk)
    assert stored.rows_read == stored.rows_accepted + stored.rows_rejected
    return stored.status, stored.rows_read, stored.rows_accepted, stored.rows_rejected, stored.intervals, stored.imds


@pytest.fixture
def channel() -> models.MeasuringComponent:
    kind = meter_data.component_type("NEM-30MIN-KWH", seconds_per_interval=1800)
    return meter_data.component("NMI0000001-E1", type=kind)


class TestReceiveFile:
    def test_stores_content_under_a_name_of_its_own_and_the_senders_as_a_label(self) -> None:
        raw = nem12(stream(), day("20260308", ONES))

        file = receive(raw, name="../../etc/pa\x00ss#wd\r\n.csv")

        assert file.status == "RECEIVED"
        assert file.size == len(raw)
        assert "/" not in file.name
        assert "\x00" not in file.name
        assert Path(file.content.name).stem.startswith(file.pk.hex)
        with file.content.open() as content:
            assert content.read() == raw

    def test_refuses_a_file_over_the_limit_and_stores_nothing(self, settings: Any) -> None:
        settings.UPLOAD_MAX_BYTES = 100

        with pytest.raises(reading_files.FileTooLarge):
            receive(b"x" * 101)

        assert not models.ReadingFile.objects.exists()

    @pytest.mark.parametrize(
        ("options", "field", "code"),
        [
            ({"format": "xml"}, "format", "unknown_format"),
            ({"format": "csv:GHOST"}, "format", "unknown_profile"),
            ({"auto_register": True}, "type", "required"),
            ({"component_type": "GHOST"}, "type", "unknown_type"),
        ],
    )
    def test_refuses_options_that_do_not_fit(self, options: dict[str, Any], field: str, code: str) -> None:
        with pytest.raises(reading_files.UnableToReceiveFile) as refused:
            receive(b"x", **options)

        assert (refused.value.field, refused.value.code) == (field, code)
        assert not models.ReadingFile.objects.exists()


class TestLoadFile:
    def test_makes_one_imd_per_day_and_channel(self, channel: models.MeasuringComponent) -> None:
        raw = nem12(stream(), day("20260308", [*ONES[:47], "0"], "N"), day("20260309", ONES))

        file = load(raw)

        assert counts(file) == ("LOADED", 2, 2, 0, 96, 2)
        first, second = models.InitialMeasurement.objects.select_related("payload").order_by("pk")
        assert first.measuring_component == channel
        assert (first.start, first.end) == (
            dt.datetime(2026, 3, 7, 14, tzinfo=dt.UTC),
            dt.datetime(2026, 3, 8, 14, tzinfo=dt.UTC),
        )
        assert (first.state, first.payload.source_line, first.reading_file) == ("PENDING", 3, file)
        assert first.payload.values.tolist() == [NO_VALUE] * 48
        assert second.payload.values.tolist() == [1_500_000] * 48
        assert second.payload.conditions is None

    def test_reports_each_refused_row_and_keeps_the_others(self, channel: models.MeasuringComponent) -> None:
        raw = nem12(stream(), day("20260308", ONES[:47]), day("20260309", ONES), day("20260310", ONES, "S99"))

        file = load(raw)

        assert counts(file) == ("PARTIAL", 3, 1, 2, 48, 1)
        assert list(file.errors.order_by("line").values_list("line", "code")) == [
            (3, "interval_count"),
            (5, "unknown_method"),
        ]

    @pytest.mark.parametrize(
        ("raw", "message"),
        [
            (b"", "The file is empty."),
            (b"200,NMI\n", "The file does not begin with a 100 header row."),
        ],
    )
    def test_fails_with_a_reason_when_the_file_is_unreadable(self, raw: bytes, message: str) -> None:
        file = load(raw)

        assert counts(file)[0] == "FAILED"
        assert file.message == message
        assert not models.InitialMeasurement.objects.exists()

    def test_tells_a_german_reader_in_german_what_was_wrong(
        self, channel: models.MeasuringComponent, client: Client
    ) -> None:
        partial = load(nem12(stream(), day("20260308", ONES[:47]), day("20260309", ONES)))
        failed = load(b"200,NMI\n")
        client.force_login(User.objects.create_superuser("admin", "admin@example.org", "a-long-password-1"))

        def page(file: models.ReadingFile, language: str) -> str:
            address = f"/admin/vee/readingfile/{file.pk}/change/"
            return client.get(address, headers={"accept-language": language}).content.decode()

        assert "der Tag hat 47 Werte; 48 werden bei 30 Minuten erwartet" in page(partial, "de")
        assert "the day has 47 values; 48 are expected at 30 minutes" in page(partial, "en")
        assert "Die Datei beginnt nicht mit einer 100-Kopfzeile." in page(failed, "de")
        assert client.get(f"/api/v1/reading-files/{failed.pk}/", headers={"accept-language": "de"}).json()[
            "message"
        ] == ("The file does not begin with a 100 header row.")

    def test_fails_when_no_row_was_accepted(self) -> None:
        assert counts(load(nem12(stream(), day("20260308", ONES[:1])))) == ("FAILED", 1, 0, 1, 0, 0)

    def test_fails_with_a_reason_when_the_content_is_gone(self) -> None:
        file = receive(nem12(stream(), day("20260308", ONES)))
        file.content.storage.delete(file.content.name)

        loaded = reading_files.load_file(file_id=file.pk, at=AT)

        assert (loaded.status, loaded.message) == ("FAILED", "The content of the file is no longer in the storage.")

    def test_keeps_readings_of_unknown_components_in_error(self) -> None:
        file = load(nem12(stream(), day("20260308", ONES), "500,N,S1,20260308121500,12.5"))

        assert counts(file) == ("LOADED", 2, 2, 0, 48, 2)
        imds = models.InitialMeasurement.objects.order_by("pk")
        assert [(imd.component_identifier, imd.state) for imd in imds] == [
            ("NMI0000001-E1", "ERROR"),
            ("NMI0000001-E1:REG", "ERROR"),
        ]
        assert models.ToDo.objects.filter(imd__in=imds).count() == 2
        assert imds[1].payload.reading == Decimal("12.5")

    def test_refuses_a_row_with_more_decimals_than_its_component_keeps(
        self, channel: models.MeasuringComponent
    ) -> None:
        file = load(nem12(stream(), day("20260308", ["0.1234567", *ONES[1:]]), day("20260309", ONES)))

        assert counts(file) == ("PARTIAL", 2, 1, 1, 48, 1)
        [error] = file.errors.all()
        assert (error.line, error.code) == (3, "not_exact")
        assert error.message.startswith("interval 1: ")

    def test_refuses_intervals_for_a_register(self) -> None:
        kind = meter_data.component_type("REG", component_kind="SCALAR", seconds_per_interval=None)
        meter_data.component("NMI0000001-E1", type=kind)

        file = load(nem12(stream(), day("20260308", ONES)))

        assert counts(file) == ("FAILED", 1, 0, 1, 0, 0)
        assert file.errors.get().code == "kind_mismatch"

    def test_makes_one_imd_of_the_csv_rows_of_a_local_day(self) -> None:
        meter_data.component("MC-NY", type=meter_data.component_type("HOURLY", seconds_per_interval=3600))
        start = dt.datetime(2026, 3, 8, 5, tzinfo=dt.UTC)
        rows = [f"MC-NY,{(start + dt.timedelta(hours=i)).isoformat()},3600,KWH,{i}" for i in range(24)]
        raw = "\n".join(["measuring_component,start,seconds_per_interval,uom,value", *rows, "oops"]).encode()

        file = load(raw, format="csv")

        # The day on which the clocks go forward in New York has 23 hours.
        assert counts(file) == ("PARTIAL", 25, 24, 1, 24, 2)
        assert [len(payload.values) for payload in models.ImdPayload.objects.order_by("pk")] == [23, 1]

    def test_keeps_the_first_thousand_errors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading_files, "MAX_ERRORS", 3)
        monkeypatch.setattr(reading_files, "CHUNK", 2)

        file = load(nem12(stream(), *(day("20260308", ONES[:3]) for _ in range(7))))

        assert counts(file) == ("FAILED", 7, 0, 7, 0, 0)
        assert list(file.errors.order_by("line").values_list("line", flat=True)) == [3, 4, 5]


class TestAutoRegister:
    def test_creates_components_that_fit_the_type_below_one_service_point_per_nmi(self) -> None:
        kind = meter_data.component_type("NEM-30MIN-KWH", seconds_per_interval=1800)
        raw = nem12(stream(), day("20260308", ONES), stream(suffix="B1"), day("20260308", ONES))

        file = load(raw, auto_register=True, component_type="NEM-30MIN-KWH")

        assert counts(file) == ("LOADED", 2, 2, 0, 96, 2)
        components = models.MeasuringComponent.objects.order_by("identifier").select_related("service_point", "type")
        assert [component.identifier for component in components] == ["NMI0000001-B1", "NMI0000001-E1"]
        assert {component.type for component in components} == {kind}
        [point] = {component.service_point for component in components}
        assert point is not None
        assert (point.identifier, point.time_zone, point.standard_offset_seconds) == (
            "NMI0000001",
            "Australia/Brisbane",
            36_000,
        )
        assert set(models.InitialMeasurement.objects.values_list("state", flat=True)) == {"PENDING"}

    @pytest.mark.parametrize(
        ("row", "values", "why"),
        [
            (stream(uom="kVArh"), ONES, "it delivers KVARH, the type has KWH"),
            (stream(minutes=15), ["1"] * 96, "it delivers intervals of 900 s, the type has 1800 s"),
        ],
    )
    def test_keeps_what_does_not_fit_the_type_in_error(self, row: str, values: list[str], why: str) -> None:
        meter_data.component_type("NEM-30MIN-KWH", seconds_per_interval=1800)

        file = load(nem12(row, day("20260308", values)), auto_register=True, component_type="NEM-30MIN-KWH")

        assert counts(file)[0] == "LOADED"
        imd = models.InitialMeasurement.objects.get()
        assert imd.state == "ERROR"
        assert why in imd.error
        assert not models.MeasuringComponent.objects.exists()


class TestALoadThatIsInterrupted:
    def test_is_taken_up_where_its_last_chunk_ended(
        self, channel: models.MeasuringComponent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading_files, "CHUNK", 2)
        rows = [day(f"202603{number:02}", ONES if number % 3 else ONES[:5]) for number in range(1, 10)]
        file = receive(nem12(stream(), *rows))
        commit, commits = reading_files._Load._commit, iter(range(100))

        def killed(self: Any, **options: Any) -> None:
            if next(commits) == 2:
                raise KeyboardInterrupt
            commit(self, **options)

        monkeypatch.setattr(reading_files._Load, "_commit", killed)
        with pytest.raises(KeyboardInterrupt):
            reading_files.load_file(file_id=file.pk, at=AT)
        monkeypatch.setattr(reading_files._Load, "_commit", commit)
        assert counts(file) == ("LOADING", 4, 3, 1, 144, 3)

        with pytest.raises(reading_files.FileIsBeingLoaded):
            reading_files.load_file(file_id=file.pk, at=AT + dt.timedelta(seconds=20))
        reading_files.load_file(file_id=file.pk, at=AT + dt.timedelta(minutes=1))

        assert counts(file) == ("PARTIAL", 9, 6, 3, 288, 6)
        lines = list(models.ImdPayload.objects.order_by("source_line").values_list("source_line", flat=True))
        assert lines == [3, 4, 6, 7, 9, 10]
        assert list(file.errors.order_by("line").values_list("line", flat=True)) == [5, 8, 11]
        assert models.ReadingFile.objects.get(pk=file.pk).attempts == 2

    def test_of_csv_goes_on_inside_an_item(self, monkeypatch: pytest.MonkeyPatch) -> None:
        meter_data.component("MC-NY", type=meter_data.component_type("HOURLY", seconds_per_interval=3600))
        start = dt.datetime(2026, 3, 10, 5, tzinfo=dt.UTC)
        rows = [f"MC-NY,{(start + dt.timedelta(hours=i)).isoformat()},3600,KWH,{i}" for i in range(6)]
        file = receive(
            "\n".join(["measuring_component,start,seconds_per_interval,uom,value", *rows]).encode(), format="csv"
        )
        models.ReadingFile.objects.filter(pk=file.pk).update(rows_read=2, rows_accepted=2)

        reading_files.load_file(file_id=file.pk, at=AT)

        imd = models.InitialMeasurement.objects.select_related("payload").get()
        assert imd.start == start + dt.timedelta(hours=2)
        assert imd.payload.values.tolist() == [2_000_000, 3_000_000, 4_000_000, 5_000_000]
        assert counts(file)[:3] == ("LOADED", 6, 6)

    def test_stops_without_effect_when_somebody_took_it_over(
        self, channel: models.MeasuringComponent, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = receive(nem12(stream(), day("20260308", ONES)))
        commit = reading_files._Load._commit

        def late(self: Any, **options: Any) -> None:
            models.ReadingFile.objects.filter(pk=file.pk).update(lease_token="another")
            commit(self, **options)

        monkeypatch.setattr(reading_files._Load, "_commit", late)
        with pytest.raises(reading_files.LeaseLost):
            reading_files.load_file(file_id=file.pk, at=AT)

        assert not models.InitialMeasurement.objects.exists()

    def test_is_taken_up_when_the_clock_was_set_back_meanwhile(self, channel: models.MeasuringComponent) -> None:
        file = receive(nem12(stream(), day("20260308", ONES)))
        held = models.ReadingFile.objects.filter(pk=file.pk)
        held.update(status="LOADING", lease_token="gone", lease_until=AT + dt.timedelta(hours=2))

        assert queries.stale_reading_file_ids(before=AT, now=AT) == [file.pk]
        assert reading_files.load_file(file_id=file.pk, at=AT).status == "LOADED"

    def test_is_not_loaded_again_once_it_is_done(self, channel: models.MeasuringComponent) -> None:
        file = load(nem12(stream(), day("20260308", ONES)))

        with pytest.raises(reading_files.FileIsLoaded):
            reading_files.load_file(file_id=file.pk, at=AT + dt.timedelta(days=1))

        assert models.InitialMeasurement.objects.count() == 1


class TestTheExamples:
    def test_load_as_they_are_described(self, sample_data: Path) -> None:
        folder = sample_data / "nem12_aemo_examples"
        meter_data.component_type("NEM-30MIN-KWH", seconds_per_interval=1800)
        names = [
            *sorted((folder / "nem12").iterdir()),
            *sorted((folder / "unzipped").glob("Example_NEM12_*.csv")),
            folder / "Example_NEM12_ManyNMIs.zip",
            folder / "Example_different_intervals.zip",
        ]

        loaded = [
            load(path.read_bytes(), name=path.name, auto_register=True, component_type="NEM-30MIN-KWH")
            for path in names
        ]

        by_status = {status: [file for file in loaded if file.status == status] for status in ("LOADED", "PARTIAL")}
        assert len(by_status["LOADED"]) == 104
        assert sum(file.intervals for file in by_status["LOADED"]) == 127_872
        [broken] = by_status["PARTIAL"]
        assert counts(broken) == ("PARTIAL", 15, 11, 4, 336, 11)
        values = models.ImdPayload.objects.filter(values__isnull=False).values_list("values", flat=True)
        assert sum(len(row) for row in values.iterator()) == 127_872 + 336


class TestLoadReadings:
    def test_prints_a_table_and_succeeds(
        self, tmp_path: Path, channel: models.MeasuringComponent, capsys: pytest.CaptureFixture[str]
    ) -> None:
        first, second = tmp_path / "NEM12#1#A#B.csv", tmp_path / "b.csv"
        first.write_bytes(nem12(stream(), day("20260308", ONES)))
        second.write_bytes(nem12(stream(), day("20260309", ONES), day("20260310", ONES[:2])))

        call_command("load_readings", str(first), str(second), "--format", "nem12")

        lines = capsys.readouterr().out.splitlines()
        assert lines[1].split() == ["NEM12#1#A#B.csv", "LOADED", "1", "1", "0", "48", "1"]
        assert lines[2].split() == ["b.csv", "PARTIAL", "2", "1", "1", "48", "1"]
        assert lines[3].startswith("b.csv:4: interval_count: ")

    def test_ends_with_code_1_when_a_file_failed(self, tmp_path: Path) -> None:
        empty = tmp_path / "empty.csv"
        empty.touch()

        with pytest.raises(CommandError) as failed:
            call_command("load_readings", str(empty), "--format", "nem12")

        assert failed.value.returncode == 1

    @pytest.mark.parametrize(("name", "wanted"), [("missing.csv", "nem12"), ("a.csv", "csv:ghost")])
    def test_says_what_is_wrong_with_its_arguments(self, tmp_path: Path, name: str, wanted: str) -> None:
        (tmp_path / "a.csv").write_bytes(b"x")

        with pytest.raises(CommandError, match=name):
            call_command("load_readings", str(tmp_path / name), "--format", wanted)

        assert not models.ReadingFile.objects.exists()
