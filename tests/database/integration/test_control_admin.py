"""The pages of control: pausing, schedules, many runs at once, certificates, the audit and its download."""

from __future__ import annotations

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from integration import audit
from integration.models import Flow, FlowRun, FlowSchedule, Pause, ZoneHeartbeat
from integration.operations import zones
from lookups.operations import apply_configuration
from outbound.models import Certificate, Connection, Parameter
from tests.factories import certificates as made
from tests.factories import control as waiting
from tests.factories import integration as factory
from vee.models import VeeRetryPolicy


pytestmark = pytest.mark.django_db

SCHEDULE = {
    "every_seconds": "",
    "time_zone": "UTC",
    "overlap": "SKIP",
    "missed": "SKIP",
    "parameters": "{}",
    "enabled": "on",
    "slots-TOTAL_FORMS": "0",
    "slots-INITIAL_FORMS": "0",
}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser("admin", "admin@example.org", "a-long-password"))
    return client


class TestPauses:
    def test_pauses_and_resumes_a_flow_from_its_page(self, admin: Client) -> None:
        factory.prepare()
        page = f"/admin/integration/flow/{Flow.objects.get(name='enrollment_request').pk}"

        admin.post(f"{page}/pause/", {"reason": "patch night"})
        shown = admin.get(f"{page}/change/").content.decode()
        home = admin.get("/admin/").content.decode()
        admin.post(f"{page}/resume/", {"reason": "done"})

        assert "Flow enrollment_request: patch night (admin)" in shown
        assert "patch night" in home
        assert Pause.objects.get().resume_reason == "done"

    def test_makes_one_for_a_connection_and_ends_it(self, admin: Client) -> None:
        factory.prepare(base_url="http://127.0.0.1:9/")
        asked = {"what": "CONNECTION:DACS", "reason": "new firmware"}

        refused = admin.post("/admin/integration/pause/add/", {**asked, "what": ""})
        unknown = admin.post("/admin/integration/pause/add/", {**asked, "what": "CONNECTION:NOWHERE"})
        admin.post("/admin/integration/pause/add/", asked)
        again = admin.post("/admin/integration/pause/add/", {**asked, "reason": "once more"}).content.decode()
        pause = Pause.objects.get()
        assert "DACS is paused already by admin" in again
        assert "once more" in again
        assert Connection.objects.get().held is True
        admin.post(f"/admin/integration/pause/{pause.pk}/end/", {"reason": "done"})

        assert "This field is required" in refused.content.decode()
        assert "Select a valid choice. CONNECTION:NOWHERE" in unknown.content.decode()
        assert "new firmware" in unknown.content.decode()
        assert (pause.scope, pause.target) == ("CONNECTION", "DACS")
        assert Connection.objects.get().held is False
        assert admin.get("/admin/integration/pause/").status_code == 200


class TestSchedules:
    def test_saves_what_can_be_read_and_refuses_the_rest(self, admin: Client) -> None:
        factory.prepare()
        flow = Flow.objects.get(name="device_score").pk
        address = "/admin/integration/flowschedule/add/"

        refused = admin.post(address, {**SCHEDULE, "flow": flow, "cron": "99 * * * *"})
        saved = admin.post(address, {**SCHEDULE, "flow": flow, "cron": "30 2 * * *"})

        assert "lies outside 0 to 59" in refused.content.decode()
        assert saved.status_code == 302
        row = FlowSchedule.objects.get()
        assert row.next_due_at is not None
        assert (row.next_due_at.hour, row.next_due_at.minute) == (2, 30)
        assert admin.get("/admin/integration/flowschedule/").status_code == 200
        assert admin.get(f"/admin/integration/flowschedule/{row.pk}/change/").status_code == 200


class TestManyRuns:
    def test_asks_and_then_says_what_became_of_each(self, admin: Client) -> None:
        factory.prepare()
        Flow.objects.filter(name="enrollment_request").update(pattern="ASYNC")
        rows = [waiting.failed_run(f"E-{number}") for number in range(2)]
        chosen = {"action": "resubmit_selected", "_selected_action": [str(row.pk) for row in rows]}

        question = admin.post("/admin/integration/flowrun/", chosen).content.decode()
        confirmed = {**chosen, "confirmed": "1", "reason": "target is back", "mode": "FAILED_STEP"}
        done = admin.post("/admin/integration/flowrun/", confirmed).content.decode()
        again = admin.post("/admin/integration/flowrun/", confirmed).content.decode()

        assert "2 runs are chosen" in question
        assert "2 of 2 runs" in done
        assert "It is already in progress by admin." in again
        assert set(FlowRun.objects.values_list("state", flat=True)) == {"RECEIVED"}


