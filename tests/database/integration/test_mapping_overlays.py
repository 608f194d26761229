"""Mapping overlays: drafted, activated, retired, applied to messages, and kept through upgrades."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.db import DatabaseError
from django.utils import timezone
from rest_framework.test import APIClient

from integration import mapping_queries
from integration.flows import base_mappings, health_check
from integration.flows.overlay_checks import FieldEdit
from integration.models import FlowRun, Incident, MappingOverlay, Payload, Reservation, UnmappedElement
from integration.operations import (
    mapping_overlay_configuration,
    mapping_overlays,
    mapping_previews,
    unmapped_elements,
)
from integration.operations.mapping_overlays import UnableToActOnOverlay, UnableToSaveOverlay
from outbound.models import Mail, OutboundMessage
from outbound.operations.configuration import UnableToApplyConfiguration
from tests.database.integration import reservations as given
from tests.database.integration.conftest import Dacs
from tests.database.integration.participation import Participation, serving
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

AT = dt.datetime(2026, 3, 2, 10, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
SHORT = "/api/v1/flows/enrollment_request/enroll-to-dacs"
ADDRESS = FieldEdit(target="locationInfo.address2", expression="locationInfo.address2")
NAME = FieldEdit(target="customerInfo.name", expression="upper(customerInfo.name)")


@pytest.fixture(autouse=True)
def _nothing_gathered() -> None:
    unmapped_elements.forget()
    health_check.forget()


@pytest.fixture
def derms() -> APIClient:
    client = APIClient()
    client.force_authenticate(factory.user("derms", rights=["integration.call_flow"]))
    return client


def in_effect(*fields: FieldEdit, mapping: str = "enrollment_request", at: dt.datetime | None = None) -> MappingOverlay:
    return mapping_overlays.put_in_effect(
        mapping=mapping, fields=fields, note="", by=None, at=at or timezone.now() - HOUR
    )


class TestLifeOfAVersion:
    @pytest.fixture(autouse=True)
    def _prepared(self) -> None:
        factory.prepare()

    def draft(self, *fields: FieldEdit, at: dt.datetime = AT) -> MappingOverlay:
        made = mapping_overlays.new_draft(mapping="enrollment_request", by=None, at=at)
        return mapping_overlays.save_draft(overlay_id=made.pk, fields=fields, note="", by=None, at=at).overlay

    def test_is_drafted_activated_followed_and_retired(self) -> None:
        first = self.draft(ADDRESS)
        assert mapping_queries.active("enrollment_request", at=AT) is None
        mapping_overlays.activate(overlay_id=first.pk, by=None, at=AT)
        assert mapping_queries.active("enrollment_request", at=AT) == first

        second = mapping_overlays.new_draft(mapping="enrollment_request", by=None, at=AT)
        assert (second.version, [field.target for field in second.fields.all()]) == (2, [ADDRESS.target])
        mapping_overlays.activate(overlay_id=second.pk, effective_from=AT + HOUR, by=None, at=AT)

        found = [mapping_queries.active("enrollment_request", at=AT + HOUR * hours) for hours in (-1, 0, 1, 2)]
        assert found == [None, first, second, second]
        states = [str(row.state_at(AT)) for row in MappingOverlay.objects.order_by("version")]
        assert states == ["ACTIVE", "SCHEDULED"]
        mapping_overlays.retire(overlay_id=second.pk, by=None, reason="no longer", at=AT + 2 * HOUR)
        assert mapping_queries.active("enrollment_request", at=AT + 2 * HOUR) is None
        # What was is still told.
        assert mapping_queries.active("enrollment_request", at=AT + HOUR) == second

    def test_one_that_is_withdrawn_lets_the_one_before_go_on(self) -> None:
        first = self.draft(ADDRESS)
        mapping_overlays.activate(overlay_id=first.pk, by=None, at=AT)
        second = self.draft(NAME)
        mapping_overlays.activate(overlay_id=second.pk, effective_from=AT + HOUR, by=None, at=AT)

        mapping_overlays.retire(overlay_id=second.pk, by=None, reason="not yet", at=AT)

        assert mapping_queries.active("enrollment_request", at=AT + 2 * HOUR) == first
        assert [str(row.state_at(AT)) for row in MappingOverlay.objects.order_by("version")] == ["ACTIVE", "RETIRED"]

    def test_an_activated_version_stays_as_it_is(self) -> None:
        row = self.draft(ADDRESS)
        mapping_overlays.activate(overlay_id=row.pk, by=None, at=AT)

        with pytest.raises(UnableToActOnOverlay, match="was activated: it stays as it is"):
            mapping_overlays.save_draft(overlay_id=row.pk, fields=[NAME], note="", by=None, at=AT)
        with pytest.raises(UnableToActOnOverlay, match="it is evidence"):
            mapping_overlays.discard_draft(overlay_id=row.pk, by=None, at=AT)
        with pytest.raises(UnableToActOnOverlay, match="was activated before"):
            mapping_overlays.activate(overlay_id=row.pk, by=None, at=AT)

        assert [field.target for field in row.fields.all()] == [ADDRESS.target]

    def test_refuses_dates_and_states_that_do_not_do(self) -> None:
        first, second = self.draft(ADDRESS), None
        with pytest.raises(UnableToActOnOverlay, match="The date has passed"):
            mapping_overlays.activate(overlay_id=first.pk, effective_from=AT - HOUR, by=None, at=AT)
        with pytest.raises(UnableToActOnOverlay, match="is not active"):
            mapping_overlays.retire(overlay_id=first.pk, by=None, reason="", at=AT)
        mapping_overlays.activate(overlay_id=first.pk, effective_from=AT + HOUR, by=None, at=AT)
        second = self.draft(NAME)
        with pytest.raises(UnableToActOnOverlay, match="Version 1 is to take effect on 2026-03-02 11:00 UTC"):
            mapping_overlays.activate(overlay_id=second.pk, by=None, at=AT)
        assert MappingOverlay.objects.get(pk=second.pk).is_draft
        empty = mapping_overlays.save_draft(overlay_id=second.pk, fields=[], note="", by=None, at=AT).overlay
        with pytest.raises(UnableToActOnOverlay, match="no field yet"):
            mapping_overlays.activate(overlay_id=empty.pk, by=None, at=AT)

    def test_a_refused_save_changes_nothing(self) -> None:
        row = self.draft(ADDRESS)
        bad = [
            FieldEdit(target="nowhere", expression="a["),
            FieldEdit(target="customerInfo.email", expression="lookupValue('NO-TABLE', 'a', name, 'b')"),
        ]

        with pytest.raises(UnableToSaveOverlay) as refused:
            mapping_overlays.save_draft(overlay_id=row.pk, fields=bad, note="x" * 501, by=None, at=AT)

        assert sorted(error["pointer"] for error in refused.value.errors) == [
            "/fields/0/expression",
            "/fields/0/target",
            "/fields/1/expression",
            "/note",
        ]
        assert [field.target for field in row.fields.all()] == [ADDRESS.target]

    def test_the_history_tells_who_did_what(self) -> None:
        person = factory.user("author")
        row = mapping_overlays.new_draft(mapping="enrollment_request", by=person, at=AT)
        mapping_overlays.save_draft(overlay_id=row.pk, fields=[ADDRESS], note="", by=person, at=AT)
        mapping_overlays.activate(overlay_id=row.pk, by=person, at=AT)

        told = [(each.history_user.username, each.history_change_reason) for each in row.history.order_by("pk")]
        assert told == [
            ("author", "drafted"),
            ("author", "locationInfo.address2"),
            ("author", "activated from 2026-03-02 10:00 UTC"),
        ]

    @pytest.mark.parametrize("name", list(base_mappings.MAPPINGS))
    def test_every_mapping_takes_an_extra_field(self, name: str) -> None:
        row = mapping_overlays.put_in_effect(
            mapping=name,
            fields=[FieldEdit(target="siteNote", expression="'x'", extra=True)],
            note="",
            by=None,
            at=AT,
        )

        assert mapping_queries.misfits_of(row) == []
        shown = mapping_previews.preview(row, run_id=None, mask=True, at=AT)
        assert shown.changed == (("/siteNote", "overlay (added)"),)
        assert [line.right for line in shown.lines if line.differs and "siteNote" in line.right] != []


class TestMessages:
    @pytest.fixture(autouse=True)
    def _prepared(self, dacs: Dacs) -> None:
        factory.prepare(base_url=dacs.base_url)

    def test_changes_one_field_of_new_messages_and_the_run_tells_its_version(
        self, dacs: Dacs, derms: APIClient
    ) -> None:
        before = derms.post(SHORT, factory.collection(factory.record("E-1", locationInfo__address2="Unit 4")), "json")
        in_effect(ADDRESS)
        after = derms.post(SHORT, factory.collection(factory.record("E-2", locationInfo__address2="Unit 4")), "json")

        first, second = dacs.bodies()
        assert second["locationInfo"].pop("address2") == "Unit 4"
        assert {**second, "transactionId": "E-1"} == first
        assert FlowRun.objects.get(pk=before["X-Flow-Run"]).overlay_versions == {}
        run = FlowRun.objects.get(pk=after["X-Flow-Run"])
        assert run.overlay_versions == {"enrollment_request": 1}
        assert run.steps.get(name="Translate to DACS").detail == [
            {"code": "overlay", "text": "With overlay enrollment_request version 1: locationInfo.address2"}
        ]

    def test_a_record_that_the_overlay_fails_on_is_a_technical_fault_and_the_others_go_on(
        self, dacs: Dacs, derms: APIClient
    ) -> None:
        in_effect(FieldEdit(target="customerInfo.name", expression="customerInfo.title", when_empty="FAIL"))
        titled = factory.record("E-2")
        titled["customerInfo"]["title"] = "Dr Rivera"

        answer = derms.post(SHORT, factory.collection(factory.record("E-1"), titled), format="json")

        failed, sent = answer.json()["responses"]
        assert (failed["responseCode"], sent["responseCode"]) == ("FAILURE", "SUCCESS")
        assert failed["errors"] == [
            {
                "pointer": "/params/0/customerInfo/name",
                "code": "no_value",
                "message": "overlay enrollment_request version 1, field customerInfo.name: it gives nothing",
            }
        ]
        assert dacs.transaction_ids() == ["E-2"]
        run = FlowRun.objects.get(pk=answer["X-Flow-Run"])
        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "TECHNICAL", "overlay_failed")
        assert (Incident.objects.count(), Mail.objects.count()) == (1, 1)
        # DERMS sends it again once the overlay is right.
        in_effect(FieldEdit(target="customerInfo.name", expression="customerInfo.title"), at=timezone.now())
        again = derms.post(SHORT, factory.collection(factory.record("E-1"), titled), format="json")
        assert [entry["responseCode"] for entry in again.json()["responses"]] == ["SUCCESS", "SUCCESS"]
        assert dacs.transaction_ids() == ["E-2", "E-1"]

    def test_without_an_overlay_a_message_costs_one_query_more(self, derms: APIClient) -> None:
        derms.post(SHORT, factory.collection(factory.record("E-1")), format="json")
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as found:
            derms.post(SHORT, factory.collection(factory.record("E-2")), format="json")

        asked = [query["sql"] for query in found.captured_queries if "mappingoverlay" in query["sql"]]
        written = [query["sql"] for query in found.captured_queries if "unmappedelement" in query["sql"]]
        assert (len(asked), written) == (1, [])

    def test_lookups_of_expressions_are_noted_with_their_version(self, dacs: Dacs, derms: APIClient) -> None:
        expression = "lookupValue('OUTL-BRT-DACS_DRMS_AssetType', 'DRMS_ASSET_TYPE', 'THERMOSTAT', 'DACS_ASSET_TYPE')"
        in_effect(FieldEdit(target="programInfo.kind", expression=expression, extra=True))

        answer = derms.post(SHORT, factory.collection(factory.record("E-1")), format="json")

        assert dacs.bodies()[0]["programInfo"]["kind"] == "SMART-THERMOSTAT"
        assert "OUTL-BRT-DACS_DRMS_AssetType" in FlowRun.objects.get(pk=answer["X-Flow-Run"]).lookup_versions


class TestFiles:
    @pytest.fixture
    def peer(self) -> Iterator[Participation]:
        with serving() as known:
            yield known

    def run(self) -> FlowRun:
        return FlowRun.objects.get(flow__name="event_device_reservation")

    def test_sets_fields_of_rows_and_of_the_whole_and_refuses_rows_one_by_one(
        self, peer: Participation, derms: APIClient
    ) -> None:
        given.prepare(peer.base_url)
        in_effect(
            FieldEdit(target="deviceList[].zone", expression="zone", extra=True, when_empty="FAIL"),
            FieldEdit(target="operator", expression="eventStatus", extra=True),
            mapping="event_device_reservation",
        )
        lines = given.rows(3).splitlines()
        content = "\n".join(
            f"{line},{zone}" for line, zone in zip(lines, ["zone", "north", "", "south"], strict=True)
        ).encode()

        answer = given.post(derms, given.request(recordCount=3), content)
        assert answer.status_code == 202, answer.content
        given.process(self.run())

        (sent,) = peer.calls(given.RESERVE)
        assert sent["operator"] == "SCHEDULED"
        assert [device["zone"] for device in sent["deviceList"]] == ["north", "south"]
        run = self.run()
        assert run.overlay_versions == {"event_device_reservation": 1}
        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "TECHNICAL", "overlay_failed")
        assert sorted(Reservation.objects.values_list("line", "state")) == [
            (2, "RESERVED"),
            (3, "FAILED"),
            (4, "RESERVED"),
        ]
        acknowledgement = json.loads(bytes(OutboundMessage.objects.get(message_type__code="RESERVATION-ACK").payload))
        assert (acknowledgement["successCount"], acknowledgement["errorCount"]) == (2, 1)
        (told,) = acknowledgement["responses"]
        assert told["responseCode"] == "FAILURE"
        assert "line 3: overlay event_device_reservation version 1, field deviceList[].zone" in told["value"]

    def test_what_fails_for_the_whole_stops_the_attempt(self, peer: Participation, derms: APIClient) -> None:
        given.prepare(peer.base_url)
        in_effect(
            FieldEdit(target="operator", expression="missing", extra=True, when_empty="FAIL"),
            mapping="event_device_reservation",
        )

        given.post(derms, given.request(), given.rows(2))
        given.process(self.run())

        assert peer.calls(given.RESERVE) == []
        run = self.run()
        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "TECHNICAL", "overlay_failed")


class TestUnmapped:
    def test_is_gathered_and_written_when_something_is_new_or_a_minute_has_passed(self) -> None:
        message = factory.record(locationInfo__address2="Unit 4")
        unmapped_elements.observe("enrollment_request", message, at=AT)
        for seconds in (1, 2, 3):
            unmapped_elements.observe("enrollment_request", message, at=AT + dt.timedelta(seconds=seconds))

        row = UnmappedElement.objects.get(path="locationInfo.address2")
        assert (row.count, row.kind, row.first_seen_at) == (1, "text", AT)
        unmapped_elements.observe("enrollment_request", message, at=AT + dt.timedelta(seconds=61))
        row.refresh_from_db()
        assert (row.count, row.last_seen_at) == (5, AT + dt.timedelta(seconds=61))

    def test_keeps_no_value(self) -> None:
        message = factory.record(locationInfo__address2="Unit 4")
        message["Rivera, Dana"] = "x"
        unmapped_elements.observe("enrollment_request", message, at=AT)

        assert "Unit 4" not in str(list(UnmappedElement.objects.values()))
        assert sorted(UnmappedElement.objects.values_list("path", flat=True)) == [
            "drmsInstanceId",
            "locationInfo.address2",
        ]

    def test_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(unmapped_elements, "MAX_ELEMENTS", 3)
        for number in range(10):
            unmapped_elements.observe("enrollment_request", {f"new{number}": "x"}, at=AT)

        assert UnmappedElement.objects.count() == 3

    def test_trouble_with_it_does_not_touch_the_message(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: Any, **kwargs: Any) -> None:
            raise DatabaseError("disk full")

        monkeypatch.setattr(unmapped_elements, "_write", broken)

        unmapped_elements.observe("enrollment_request", {"new": "x"}, at=AT)

        assert UnmappedElement.objects.count() == 0


class TestUpgrades:
    def test_what_no_longer_fits_is_told_and_kept(self, capsys: pytest.CaptureFixture[str]) -> None:
        factory.prepare()
        row = in_effect(ADDRESS)
        row.fields.update(target="locationInfo.address9")
        MappingOverlay.objects.create(
            mapping="gone_with_the_release", version=1, created_at=AT, effective_from=AT, activated_at=AT
        )

        assert [(misfit.overlay.mapping, misfit.target) for misfit in mapping_queries.misfits(at=timezone.now())] == [
            ("enrollment_request", "locationInfo.address9"),
            ("gone_with_the_release", ""),
        ]
        call_command("check", databases=["default"])
        told = capsys.readouterr().err
        assert "integration.W001" in told
        assert "The mapping overlay enrollment_request version 1, field locationInfo.address9 no longer fits" in told
        assert row.fields.count() == 1

    def test_a_message_that_such_an_overlay_would_map_is_still_mapped(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        row = in_effect(ADDRESS)
        row.fields.update(target="locationInfo.address9")

        derms.post(SHORT, factory.collection(factory.record("E-1", locationInfo__address2="Unit 4")), format="json")

        assert dacs.bodies()[0]["locationInfo"]["address9"] == "Unit 4"


class TestConfiguration:
    DOCUMENT = {
        "enrollment_request": {
            "note": "second line of the address",
            "fields": [{"target": "locationInfo.address2", "expression": "locationInfo.address2"}],
        }
    }

    @pytest.fixture(autouse=True)
    def _prepared(self) -> None:
        factory.prepare()

    def applied(self, section: Any, *, at: dt.datetime = AT) -> list[str]:
        done = mapping_overlay_configuration.apply_mapping_overlays(section=section, by=None, at=at)
        return [f"{each.name} {each.outcome}" for each in done]

    def test_puts_in_effect_once_and_gives_what_it_takes(self) -> None:
        assert self.applied(self.DOCUMENT) == ["enrollment_request created"]
        exported = mapping_overlay_configuration.mapping_overlays_document(at=AT)

        assert self.applied(self.DOCUMENT) == ["enrollment_request unchanged"]
        assert self.applied(exported) == ["enrollment_request unchanged"]
        assert MappingOverlay.objects.count() == 1
        assert exported == {
            "enrollment_request": {
                "note": "second line of the address",
                "fields": [
                    {
                        "target": "locationInfo.address2",
                        "expression": "locationInfo.address2",
                        "when_empty": "KEEP",
                        "extra": False,
                        "note": "",
                    }
                ],
                "next": None,
            }
        }

    def test_a_later_version_is_scheduled_and_withdrawn(self) -> None:
        later = {"effective_from": AT + HOUR, "fields": [{"target": "customerInfo.name", "expression": "'x'"}]}
        self.applied({"enrollment_request": {**self.DOCUMENT["enrollment_request"], "next": later}})
        exported = mapping_overlay_configuration.mapping_overlays_document(at=AT)

        assert self.applied(exported) == ["enrollment_request unchanged"]
        active = mapping_queries.active("enrollment_request", at=AT + 2 * HOUR)
        assert active is not None
        assert [field.target for field in active.fields.all()] == ["customerInfo.name"]
        assert self.applied({"enrollment_request": {"next": None}}) == ["enrollment_request changed"]
        active = mapping_queries.active("enrollment_request", at=AT + 2 * HOUR)
        assert active is not None
        assert [field.target for field in active.fields.all()] == ["locationInfo.address2"]

    def test_no_fields_retires_and_a_draft_stays(self) -> None:
        self.applied(self.DOCUMENT)
        draft = mapping_overlays.new_draft(mapping="enrollment_request", by=None, at=AT)

        assert self.applied({"enrollment_request": {"fields": []}}, at=AT + HOUR) == ["enrollment_request changed"]

        assert mapping_queries.active("enrollment_request", at=AT + HOUR) is None
        assert MappingOverlay.objects.get(pk=draft.pk).is_draft
        self.applied(self.DOCUMENT, at=AT + HOUR)
        assert list(MappingOverlay.objects.order_by("version").values_list("version", flat=True)) == [1, 2, 3]

    @pytest.mark.parametrize(
        ("section", "pointer"),
        [
            ([], ""),
            ({"nothing": {}}, "/nothing"),
            ({"enrollment_request": []}, "/enrollment_request"),
            ({"enrollment_request": {"field": []}}, "/enrollment_request/field"),
            ({"enrollment_request": {"fields": {}}}, "/enrollment_request/fields"),
            ({"enrollment_request": {"fields": [{"target": "a"}]}}, "/enrollment_request/fields/0/expression"),
            (
                {"enrollment_request": {"fields": [{"target": "transactionId", "expression": "a"}]}},
                "/enrollment_request/fields/0/target",
            ),
            (
                {"enrollment_request": {"fields": [{"target": "a", "expression": "a", "extra": "yes"}]}},
                "/enrollment_request/fields/0/extra",
            ),
            ({"enrollment_request": {"next": {"fields": []}}}, "/enrollment_request/next/effective_from"),
        ],
    )
    def test_refuses_with_a_pointer_and_applies_nothing(self, section: Any, pointer: str) -> None:
        with pytest.raises(UnableToApplyConfiguration) as refused:
            self.applied(section)

        assert refused.value.errors[0]["pointer"] == pointer
        assert MappingOverlay.objects.count() == 0


class TestPreview:
    def test_shows_a_stored_message_and_hides_what_is_made_of_personal_data(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        answer = derms.post(SHORT, factory.collection(factory.record("E-1")), format="json")
        row = in_effect(
            FieldEdit(target="siteNote", expression="join(' ', [customerInfo.name, messageId])", extra=True),
            FieldEdit(target="siteDivision", expression="locationInfo.division", extra=True),
        )
        run_id = FlowRun.objects.get(pk=answer["X-Flow-Run"]).pk

        masked = mapping_previews.preview(row, run_id=run_id, mask=True, at=AT)
        whole = mapping_previews.preview(row, run_id=run_id, mask=False, at=AT)

        shown = "\n".join(line.right for line in masked.lines)
        assert '"siteNote": "•••"' in shown
        assert '"siteDivision": "CA"' in shown
        assert "Rivera" not in shown + masked.source
        assert '"siteNote": "Rivera, Dana E-1"' in "\n".join(line.right for line in whole.lines)
        assert [run.pk for run in mapping_previews.runs_offered("enrollment_request")] == [run_id]

    def test_says_why_a_message_cannot_be_shown(self, dacs: Dacs, derms: APIClient) -> None:
        factory.prepare(base_url=dacs.base_url)
        answer = derms.post(SHORT, factory.collection(factory.record("E-1")), format="json")
        Payload.objects.all().delete()
        row = in_effect(ADDRESS)

        found = mapping_previews.preview(row, run_id=answer["X-Flow-Run"], mask=True, at=AT)

        assert found.problem == "The stored request is gone: its retention has passed."
