"""The flow monitor: the list's numbers, a run's line of time, its payloads, its relations, its progress."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from foundation import sessions
from foundation.models import AuditEntry
from integration import run_relations, run_timeline
from integration.choices import PayloadDirection
from integration.flows import run_payloads
from integration.models import FileAttempt, Flow, FlowRun, Incident, RunIdentifier, RunStep, Segment, TransferredFile
from integration.operations import bulk, file_requeue, runs
from integration.spoken import length_of_time
from outbound.models import OutboundMessage
from tests.factories import control as waiting
from tests.factories import integration as factory
from tests.factories import messages
from tests.factories import reconciliation as world


pytestmark = pytest.mark.django_db
LIST = "/admin/integration/flowrun/"
AT = factory.AT
RIGHTS = ("integration.view_flowrun", "integration.view_payload")


@pytest.fixture(autouse=True)
def _flows(monkeypatch: pytest.MonkeyPatch) -> None:
    factory.prepare()
    monkeypatch.setattr(sessions, "_NOTED_EVERY_SECONDS", 1_000_000)


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factory.user("admin", is_staff=True, is_superuser=True))
    return client


def seconds(number: float) -> dt.timedelta:
    return dt.timedelta(seconds=number)


def a_step(
    run: FlowRun, sequence: int, *, after: float, took: float | None, attempt: int = 1, **values: Any
) -> RunStep:
    return RunStep.objects.create(
        run=run,
        name=f"Step {sequence}",
        sequence=sequence,
        attempt=attempt,
        started_at=AT + seconds(after),
        duration_seconds=took,
        **values,
    )


class TestList:
    def numbers(self, page: Any) -> dict[str, str]:
        return {each["code"]: each["text"] for each in page.context["states"] if each["text"] != "0"}

    def test_numbers_are_those_of_the_rows_that_they_lead_to(self, admin: Client) -> None:
        now = timezone.now()
        for state, count in (("FAILED", 2), ("SUCCEEDED", 3), ("RECEIVED", 1)):
            for number in range(count):
                world.run(at=now - seconds(60 * number), state=state)
        world.run(at=now - dt.timedelta(hours=30), state="FAILED")
        page = admin.get(f"{LIST}?window=24h")

        assert self.numbers(page) == {"RECEIVED": "1", "SUCCEEDED": "3", "FAILED": "2"}
        for each in page.context["states"]:
            assert len(admin.get(LIST + each["address"]).context["cl"].result_list) == int(each["text"])

    def test_numbers_stay_when_a_state_is_chosen_and_follow_the_other_filters(self, admin: Client) -> None:
        world.run("event_outcome", state="FAILED", fault_type="REMOTE")
        world.run("event_outcome", state="SUCCEEDED")
        world.run("enrollment_request", state="FAILED", fault_type="TECHNICAL")
        flow = Flow.objects.get(name="event_outcome").pk

        assert self.numbers(admin.get(f"{LIST}?state__exact=SUCCEEDED")) == {"SUCCEEDED": "1", "FAILED": "2"}
        assert self.numbers(admin.get(f"{LIST}?flow__id__exact={flow}")) == {"SUCCEEDED": "1", "FAILED": "1"}
        assert self.numbers(admin.get(f"{LIST}?fault_type__exact=REMOTE")) == {"FAILED": "1"}

    def test_numbers_are_not_counted_to_their_end(self, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("foundation.admin.COUNTED", 2)
        for _ in range(4):
            world.run(state="FAILED")

        assert self.numbers(admin.get(LIST)) == {"FAILED": "2+"}

    def test_search_finds_by_primary_and_secondary_identifier_correlation_and_id(self, admin: Client) -> None:
        run, other = world.run(), world.run()
        FlowRun.objects.filter(pk=run.pk).update(correlation_id="trace-1")
        for name, value in (("messageId", "DRMS-1"), ("eventId", "EVT-99")):
            RunIdentifier.objects.create(run=run, name=name, value=value)
        RunIdentifier.objects.create(run=other, name="messageId", value="XX-DRMS-1")

        for text in ("drms-1", "EVT-9", "trace-1", str(run.pk)):
            assert [row.pk for row in admin.get(LIST, {"q": text}).context["cl"].result_list] == [run.pk], text

    def test_numbers_of_what_a_search_finds_are_counted_in_one_pass(self, admin: Client) -> None:
        for state in ("SUCCEEDED", "SUCCEEDED", "FAILED"):
            RunIdentifier.objects.create(run=world.run(state=state), name="eventId", value="EVT-7")
        world.run(state="FAILED")

        with CaptureQueriesContext(connection) as asked:
            page = admin.get(LIST, {"q": "EVT-7", "state__exact": "FAILED"})

        assert self.numbers(page) == {"SUCCEEDED": "2", "FAILED": "1"}
        assert sum("GROUP BY" in each["sql"] and "runidentifier" in each["sql"] for each in asked) == 1
        assert len(page.context["cl"].result_list) == 1


class TestTimeline:
    def test_is_to_scale_with_waits(self) -> None:
        run = world.run(state="FAILED")
        a_step(run, 1, after=1, took=2, outcome="SUCCEEDED")
        a_step(run, 2, after=3, took=2, outcome="SUCCEEDED")
        a_step(run, 3, after=8, took=2, outcome="FAILED", fault_type="REMOTE")
        attempt = run_timeline.Attempt(number=1, begun_at=AT, by="derms", reason="")

        (lane,) = run_timeline.lanes(run, run.steps.all(), [attempt], at=AT)

        assert lane.seconds == 10
        told = [(bar.offset, bar.width, bar.waited, bar.wait_offset, bar.wait_width) for bar in lane.bars]
        assert told == [(10, 20, 1, 0, 10), (30, 20, 0, 30, 0), (80, 20, 3, 50, 30)]

    def test_steps_beside_each_other_are_no_wait(self) -> None:
        run = world.run()
        a_step(run, 1, after=0, took=10)
        a_step(run, 2, after=2, took=3)
        a_step(run, 3, after=6, took=4)

        (lane,) = run_timeline.lanes(run, run.steps.all(), [], at=AT)

        assert [bar.waited for bar in lane.bars] == [0, 0, 0]

    def test_a_step_that_goes_on_ends_now(self) -> None:
        run = world.run()
        a_step(run, 1, after=0, took=None)

        (lane,) = run_timeline.lanes(run, run.steps.all(), [], at=AT + seconds(30))

        assert (lane.seconds, lane.bars[0].seconds, lane.bars[0].width) == (30, None, 100)

    def test_each_attempt_has_its_scale_and_the_hours_between_are_told(self) -> None:
        run = world.run(attempts=2)
        a_step(run, 1, after=0, took=4)
        a_step(run, 2, after=7200, took=1, attempt=2)
        moves = [
            ("", "RECEIVED", 0, "derms", "message received"),
            ("RECEIVED", "IN_PROGRESS", 0, "system", ""),
            ("IN_PROGRESS", "FAILED", 4, "system", ""),
            ("FAILED", "DISCARDED", 50, "anna", "no use"),
            ("DISCARDED", "FAILED", 60, "anna", "after all"),
            ("FAILED", "RECEIVED", 7199, "anna", "DACS is back"),
        ]
        for before, after, at, by, reason in moves:
            run.transitions.create(from_state=before, to_state=after, at=AT + seconds(at), by=by, reason=reason)

        attempts = run_timeline.attempts_of(run.transitions.order_by("pk"))
        lanes = run_timeline.lanes(run, run.steps.all(), attempts, at=AT)

        assert [(each.by, each.reason, each.ended_in) for each in attempts] == [
            ("derms", "message received", "FAILED"),
            ("anna", "DACS is back", ""),
        ]
        assert [(lane.number, lane.waited, lane.seconds) for lane in lanes] == [(1, None, 4), (2, 7195, 2)]

    @pytest.mark.parametrize(
        ("length", "text"),
        [(0.004, "4 ms"), (1.5, "1.50 s"), (100, "2 minutes"), (7195, "2 h 0 min"), (5300, "88 minutes")],
    )
    def test_lengths_are_told_as_people_say_them(self, length: float, text: str) -> None:
        assert length_of_time(length) == text


class TestGermanReader:
    """Faults and steps are stored in English and read in the language of the reader."""

    REASON = "DERMS cannot be reached: its circuit breaker is open"
    SHOWN = "DERMS ist nicht erreichbar: Der Schutzschalter ist offen"

    def test_reads_why_a_run_failed_and_what_it_did(self, admin: Client) -> None:
        run = world.run(state="FAILED", fault_type="REMOTE", fault_code="target_unreachable", fault_reason=self.REASON)
        step = a_step(run, 1, after=0, took=1, outcome="FAILED", message=self.REASON)
        RunStep.objects.filter(pk=step.pk).update(name="Send to DERMS")
        german = {"accept-language": "de"}

        listed = admin.get(LIST, headers=german).content.decode()
        page = admin.get(f"{LIST}{run.pk}/change/", headers=german).content.decode()

        assert self.SHOWN in listed
        assert page.count(self.SHOWN) == 2
        assert "An DERMS senden" in page
        assert self.REASON in admin.get(f"{LIST}{run.pk}/change/").content.decode()


class TestTree:
    def test_goes_from_the_original_to_all_that_repeats_it(self) -> None:
        original = waiting.failed_run("E-1")
        first = world.run(parent=original, kind="REPLAY")
        second = world.run(parent=first, kind="REPLAY", at=AT + seconds(5))
        third = world.run(parent=original, kind="REPLAY", at=AT + seconds(9))
        world.run()

        tree = run_relations.tree(FlowRun.objects.get(pk=second.pk))

        assert tree.run.pk == original.pk
        assert [(child.run.pk, [each.run.pk for each in child.children]) for child in tree.children] == [
            (first.pk, [second.pk]),
            (third.pk, []),
        ]
        assert [each.ended_in for each in tree.attempts] == ["FAILED"]

    def test_marks_the_run_that_is_shown(self, admin: Client) -> None:
        original = waiting.failed_run("E-1")
        child = world.run("enrollment_request", parent=original, kind="REPLAY")

        root = admin.get(f"{LIST}{child.pk}/change/").context["page"]["root"]

        assert (root.current, root.children[0].current) == (False, True)


class TestRelated:
    def test_tells_what_belongs_to_the_run_and_nothing_of_others(self, client: Client) -> None:
        run, other = world.run(), world.run()
        FlowRun.objects.filter(pk=run.pk).update(correlation_id="trace-1")
        FlowRun.objects.filter(pk=other.pk).update(correlation_id="trace-2")
        run.refresh_from_db()
        world.reserve(world.event(), "N-1", by=run)
        world.report(world.event("EVT-2"), "N-1", by=run)
        world.reserve(world.event("EVT-3"), "N-1", by=other)
        neighbour = world.run()
        FlowRun.objects.filter(pk=neighbour.pk).update(correlation_id="trace-1")
        message = messages.make_message(message_id="M-1")
        OutboundMessage.objects.filter(pk=message.pk).update(correlation_id="trace-1")
        acknowledgement = messages.make_message(message_id="M-2")
        FileAttempt.objects.create(
            run=run, number=1, parallel=1, started_at=AT, ack_message_id=acknowledgement.message_id
        )
        messages.make_message(message_id="M-3")
        world.sync(1, "NONE", ack_run=run)
        Incident.objects.create(
            source="x", fault_type="REMOTE", fault_code="c", opened_at=AT, last_seen_at=AT, latest_run=run
        )

        found = run_relations.related(run, may_view=lambda model: True)

        told = {each.model.__name__: [str(row) for row in each.rows] for each in found}
        assert told == {
            "OutboundMessage": ["M-1", "M-2"],
            "EnrollmentSync": ["SYNC-1"],
            "Event": ["EVT-1", "EVT-2"],
            "Incident": ["x c"],
            "FlowRun": [str(neighbour.pk)],
        }
        client.force_login(factory.user("reader", rights=RIGHTS, is_staff=True))
        page = client.get(f"{LIST}{run.pk}/change/")
        assert [str(each["label"]) for each in page.context["page"]["related"]] == ["flow runs"]


class TestPayloads:
    BEFORE = {"params": [{"messageId": "E-1", "name": "Rivera, Dana"}, {"messageId": "E-2", "name": "Rosen, Dirk"}]}

    def exchange(self, after: Any, *, label: str = "E-2") -> FlowRun:
        run = world.run("enrollment_request")
        for direction, body, about in (
            (PayloadDirection.REQUEST_IN, self.BEFORE, ""),
            (PayloadDirection.REQUEST_OUT, after, label),
        ):
            run_payloads.keep(run, direction, json.dumps(body).encode(), label=about, at=AT)
        return run

    def test_of_a_collection_only_the_record_is_compared_that_the_message_was_made_of(self, admin: Client) -> None:
        run = self.exchange({"transactionId": "E-2", "contact": {"name": "Rosen, Dirk"}})

        page = admin.get(f"{LIST}{run.pk}/payloads/")

        lines = [
            (line.kind.value, line.before_path, line.after_path, line.after) for line in page.context["found"].lines
        ]
        assert lines == [
            ("before", "messageId", "", ""),
            ("moved", "name", "contact.name", '"R••• D•••"'),
            ("after", "", "transactionId", '"E-2"'),
        ]
        assert "params[1]" in page.content.decode()
        for name in ("Rivera", "Rosen"):
            assert name not in page.content.decode()

    def test_unmasked_for_those_who_may_and_ask_and_that_is_noted(self, admin: Client, client: Client) -> None:
        run = self.exchange({"name": "Rosen, Dirk"})
        address = f"{LIST}{run.pk}/payloads/?unmasked=1"

        assert "Rosen" in admin.get(address).content.decode()
        assert AuditEntry.objects.get(component="integration.payload").record == str(run.pk)
        client.force_login(factory.user("reader", rights=RIGHTS, is_staff=True))
        assert "Rosen" not in client.get(address).content.decode()
        assert AuditEntry.objects.filter(component="integration.payload").count() == 1

    def test_a_download_is_masked_whole_and_of_this_run(self, admin: Client) -> None:
        run = self.exchange({"name": "Rosen, Dirk", "rows": ["x" * 100] * 1000})
        key = run.payloads.get(direction="REQUEST_OUT").pk
        file = admin.get(f"{LIST}{run.pk}/payloads/{key}/")

        assert file["Content-Disposition"].startswith("attachment")
        assert json.loads(file.content) == {"name": "R••• D•••", "rows": ["x" * 100] * 1000}
        assert b"Rosen" in admin.get(f"{LIST}{run.pk}/payloads/{key}/?unmasked=1").content
        assert admin.get(f"{LIST}{world.run().pk}/payloads/{key}/").status_code == 404

    def test_what_cannot_be_masked_is_for_those_who_may_see_it_unmasked(self, admin: Client, client: Client) -> None:
        run = self.exchange({"a": 1})
        text = run_payloads.keep(run, PayloadDirection.REQUEST_OUT, b"nic;Rosen", media_type="text/csv", at=AT)
        address = f"{LIST}{run.pk}/payloads/{text.pk}/"

        assert admin.get(f"{address}?unmasked=1").content == b"nic;Rosen"
        client.force_login(factory.user("reader", rights=RIGHTS, is_staff=True))
        assert client.get(f"{address}?unmasked=1").status_code == 403
        shown = client.get(f"{LIST}{run.pk}/payloads/?after={text.pk}").content.decode()
        assert "cannot be masked" in shown
        assert "Rosen" not in shown

    def test_a_large_one_is_shown_in_part_and_a_huge_one_not_read(
        self, admin: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = self.exchange({"rows": ["y" * 100] * 700})

        page = admin.get(f"{LIST}{run.pk}/payloads/")
        assert "Only the beginning is shown" in page.content.decode()
        assert page.content.decode().count("y" * 100) < 1400
        monkeypatch.setattr("integration.admin.payload_pages.MOST_COMPARED", 100)
        page = admin.get(f"{LIST}{run.pk}/payloads/")
        assert "Too large to be shown here" in page.content.decode()
        assert page.context["found"] is None

    def test_are_for_those_who_may_see_payloads(self, client: Client) -> None:
        run = self.exchange({"a": 1})
        key = run.payloads.first().pk
        client.force_login(factory.user("reader", rights=RIGHTS[:1], is_staff=True))

        assert 'id="payloads"' not in client.get(f"{LIST}{run.pk}/change/").content.decode()
        for address in ("payloads/", f"payloads/{key}/"):
            assert client.get(f"{LIST}{run.pk}/{address}").status_code == 403

    @pytest.mark.parametrize("choice", ["before=0", "after=none"])
    def test_one_that_is_not_there_is_not_found(self, admin: Client, choice: str) -> None:
        assert admin.get(f"{LIST}{self.exchange({}).pk}/payloads/?{choice}").status_code == 404

    def test_the_page_asks_as_much_for_many_as_for_few(
        self, admin: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        run = self.exchange({"a": 1})
        for number in range(30):
            run_payloads.keep(run, PayloadDirection.RESPONSE_IN, b"{}", label=f"E-{number}", at=AT)
        admin.get(f"{LIST}{run.pk}/payloads/")

        with django_assert_num_queries(7):
            admin.get(f"{LIST}{run.pk}/payloads/")


class TestProgress:
    def a_file(self, **values: Any) -> FlowRun:
        run = world.run(state="IN_PROGRESS", progress_done=250, progress_total=1000, **values)
        now = timezone.now()
        FileAttempt.objects.create(run=run, number=1, parallel=1, started_at=now, planned_at=now - seconds(10))
        for number, state in enumerate(["DONE", "IN_PROGRESS", "PENDING", "PENDING"]):
            Segment.objects.create(run=run, number=number, offset=0, first_line=2, rows=250, state=state)
        return run

    def test_tells_rows_rate_rest_and_segments(self, admin: Client) -> None:
        run = self.a_file()

        answer = admin.get(f"{LIST}{run.pk}/progress/")
        told = answer.json()

        assert (told["percent"], told["rows"], told["ended"]) == (25, "250 of 1,000 rows", False)
        assert told["segments"] == [
            {"code": "PENDING", "label": "Pending", "count": 2},
            {"code": "IN_PROGRESS", "label": "In progress", "count": 1},
            {"code": "DONE", "label": "Done", "count": 1},
        ]
        assert told["rate"].endswith("rows/s")
        assert told["left"] != "–"
        assert "no-store" in answer["Cache-Control"]

    def test_of_an_ended_run_has_no_rate(self, admin: Client) -> None:
        run = self.a_file()
        FlowRun.objects.filter(pk=run.pk).update(state="FAILED")

        told = admin.get(f"{LIST}{run.pk}/progress/").json()

        assert (told["ended"], told["rate"], told["left"], told["state"]) == (True, "–", "–", "Failed")

    def test_is_for_those_who_may_see_runs_and_of_runs_that_count_something(
        self, admin: Client, client: Client
    ) -> None:
        nothing = world.run()
        assert admin.get(f"{LIST}{nothing.pk}/progress/").status_code == 404
        run = self.a_file()
        client.force_login(factory.user("reader", rights=["lookups.view_lookup"], is_staff=True))
        assert client.get(f"{LIST}{run.pk}/progress/").status_code == 403


class TestMany:
    def test_a_row_that_goes_wrong_stops_no_other(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rows = [waiting.failed_run(f"E-{number}") for number in range(3)]
        discard = runs.discard

        def broken(*, run_id: Any, **more: Any) -> FlowRun:
            if run_id == rows[1].pk:
                raise ValueError("a defect")
            return discard(run_id=run_id, **more)

        monkeypatch.setitem(bulk.ACTIONS, "discard", broken)

        results = bulk.act(action="discard", run_ids=[row.pk for row in rows], by=factory.user(), reason="x", at=AT)

        assert [each.outcome for each in results] == ["done", "failed", "done"]
        assert "ValueError" in results[1].message
        assert "a defect" not in results[1].message
        assert set(FlowRun.objects.values_list("state", flat=True)) == {"DISCARDED", "FAILED"}

    def test_the_page_tells_what_each_run_is_and_offers_another_try(self, admin: Client) -> None:
        good, done = waiting.failed_run("E-1"), waiting.failed_run("E-2")
        FlowRun.objects.filter(pk=done.pk).update(state="SUCCEEDED")

        page = admin.post(
            LIST,
            {
                "action": "discard_selected",
                "_selected_action": [good.pk, done.pk],
                "confirmed": "1",
                "reason": "known outage",
            },
        )

        rows = {row["key"]: row for row in page.context["results"]}
        assert (rows[good.pk]["outcome"], rows[good.pk]["state"]) == ("done", "Discarded")
        assert rows[done.pk]["message"] == "A run that is succeeded cannot be discarded."
        assert "E-2" in rows[done.pk]["what"]
        assert page.context["again"] == [done.pk]
        assert "1 of 2 runs" in page.content.decode()


class TestLedger:
    def a_file(self, name: str, state: str = "ERROR") -> TransferredFile:
        return TransferredFile.objects.create(
            flow=Flow.objects.get(name="device_score"),
            connection="nowhere",
            place="/",
            name=name,
            state=state,
            size=1,
            size_seen_at=AT,
            first_seen_at=AT,
            changed_at=AT,
        )

    def test_many_files_are_put_back_each_by_itself(self, admin: Client) -> None:
        good, sent, gone = self.a_file("a.csv"), self.a_file("b.csv", "SENT"), self.a_file("c.csv")
        TransferredFile.objects.filter(pk=gone.pk).update(renamed_to="ERR_c.csv")

        page = admin.post(
            "/admin/integration/transferredfile/",
            {
                "action": "requeue_selected",
                "_selected_action": [good.pk, sent.pk, gone.pk],
                "confirmed": "1",
                "reason": "target is back",
            },
        )

        rows = {row["name"]: row for row in page.context["results"]}
        assert [rows[name]["outcome"] for name in ("a.csv", "b.csv", "c.csv")] == ["done", "refused", "refused"]
        assert rows["a.csv"]["state"] == "Waiting"
        assert "only a file that was not sent" in rows["b.csv"]["message"]
        assert good.events.get().reason == "requeued: target is back"

    def test_asks_why_first_and_only_those_who_may(self, admin: Client, client: Client) -> None:
        file = self.a_file("a.csv")
        asked = {"action": "requeue_selected", "_selected_action": [file.pk]}

        page = admin.post("/admin/integration/transferredfile/", asked)
        assert b"bulk-form" in page.content
        client.force_login(factory.user("reader", rights=["integration.view_transferredfile"], is_staff=True))
        client.post("/admin/integration/transferredfile/", {**asked, "confirmed": "1", "reason": "x"})

        file.refresh_from_db()
        assert file.state == "ERROR"

    def test_too_many_are_refused_whole(self) -> None:
        with pytest.raises(file_requeue.UnableToRequeue):
            file_requeue.requeue_many(file_ids=range(1001), by="anna", reason="x", at=AT)
