"""Values that a plain Django REST stack takes in silence or answers with HTML: refused, and nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from tests.factories import meter_data
from tests.factories.meter_data import day, nem12, stream
from vee.models import InitialMeasurement, ReadingFile


pytestmark = pytest.mark.django_db
PROBLEM = "application/problem+json"
FILES = "/api/v1/reading-files/"
IMDS = "/api/v1/imds/"
FORM = "multipart/form-data; boundary=b"


@pytest.fixture
def client(settings: Any, tmp_path: Any) -> APIClient:
    settings.MEDIA_ROOT = str(tmp_path)
    made = APIClient(raise_request_exception=False)
    made.force_authenticate(User.objects.create_superuser("operator", "", "x"))
    return made


def part(name: str, content: str, *, file: str = "") -> str:
    named = f'; filename="{file}"' if file else ""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{named}\r\n\r\n{content}\r\n'


def post_form(client: APIClient, *parts: str) -> Any:
    return client.generic("POST", FILES, ("".join(parts) + "--b--\r\n").encode(), content_type=FORM)


def record(**changes: Any) -> dict[str, Any]:
    return {
        "measuring_component": "MC-NY",
        "start": "2026-03-08T05:00:00Z",
        "end": "2026-03-08T05:15:00Z",
        "seconds_per_interval": 900,
        "uom": "KWH",
        "values": ["1"],
        **changes,
    }


class TestAForm:
    GOOD = part("file", nem12(stream(), day("20260308", ["1.5"] * 48)).decode(), file="a.csv")

    @pytest.mark.parametrize(
        "parts",
        [
            pytest.param([part(f"field{number}", "x") for number in range(10_100)], id="more fields than a page has"),
            pytest.param([part(f"file{number}", "x", file="a") for number in range(150)], id="150 files"),
        ],
    )
    def test_of_very_many_parts_is_too_large(self, client: APIClient, parts: list[str]) -> None:
        answer = post_form(client, part("format", "nem12"), self.GOOD, *parts)

        assert (answer.status_code, answer.headers["Content-Type"]) == (413, PROBLEM), answer.content[:300]
        assert answer.json()["code"] == "too_large"
        assert not ReadingFile.objects.exists()


class TestARecord:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            pytest.param({"start": "2026-03-08T02:30"}, "start", id="a local time, and one that does not exist"),
            pytest.param({"end": "2026-11-01T01:30:00"}, "end", id="a local time that there is twice"),
            pytest.param({"start": "0001-01-01T00:00:00+14:00"}, "start", id="before the first year"),
            pytest.param({"end": "9999-12-31T23:59:59-14:00"}, "end", id="after the last year"),
            pytest.param({"values": ["1_000"]}, "values", id="a number with an underscore"),
            pytest.param({"values": ["\u0661\u0662\u0663"]}, "values", id="Arabic digits"),
            pytest.param({"values": ["12,5"]}, "values", id="a comma for the point"),
            pytest.param({"values": ["NaN"]}, "values", id="no number"),
            pytest.param({"values": ["Infinity"]}, "values", id="without an end"),
            pytest.param({"values": ["1e400"]}, "values", id="an exponent that is out of range"),
            pytest.param({"values": ["9" * 40]}, "values", id="more digits than are kept"),
            pytest.param({"values": [""]}, "values", id="nothing"),
            pytest.param({"values": [True]}, "values", id="a truth value"),
        ],
    )
    def test_that_cannot_be_meant_is_refused_and_named(
        self, client: APIClient, changes: dict[str, Any], field: str
    ) -> None:
        meter_data.component("MC-NY")

        (result,) = client.post(IMDS, [record(**changes)], format="json").json()

        assert result["error"]["status"] == 400
        assert {error["pointer"].split("/")[1] for error in result["error"]["errors"]} == {field}
        assert not InitialMeasurement.objects.exists()


class TestAnInstantInAFilter:
    LISTS = (
        "/api/v1/flow-runs/?started_after=",
        "/api/v1/enrollments/?received_before=",
        "/api/v1/usage-transactions/?start_from=",
        "/api/v1/sync-requests/?created_after=",
        "/api/v1/outbound-messages/?created_after=",
    )

    @pytest.mark.parametrize("address", LISTS)
    @pytest.mark.parametrize("instant", ["2026-10-29T21:06:43.8%2B21:30", "2026-10-29T21:06:43-23:59"])
    def test_may_have_any_offset_that_iso_8601_has(self, client: APIClient, address: str, instant: str) -> None:
        answer = client.get(address + instant)

        assert answer.status_code == 200, answer.content

    @pytest.mark.parametrize("address", LISTS)
    @pytest.mark.parametrize("instant", ["0001-01-01T00:00:00%2B10:00", "9999-12-31T23:59:59-01:00"])
    def test_must_have_a_year_in_utc(self, client: APIClient, address: str, instant: str) -> None:
        answer = client.get(address + instant)

        assert (answer.status_code, answer.headers["Content-Type"]) == (400, PROBLEM), answer.content
