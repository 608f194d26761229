"""Programs and what is around them in a configuration document, and the document that switches the side on."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from assets import models, queries
from assets.operations import configuration
from assets.operations.configuration_records import document_of
from integration.operations import configuration as documents
from integration.operations import setup
from outbound import queries as outbound_queries
from outbound.operations.configuration import UnableToApplyConfiguration
from outbound.transports import rest
from tests.database.assets.enrolling import answer_all, enroll, subscription_of
from tests.factories.assets import NOW, enrollment_request, set_up_programs


pytestmark = pytest.mark.django_db
DOCUMENT = Path(__file__).resolve().parents[3] / "docs/how-to/run-without-dacs.yaml"


class TestTheDocumentOfTheHowTo:
    @pytest.fixture(autouse=True)
    def installed(self):
        setup.setup(at=NOW, username="admin", password="a-long-password-1")

    def test_switches_the_side_on_and_enrolls(self):
        assert not queries.is_on()

        documents.apply_file(path=DOCUMENT, by=None, at=NOW)

        assert queries.is_on()
        client = rest.client(outbound_queries.connection("DACS"))
        assert client.request("GET", "/rest/apis/common/healthCheck").status == 200
        enrollment = enroll(enrollment_request())
        assert (enrollment.status, enrollment.message) == ("DEVICESETUP", "")
        answer_all()
        assert subscription_of(enrollment).status == "ACTIVE"

    def test_twice_it_changes_nothing_the_second_time(self):
        documents.apply_file(path=DOCUMENT, by=None, at=NOW)

        again = documents.apply_file(path=DOCUMENT, by=None, at=NOW)

        assert {
            (change.section, change.name): change.outcome for change in again if change.outcome != "unchanged"
        } == {}

    def test_takes_the_place_of_a_dacs_that_was_connected(self):
        documents.apply_document(
            document={"connections": {"DACS": {"transport": "rest", "base_url": "https://dacs.example.org"}}},
            by=None,
            at=NOW,
        )

        documents.apply_file(path=DOCUMENT, by=None, at=NOW)

        assert outbound_queries.connection("DACS").base_url == "tieline:///dacs"

    def test_the_page_names_it(self):
        page = DOCUMENT.with_suffix(".md").read_text(encoding="utf-8")

        assert "config apply docs/how-to/run-without-dacs.yaml" in page


class TestSections:
    @pytest.fixture(autouse=True)
    def program(self) -> models.Program:
        return set_up_programs()

    def test_what_is_not_named_stays(self):
        section = {"SMART-COOL": {"event_limit": 6, "starts_on": dt.date(2023, 5, 1)}, "NEW": {"reference_kw": 2.5}}

        changes = configuration.apply_records(configuration.PROGRAMS, section=section, at=NOW)

        assert [(change.name, change.outcome) for change in changes] == [("SMART-COOL", "changed"), ("NEW", "created")]
        program = models.Program.objects.get(code="SMART-COOL")
        assert (program.event_limit, program.time_zone) == (6, "America/Los_Angeles")
        assert program.starts_on == dt.date(2023, 5, 1)
        assert models.Program.objects.get(code="NEW").reference_kw == Decimal("2.5")
        assert program.history.latest("history_id").history_date == NOW
        again = configuration.apply_records(configuration.PROGRAMS, section=section, at=NOW)
        assert [change.outcome for change in again] == ["unchanged", "unchanged"]

    @pytest.mark.parametrize(
        ("_case", "section", "pointer", "said"),
        [
            ("no mapping", [], "", "programs is a mapping"),
            ("an entry that is none", {"P": 1}, "/P", "A program is a mapping"),
            ("unknown field", {"P": {"colour": "red"}}, "/P/colour", "unknown; known are identifier"),
            ("zone", {"P": {"time_zone": "Mars"}}, "/P/time_zone", "Mars is not an IANA time zone"),
            ("limit", {"P": {"event_limit": 0}}, "/P/event_limit", "greater than or equal to 1"),
            ("truth", {"P": {"needs_status_check": "yes"}}, "/P/needs_status_check", "true or false"),
            ("a number for a text", {"P": {"description": 5}}, "/P/description", "A text is expected"),
            ("true for a number", {"P": {"event_limit": True}}, "/P/event_limit", "integer"),
            ("cycle", {"P": {"cycle": "YEAR"}}, "/P/cycle", "not a valid choice"),
            ("method", {"P": {"baseline_method": "NONE"}}, "/P/baseline_method", "There is no baseline method NONE"),
            ("period", {"P": {"starts_on": "2023-05-01", "ends_on": "2023-05-01"}}, "/P", "ends after it starts"),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_applied(self, _case, section, pointer, said):
        entry = section if not isinstance(section, dict) else {"GOOD": {}, **section}

        with pytest.raises(UnableToApplyConfiguration) as refused:
            configuration.apply_records(configuration.PROGRAMS, section=entry, at=NOW)

        (error,) = refused.value.errors
        assert error["pointer"] == pointer
        assert said in error["message"]
        assert models.Program.objects.count() == 1

    def test_head_end_systems_have_their_methods_by_role(self):
        method = {"communication_type": "CTRLDVC-STATUS-CHECK", "message_type": "X1-CTRLDVCS"}
        section = {"ACME": {"external_system": "HUB", "processing_methods": {"DEVICE_STATUS_CHECK": method}}}
        configuration.apply_head_end_systems(section=section, at=NOW)
        assert configuration.head_end_systems_document()["ACME"] == {
            "description": "",
            "external_system": "HUB",
            "processing_methods": {"DEVICE_STATUS_CHECK": method},
        }

        gone = {"ACME": {"processing_methods": {"DEVICE_STATUS_CHECK": None}}}
        (change,) = configuration.apply_head_end_systems(section=gone, at=NOW)

        assert change.outcome == "changed"
        assert configuration.head_end_systems_document()["ACME"]["processing_methods"] == {}

    @pytest.mark.parametrize(
        ("_case", "methods", "pointer"),
        [
            ("role", {"READ": {}}, "/ACME/processing_methods/READ"),
            ("type", {"DEVICE_STATUS_CHECK": {"message_type": "NO"}}, "/ACME/processing_methods/DEVICE_STATUS_CHECK"),
            ("nothing", {"DEVICE_STATUS_CHECK": {}}, "/ACME/processing_methods/DEVICE_STATUS_CHECK"),
        ],
    )
    def test_a_method_that_is_wrong_is_named(self, _case, methods, pointer):
        with pytest.raises(UnableToApplyConfiguration) as refused:
            configuration.apply_head_end_systems(section={"ACME": {"processing_methods": methods}}, at=NOW)

        assert all(error["pointer"].startswith(pointer) for error in refused.value.errors)
        assert not models.HeadEndSystem.objects.filter(name="ACME").exists()

    def test_a_dry_run_says_and_does_nothing(self):
        (change,) = configuration.apply_records(configuration.PROGRAMS, section={"NEW": {}}, at=NOW, dry_run=True)

        assert (change.outcome, models.Program.objects.count()) == ("created", 1)

    def test_what_is_told_can_be_applied_elsewhere(self):
        kinds = [
            configuration.PROGRAMS,
            configuration.SPECIFICATIONS,
            configuration.ACTIVITY_TYPES,
            configuration.COMMUNICATION_TYPES,
            configuration.SERVICE_TASK_TYPES,
        ]
        head_ends = configuration.head_end_systems_document()
        told = [document_of(kind) for kind in kinds]
        assert all(told)
        models.HeadEndSystem.objects.all().delete()
        for kind in kinds:
            kind.model._default_manager.all().delete()

        for kind, document in zip(kinds, told, strict=True):
            configuration.apply_records(kind, section=document, at=NOW)
        configuration.apply_head_end_systems(section=head_ends, at=NOW)

        assert [document_of(kind) for kind in kinds] == told
        assert configuration.head_end_systems_document() == head_ends