class TestCertificates:
    def test_takes_an_upload_and_says_why_not(self, admin: Client) -> None:
        identity = made.issued(made.authority(), "CN=tieline")
        asked = {"name": "me", "kind": "IDENTITY"}

        refused = admin.post(
            "/admin/outbound/certificate/add/", {**asked, "file": SimpleUploadedFile("a.pem", made.pem(identity))}
        )
        content = made.pem(identity) + made.key_pem(identity)
        admin.post("/admin/outbound/certificate/add/", {**asked, "file": SimpleUploadedFile("a.pem", content)})

        assert "needs its private key" in refused.content.decode()
        row = Certificate.objects.get()
        assert row.uploaded_by == "admin"
        page = admin.get(f"/admin/outbound/certificate/{row.pk}/change/").content.decode()
        assert "CN=tieline" in page
        assert "PRIVATE KEY" not in page
        assert admin.get("/admin/outbound/certificate/").status_code == 200


class TestAudit:
    def test_shows_who_changed_what_and_filters_it(self, admin: Client) -> None:
        factory.prepare()
        somebody = factory.user("somebody")
        section = {"OUTL-BRT-DACS_DRMS_AssetType": [{"DRMS_ASSET_TYPE": "A", "DACS_ASSET_TYPE": "B"}]}
        apply_configuration(section=section, by=somebody, at=factory.AT + dt.timedelta(days=1))
        Parameter.objects.create(name="=HYPERLINK(1)", value="1")

        page = admin.get("/admin/integration/flowstatistics/audit/?by=somebody").content.decode()
        download = admin.get("/admin/integration/flowstatistics/audit/?format=csv")

        assert "OUTL-BRT-DACS_DRMS_AssetType" in page
        assert "HYPERLINK" not in page
        lines = download.content.decode().splitlines()
        assert lines[0] == "at,by,component,name,action,reason"
        assert any(",'=HYPERLINK(1)," in line for line in lines)

    def test_is_asked_by_component_action_time_and_text(self) -> None:
        factory.prepare()
        flow = Flow.objects.get(name="event_outcome")
        flow.delete()

        deleted = audit.entries(component="integration.flow", action="DELETE", search="event_OUTCOME")

        assert [each.action for each in deleted] == ["DELETE"]
        assert audit.entries(until=dt.datetime(2000, 1, 1, tzinfo=dt.UTC)) == []
        assert len(audit.entries(limit=3)) == 3

    def test_names_a_record_that_has_no_id_by_its_key(self) -> None:
        VeeRetryPolicy.objects.create(kind="ESTIMATION")

        (entry,) = audit.entries(component="vee.veeretrypolicy")

        assert entry.name == "#ESTIMATION"

    def test_is_for_those_who_may(self, client: Client) -> None:
        client.force_login(factory.user("clerk", is_staff=True))

        assert client.get("/admin/integration/flowstatistics/audit/").status_code == 403


class TestZones:
    def test_asks_each_zone_and_shows_whether_it_answers(self, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        factory.prepare(base_url="http://127.0.0.1:9/", zone="plant-1")
        asked: list[tuple[str, object, object]] = []
        monkeypatch.setattr(
            zones, "after_commit", lambda task, *, queue, expires, zone: asked.append((queue, expires, zone))
        )
        from django.utils import timezone

        from integration import tasks

        assert tasks.ask_zones() == 1
        before = admin.get("/admin/").content.decode()
        tasks.zone_heartbeat(zone="plant-1")
        after = admin.get("/admin/").content.decode()
        ZoneHeartbeat.objects.update(beat_at=timezone.now() - dt.timedelta(seconds=91))
        stale = admin.get("/api/v1/zones/").json()

        assert asked == [("zone.plant-1", 30.0, "plant-1")]
        assert "None: its work waits" in before
        assert "Alive" in after
        assert stale[0]["alive"] is False


class TestStatistics:
    def test_shows_them_by_day_and_on_the_flow_s_page(self, admin: Client) -> None:
        factory.prepare()
        waiting.failed_run("E-1")
        flow = Flow.objects.get(name="enrollment_request")

        assert admin.get("/admin/integration/flowstatistics/").status_code == 200
        assert (
            "1 received, 0 succeeded, 1 failed"
            in admin.get(f"/admin/integration/flow/{flow.pk}/change/").content.decode()
        )
