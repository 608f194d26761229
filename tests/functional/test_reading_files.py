"""Files of readings: by upload, and by the commands that operators use."""

from __future__ import annotations

import time
from datetime import timedelta
from pathlib import Path

import pytest

from tests.functional.harness.client import Client, problem
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.records import DAY, iso, meter, name, values


_NMI = iter(range(10))


@pytest.fixture
def nmi(client: Client) -> str:
    """A national meter identifier of ten characters whose channel E1 is registered."""
    identifier = f"64{time.time_ns() // 1_000_000 % 10_000_000:07d}{next(_NMI)}"
    lines = meter(f"{identifier}-E1", component_type="FN-30MIN-KWH", time_zone="Australia/Brisbane")
    assert client.master_data(*lines).status_code == 200
    return identifier


def nem12(nmi: str, *, bad_day: bool) -> str:
    """Three half-hourly days in NEM12; the second one has a value that is none."""
    rows = ["100,NEM12,202405070100,MDP1,RETAIL1", f"200,{nmi},E1,E1,E1,,METER1,KWH,30,"]
    for date in ("20240506", "20240507", "20240508"):
        readings = [f"{0.1 + 0.01 * (index % 6):.3f}" for index in range(48)]
        if bad_day and date == "20240507":
            readings[7] = "1O.5"
        rows.append(f"300,{date},{','.join(readings)},A,,,20240509010000,")
    return "\r\n".join([*rows, "900", ""])


def upload(client: Client, content: str, format_: str, file_name: str = "readings.csv") -> str:
    answer = client.post(
        "/api/v1/reading-files/", files={"file": (file_name, content.encode())}, data={"format": format_}
    )
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


class TestNem12:
    def test_a_good_file_is_loaded_and_becomes_measurements(self, client: Client, nmi: str) -> None:
        report = client.loaded_file(upload(client, nem12(nmi, bad_day=False), "nem12"))

        assert report["status"] == "LOADED", report
        assert (report["intervals"], report["imds"], report["rows_rejected"]) == (144, 3, 0)
        rows = wait_until(
            "the measurements",
            lambda: self.complete(
                client.measurements(f"{nmi}-E1", "2024-05-05T14:00:00Z", "2024-05-08T14:00:00Z"), 144
            ),
        )
        assert rows[0]["end"] == "2024-05-05T14:30:00Z"
        assert rows[0]["value"] == 0.1

    def test_one_bad_row_is_reported_with_its_line_and_stops_nothing(self, client: Client, nmi: str) -> None:
        report = client.loaded_file(upload(client, nem12(nmi, bad_day=True), "nem12"))

        assert report["status"] == "PARTIAL", report
        assert report["rows_rejected"] == 1
        assert report["rows_read"] == report["rows_accepted"] + report["rows_rejected"]
        assert [error["line"] for error in report["errors"]] == [4]
        assert report["errors"][0]["code"]
        assert report["errors"][0]["message"]
        assert (report["intervals"], report["imds"]) == (96, 2)

    def test_a_file_without_its_header_fails_as_a_whole(self, client: Client) -> None:
        report = client.loaded_file(upload(client, "200,1,E1\r\n900\r\n", "nem12"))

        assert report["status"] == "FAILED", report
        assert report["intervals"] == 0

    def test_an_unknown_format_is_refused(self, client: Client) -> None:
        answer = client.post("/api/v1/reading-files/", files={"file": ("a.csv", b"x")}, data={"format": "nem99"})

        problem(answer, 400)

    @staticmethod
    def complete(rows: list[dict[str, object]], count: int) -> list[dict[str, object]] | None:
        return rows if len(rows) == count else None


class TestColumnProfiles:
    def test_a_sites_own_file_becomes_measurements_that_leave_as_green_button(self, client: Client) -> None:
        component = name("MC-COL")
        assert client.master_data(*meter(component)).status_code == 200
        profile = {
            "delimiter": ";",
            "decimal_comma": True,
            "component_column": "Zähler",
            "date_column": "Zeit",
            "date_format": "%d.%m.%Y %H:%M",
            "value_column": "Wert",
            "seconds_per_interval": 900,
            "uom": "KWH",
        }
        assert client.put("/api/v1/column-profiles/functional/", json=profile).status_code in (200, 201)
        # The device's clock has standard time: it shows 23:00 when the summer's day begins.
        lines = ["Zähler;Zeit;Wert"]
        for index, value in enumerate(values()):
            clock = DAY + timedelta(minutes=15 * index) - timedelta(hours=5)
            lines.append(f"{component};{clock:%d.%m.%Y %H:%M};{str(value).replace('.', ',')}")

        report = client.loaded_file(upload(client, "\n".join(lines), "csv:functional"))

        assert (report["status"], report["intervals"], report["rows_rejected"]) == ("LOADED", 96, 0), report
        rows = wait_until(
            "the measurements", lambda: client.measurements(component, iso(DAY), iso(DAY + timedelta(days=1)))
        )
        assert [row["value"] for row in rows] == values()
        period = f"start={iso(DAY)}&end={iso(DAY + timedelta(days=1))}"
        address = f"/api/v1/measurements/export/?measuring_component={component}&{period}&format_out=green_button"
        feed = client.get(address)
        assert feed.headers["Content-Type"].startswith("application/atom+xml")
        again = client.loaded_file(upload(client, feed.text, "green_button", "feed.xml"))
        assert (again["status"], again["intervals"]) == ("LOADED", 96), again


class TestCommands:
    def test_load_readings_stores_and_process_imds_finishes(
        self, client: Client, product: Product, tmp_path: Path
    ) -> None:
        component = name("MC-CSV")
        assert client.master_data(*meter(component)).status_code == 200
        lines = ["measuring_component,start,seconds_per_interval,uom,value"]
        for index, value in enumerate(values()):
            lines.append(f"{component},{iso(DAY + timedelta(seconds=900 * index))},900,KWH,{value}")
        file = tmp_path / "day.csv"
        file.write_text("\n".join(lines) + "\n")

        product.manage("load_readings", str(file), "--format", "csv")
        product.manage("process_imds")

        rows = wait_until(
            "the measurements", lambda: client.measurements(component, iso(DAY), iso(DAY + timedelta(days=1)))
        )
        assert [row["value"] for row in rows] == values()

    def test_load_readings_says_which_row_was_refused(self, client: Client, product: Product, tmp_path: Path) -> None:
        component = name("MC-CSV")
        assert client.master_data(*meter(component)).status_code == 200
        file = tmp_path / "day.csv"
        file.write_text(
            "measuring_component,start,seconds_per_interval,uom,value\n"
            f"{component},{iso(DAY)},900,KWH,0.2\n"
            f"{component},{iso(DAY + timedelta(minutes=15))},900,KWH,much\n"
        )

        done = product.manage("load_readings", str(file), "--format", "csv", check=False)

        assert "3" in done.stdout + done.stderr
        assert "much" in done.stdout + done.stderr or "value" in done.stdout + done.stderr

    def test_a_file_that_is_not_there_is_an_error(self, product: Product) -> None:
        done = product.manage("load_readings", "/nowhere/nothing.csv", "--format", "csv", check=False)

        assert done.returncode != 0
        assert "nothing.csv" in done.stderr
        assert "Traceback" not in done.stderr
