from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from tests.factories.meter_data import AT
from vee.models import ColumnProfile
from vee.operations import column_profiles
from vee.operations.configuration import UnableToApplyConfiguration


pytestmark = pytest.mark.django_db
ENTRY = {
    "code": "amr",
    "description": "Half hours of schools",
    "arrangement": "ROW_PER_DAY",
    "component_column": "MPAN",
    "date_column": "Date",
    "date_format": "%d/%m/%y",
    "value_column": "00:30",
    "seconds_per_interval": 1800,
    "uom": "KWH",
    "unit_factor": 0.001,
    "no_value": ["-"],
    "quality_column": "Est",
    "quality_conditions": {"A": 501000, "E": 401000},
}


def apply(*entries: Any, **options: Any) -> list[str]:
    applied = column_profiles.apply_column_profiles(section=list(entries), by=None, at=AT, **options)
    return [str(entry) for entry in applied]


def refusal(*entries: Any) -> list[tuple[str, str]]:
    with pytest.raises(UnableToApplyConfiguration) as refused:
        apply(*entries)
    return [(error["pointer"], error["code"]) for error in refused.value.errors]


class TestApplyColumnProfiles:
    def test_creates_changes_and_leaves_alone(self) -> None:
        assert apply(ENTRY) == ["column_profiles amr: created"]
        assert apply(ENTRY) == ["column_profiles amr: unchanged"]
        assert apply({"code": "amr", "label": "END"}) == ["column_profiles amr: changed"]

        profile = ColumnProfile.objects.get()
        assert (profile.label, profile.unit_factor, profile.no_value) == ("END", Decimal("0.001"), ["-"])
        assert profile.history.count() == 2

    def test_gives_back_what_it_was_given(self) -> None:
        apply(ENTRY)

        document = column_profiles.column_profiles_document()

        assert {key: document[0][key] for key in ENTRY} == {**ENTRY, "unit_factor": Decimal("0.001")}
        assert list(document[0]) == ["code", "description", *column_profiles.LAYOUT_FIELDS]
        assert apply(*document) == ["column_profiles amr: unchanged"]

    def test_changes_nothing_on_a_dry_run(self) -> None:
        assert apply(ENTRY, dry_run=True) == ["column_profiles amr: created"]
        assert not ColumnProfile.objects.exists()

    @pytest.mark.parametrize(
        ("entries", "expected"),
        [
            (({**ENTRY, "label": "MIDDLE"},), [("/0/label", "invalid")]),
            (({**ENTRY, "colour": "red"},), [("/0/colour", "unknown_field")]),
            (({**ENTRY, "uom": ""},), [("/0/uom", "invalid")]),
            (({**ENTRY, "code": "a b"},), [("/0/code", "invalid")]),
            (({**ENTRY, "description": 7},), [("/0/description", "invalid")]),
            (({"description": "x"},), [("/0/code", "required")]),
            ((ENTRY, ENTRY), [("/1/code", "repeated")]),
            (("amr",), [("/0", "invalid")]),
            (({**ENTRY, "unit_factor": "1e-12"},), [("/0/unit_factor", "invalid")]),
            (({**ENTRY, "quality_conditions": {"A": 1}},), [("/0/quality_conditions", "invalid")]),
        ],
    )
    def test_refuses_all_when_one_makes_no_sense(self, entries: Any, expected: list[tuple[str, str]]) -> None:
        assert refusal({**ENTRY, "code": "good"}, *entries)[0][1] == expected[0][1]
        assert not ColumnProfile.objects.exists()

    def test_takes_what_its_page_shows(self) -> None:
        page = (Path(__file__).parents[3] / "docs/reference/file-formats.md").read_text(encoding="utf-8")
        [example] = re.findall(r"```yaml\n(column_profiles:.*?)```", page, re.DOTALL)

        assert apply(*yaml.safe_load(example)["column_profiles"]) == [
            "column_profiles school-days: created",
            "column_profiles water-reads: created",
        ]

    def test_is_given_as_a_list(self) -> None:
        with pytest.raises(UnableToApplyConfiguration):
            column_profiles.apply_column_profiles(section={"code": "amr"}, by=None, at=AT)


class TestTheApi:
    ADDRESS = "/api/v1/column-profiles/amr/"

    @pytest.fixture
    def client(self) -> APIClient:
        caller = APIClient()
        caller.force_authenticate(get_user_model().objects.create_superuser("ada", password="x"))
        return caller

    def test_creates_reads_and_changes_one(self, client: APIClient) -> None:
        body = {name: value for name, value in ENTRY.items() if name != "code"}

        created = client.put(self.ADDRESS, body, format="json")
        changed = client.put(self.ADDRESS, {"time_zone": "Europe/London"}, format="json")

        assert (created.status_code, changed.status_code) == (201, 200)
        answer = client.get(self.ADDRESS).json()
        assert (answer["code"], answer["time_zone"], answer["quality_conditions"]) == (
            "amr",
            "Europe/London",
            {"A": 501000, "E": 401000},
        )
        assert [row["code"] for row in client.get("/api/v1/column-profiles/?search=am").json()["results"]] == ["amr"]
        assert ColumnProfile.objects.get().history.latest().history_user.username == "ada"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [({"code": "other"}, "/code"), ({**ENTRY, "date_column": ""}, "/date_column"), ({"sheet": 7}, "/sheet")],
    )
    def test_refuses_what_makes_no_sense_by_name(self, client: APIClient, body: Any, pointer: str) -> None:
        answer = client.put(self.ADDRESS, body, format="json")

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert not ColumnProfile.objects.exists()

    def test_knows_what_is_not_there_and_who_may_not(self, client: APIClient) -> None:
        stranger = APIClient()
        stranger.force_authenticate(get_user_model().objects.create_user("bob"))

        assert client.get(self.ADDRESS).status_code == 404
        assert client.put(self.ADDRESS, [1], format="json").status_code == 400
        assert stranger.put(self.ADDRESS, ENTRY, format="json").status_code == 403


class TestTheAdmin:
    @pytest.fixture
    def page(self, client: Client) -> Client:
        client.force_login(get_user_model().objects.create_superuser("ada", password="x"))
        return client

    FORM = {
        "code": "amr", "arrangement": "ROW_PER_READING", "content": "INTERVAL", "delimiter": ";", "encoding": "utf-8",
        "skip_rows": "0", "has_header": "on", "component_column": "meter", "date_column": "time",
        "value_column": "value", "time_shift": "DEVICE", "label": "START", "seconds_per_interval": "900",
        "day_columns": "SEQUENCE", "uom": "KWH", "unit_factor": "1", "no_value": "[]", "quality_conditions": "{}",
        "total_tolerance": "0",
    }  # fmt: skip

    def test_saves_a_profile_and_offers_it_for_uploads(self, page: Client) -> None:
        answer = page.post(reverse("admin:vee_columnprofile_add"), self.FORM)

        assert answer.status_code == 302, answer.content
        assert ColumnProfile.objects.get().delimiter == ";"
        assert b'value="csv:amr"' in page.get(reverse("admin:vee_readingfile_upload_form")).content
        assert page.get(reverse("admin:vee_columnprofile_changelist")).status_code == 200

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"seconds_per_interval": "7"}, b"does not divide a day"),
            ({"quality_conditions": '{"A": 1}'}, b"quality_conditions"),
            ({"code": "a b"}, b"Letters, digits"),
            ({"time_zone": "Mars"}, b"not an IANA time zone"),
        ],
    )
    def test_tells_what_makes_no_sense_at_the_field(self, page: Client, changes: Any, message: bytes) -> None:
        answer = page.post(reverse("admin:vee_columnprofile_add"), {**self.FORM, **changes})

        assert answer.status_code == 200
        assert message in answer.content
        assert not ColumnProfile.objects.exists()
