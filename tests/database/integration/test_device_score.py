"""Device Score by SFTP and FTP, against real servers: acceptance checks 10 and 11, `reliability.md` F1 to F6."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from integration.flows import file_queue
from integration.flows.registry import find
from integration.models import FlowRun, Incident, TransferredFile
from integration.operations import file_requeue, housekeeping, runs, scheduled_runs
from outbound.models import Connection, Mail
from outbound.transports.base import TargetBroke
from tests.database.integration import file_flows as flows
from tests.database.integration.file_flows import BUSINESS, Peer, score_file
from tests.database.outbound.drops import RunningDrop, ftp_drop, sftp_drop
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

FLOW = "device_score"


@pytest.fixture
def derms() -> Iterator[Peer]:
    with flows.peer() as known:
        yield known


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[RunningDrop]:
    with sftp_drop(tmp_path) as running:
        yield running


@pytest.fixture
def ready(drop: RunningDrop, derms: Peer) -> RunningDrop:
    """Everything set up; DERMS and the drop are there."""
    flows.prepare()
    connect(drop, "DACS_SFTP")
    flows.connect("DERMS", derms.base_url)
    return drop


def connect(drop: RunningDrop, name: str, **values: Any) -> None:
    made = drop.connection(**values)
    Connection.objects.filter(pk=made.pk).update(name=name)


def mails(template: str) -> list[Mail]:
    return list(Mail.objects.filter(template=template).order_by("pk"))


class TestTransfer:
    def test_files_go_oldest_first_and_get_their_tag(self, ready: RunningDrop, derms: Peer) -> None:
        ready.put("SDCSE_0002_00.csv", score_file(), age=10)
        ready.put("SDCSE_0001_00.csv", score_file(), age=5)
        ready.put("SDCSE_0003_00.csv", score_file(), age=20)
        ready.put("OTHER_0001.csv", score_file())

        run = flows.run(FLOW)

        assert (run.state, run.ack_type) == ("SUCCEEDED", "SUCCESS")
        assert derms.names() == ["SDCSE_0003_00.csv", "SDCSE_0002_00.csv", "SDCSE_0001_00.csv"]
        assert ready.names() == [
            "OTHER_0001.csv",
            "Sent-SDCSE_0001_00.csv",
            "Sent-SDCSE_0002_00.csv",
            "Sent-SDCSE_0003_00.csv",
        ]
        assert [step.name for step in run.steps.order_by("sequence")] == [
            "List the files",
            "Transfer to DERMS",
            "Tell people",
        ]
        assert (run.progress_done, run.progress_total) == (3, 3)

    def test_the_request_is_the_guides(self, ready: RunningDrop, derms: Peer) -> None:
        ready.put("SDCSE_0042_00.csv", score_file())

        flows.run(FLOW)

        (taken,) = derms.taken
        file = TransferredFile.objects.get()
        assert (taken.method, taken.path, taken.body) == ("POST", "/device-score", score_file())
        assert taken.headers["Content-Type"] == "application/octet-stream"
        assert taken.headers["Content-Disposition"] == 'attachment; filename="SDCSE_0042_00.csv"'
        assert taken.headers["X-Message-Id"] == taken.headers["Idempotency-Key"] == file.message_id
        assert (file.state, file.renamed_to, file.attempts) == ("SENT", "Sent-SDCSE_0042_00.csv", 1)
        assert [event.to_state for event in file.events.order_by("pk")] == [
            "WAITING",
            "IN_PROGRESS",
            "UPLOADED",
            "SENT",
        ]

    def test_a_path_of_the_connection_replaces_the_shipped_one(self, ready: RunningDrop, derms: Peer) -> None:
        Connection.objects.filter(name="DERMS").update(options={"device_score_path": "/v2/scores"})
        ready.put("SDCSE_1.csv", score_file())

        flows.run(FLOW)

        assert derms.taken[0].path == "/v2/scores"

    def test_ftp_is_taken_where_no_sftp_is_and_the_directory_property_counts(self, tmp_path: Path, derms: Peer) -> None:
        with ftp_drop(tmp_path) as running:
            flows.prepare(dacs__dvcScore__ftp__input__directory="/drop")
            connect(running, "DACS_FTP", directory="/elsewhere")
            flows.connect("DERMS", derms.base_url)
            running.put("SDCSE_1.csv", score_file())

            run = flows.run(FLOW)

            assert run.state == "SUCCEEDED", run.fault_reason
            assert running.names() == ["Sent-SDCSE_1.csv"]
            assert TransferredFile.objects.get().connection == "DACS_FTP"

    def test_without_a_connection_the_run_fails_and_people_hear_of_it(self) -> None:
        flows.prepare()

        run = flows.run(FLOW)

        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "TECHNICAL", "configuration")
        assert Incident.objects.get().fault_code == "configuration"


class TestFilesThatAreLeftAlone:
    def test_half_written_and_empty_files(self, ready: RunningDrop, derms: Peer) -> None:
        for name in ("SDCSE_1.csv.part", "SDCSE_2.csv.filepart"):
            ready.put(name, score_file())
        ready.put("SDCSE_3.csv", b"")

        run = flows.run(FLOW)

        assert run.state == "SUCCEEDED"
        assert derms.taken == []
        assert len(ready.names()) == 3
        assert mails("no_file") == []

    def test_a_file_that_grows_between_two_listings_is_not_taken(
        self, ready: RunningDrop, derms: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flows.prepare_parameter("0.3")
        ready.put("SDCSE_1.csv", score_file())
        real = file_queue.FileQueue.wait

        def grow_meanwhile(queue: file_queue.FileQueue, seconds: float) -> bool:
            ready.put("SDCSE_1.csv", score_file(flows.row(1), flows.row(2)))
            return real(queue, seconds)

        monkeypatch.setattr(file_queue.FileQueue, "wait", grow_meanwhile)
        run = flows.run(FLOW)

        assert run.state == "SUCCEEDED"
        assert derms.taken == []
        assert ready.names() == ["SDCSE_1.csv"]

    def test_a_run_by_hand_waits_and_one_on_schedule_comes_again(
        self, ready: RunningDrop, derms: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flows.prepare_parameter("0.3")
        asked: list[tuple[str, float]] = []
        monkeypatch.setattr(
            "integration.flows.scheduled.look_again", lambda flow, *, seconds: asked.append((flow, seconds))
        )
        ready.put("SDCSE_1.csv", score_file())

        scheduled = scheduled_runs.run_when_due(identifier=FLOW, at=timezone.now())
        assert scheduled is not None
        flows.work(scheduled)
        assert (derms.taken, [flow for flow, _ in asked]) == ([], [FLOW])
        run = flows.run(FLOW)

        assert run.state == "SUCCEEDED"
        assert derms.names() == ["SDCSE_1.csv"]

    def test_one_that_vanishes_is_a_warning(
        self, ready: RunningDrop, derms: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = ready.put("SDCSE_1.csv", score_file(), age=10)
        ready.put("SDCSE_2.csv", score_file())
        real = file_queue.FileQueue.fetch

        def vanish_first(queue: file_queue.FileQueue, entry: file_queue.Entry) -> Any:
            gone.unlink(missing_ok=True)
            return real(queue, entry)

        monkeypatch.setattr(file_queue.FileQueue, "fetch", vanish_first)
        run = flows.run(FLOW)

        assert run.state == "SUCCEEDED"
        assert run.steps.get(name="Transfer to DERMS").outcome == "WARNING"
        assert derms.names() == ["SDCSE_2.csv"]
        assert TransferredFile.objects.get(name="SDCSE_1.csv").state == "VANISHED"


class TestRefusals:
    def test_a_refused_file_among_others_is_set_aside_and_told_once(self, ready: RunningDrop, derms: Peer) -> None:
        for number in range(1, 11):
            ready.put(f"SDCSE_{number:02d}.csv", score_file(), age=100 - number)
        derms.answers = {"SDCSE_03": 400}

        run = flows.run(FLOW)

        assert (run.state, run.ack_type) == ("SUCCEEDED", "ERROR")
        assert len(derms.taken) == 10
        assert [name for name in ready.names() if name.startswith("Error-")] == ["Error-SDCSE_03.csv"]
        assert sum(name.startswith("Sent-") for name in ready.names()) == 9
        (told,) = mails("process_complete")
        assert told.to == [BUSINESS]
        assert "Transferred: 9" in told.text
        assert "SDCSE_03.csv: DERMS answered 400 Bad Request" in told.text
        (error,) = mails("error")
        assert error.to == ["ops@example.org"]
        assert Incident.objects.get().fault_code == "file_not_transferred"

    def test_requeue_gives_the_name_back_and_the_next_run_sends_it_under_a_new_key(
        self, ready: RunningDrop, derms: Peer
    ) -> None:
        ready.put("SDCSE_1.csv", score_file())
        derms.otherwise = 400
        flows.run(FLOW)
        derms.otherwise = 202
        file = TransferredFile.objects.get()

        file_requeue.requeue(file_id=file.pk, by="olga", reason="corrected at DERMS", at=timezone.now())
        assert ready.names() == ["SDCSE_1.csv"]
        flows.run(FLOW)

        assert ready.names() == ["Sent-SDCSE_1.csv"]
        keys = [taken.headers["Idempotency-Key"] for taken in derms.taken]
        assert len(set(keys)) == 2
        file.refresh_from_db()
        assert (file.state, file.round) == ("SENT", 2)
        assert file.events.filter(by="olga", reason="requeued: corrected at DERMS").count() == 1

    def test_requeue_of_a_sent_file_is_refused(self, ready: RunningDrop) -> None:
        ready.put("SDCSE_1.csv", score_file())
        flows.run(FLOW)

        with pytest.raises(file_requeue.UnableToRequeue, match="only a file that was not sent"):
            file_requeue.requeue(file_id=TransferredFile.objects.get().pk, by="olga", at=timezone.now())

    def test_a_file_that_is_loaded_already_is_a_success(self, ready: RunningDrop, derms: Peer) -> None:
        ready.put("SDCSE_1.csv", score_file())
        derms.otherwise = 409

        assert flows.run(FLOW).ack_type == "SUCCESS"
        assert ready.names() == ["Sent-SDCSE_1.csv"]

    def test_a_taken_name_is_not_overwritten(self, ready: RunningDrop) -> None:
        ready.put("Sent-SDCSE_1.csv", b"of last year")
        ready.put("SDCSE_1.csv", score_file())

        flows.run(FLOW)

        assert ready.names() == ["Sent-2-SDCSE_1.csv", "Sent-SDCSE_1.csv"]
        assert (ready.inbox / "Sent-SDCSE_1.csv").read_bytes() == b"of last year"


class TestTargetDown:
    @pytest.mark.parametrize("status", [401, 429, 502, 503, 504])
    def test_the_run_stops_and_the_rest_stays(self, ready: RunningDrop, derms: Peer, status: int) -> None:
        for number in range(1, 4):
            ready.put(f"SDCSE_{number}.csv", score_file(), age=100 - number)
        derms.answers = {"SDCSE_2": status}

        run = flows.run(FLOW)

        assert (run.state, run.fault_type, run.ack_type) == ("FAILED", "REMOTE", "FAILURE")
        assert derms.names() == ["SDCSE_1.csv", "SDCSE_2.csv"]
        assert ready.names() == ["SDCSE_2.csv", "SDCSE_3.csv", "Sent-SDCSE_1.csv"]
        assert TransferredFile.objects.get(name="SDCSE_2.csv").state == "WAITING"
        assert len(mails("error")) == 1
        assert "The run stopped early" in mails("process_complete")[0].text

    def test_the_next_run_goes_on_under_the_same_key(
        self, ready: RunningDrop, derms: Peer, nobody_listens: str
    ) -> None:
        ready.put("SDCSE_1.csv", score_file())
        derms.otherwise = 503
        flows.run(FLOW)
        derms.otherwise = 200

        assert flows.run(FLOW).state == "SUCCEEDED"
        assert len({taken.headers["Idempotency-Key"] for taken in derms.taken}) == 1
        assert ready.names() == ["Sent-SDCSE_1.csv"]

    def test_nobody_listens(self, ready: RunningDrop, nobody_listens: str) -> None:
        Connection.objects.filter(name="DERMS").update(base_url=nobody_listens)
        ready.put("SDCSE_1.csv", score_file())

        run = flows.run(FLOW)

        assert (run.state, run.fault_code) == ("FAILED", "target_unreachable")
        assert ready.names() == ["SDCSE_1.csv"]

    def test_the_place_of_the_files_is_down(self, ready: RunningDrop) -> None:
        Connection.objects.filter(name="DACS_SFTP").update(port=1)

        run = flows.run(FLOW)

        assert (run.state, run.fault_type, run.fault_code) == ("FAILED", "REMOTE", "source_unusable")


class TestBrokenDownload:
    """F3."""

    def test_a_cut_download_is_tried_again_and_nothing_half_is_sent(self, ready: RunningDrop, derms: Peer) -> None:
        content = score_file(*(flows.row(number) for number in range(20_000)))
        ready.put("SDCSE_1.csv", content)
        ready.faults.add({"match": {"method": "GET"}, "half_answer": True, "times": 1})

        assert flows.run(FLOW).state == "SUCCEEDED"
        assert [taken.body for taken in derms.taken] == [content]

    def test_one_that_stays_cut_stops_the_run_and_leaves_the_file(self, ready: RunningDrop, derms: Peer) -> None:
        ready.put("SDCSE_1.csv", score_file(*(flows.row(number) for number in range(20_000))))
        ready.faults.add({"match": {"method": "GET"}, "half_answer": True})

        run = flows.run(FLOW)

        assert (run.state, run.fault_code) == ("FAILED", "source_unusable")
        assert (derms.taken, ready.names()) == ([], ["SDCSE_1.csv"])
        assert TransferredFile.objects.get().state == "WAITING"


class TestAbort:
    def test_the_file_at_work_is_finished_and_the_rest_stays(
        self, ready: RunningDrop, derms: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for number in range(1, 4):
            ready.put(f"SDCSE_{number}.csv", score_file(), age=100 - number)
        boss = factory.user("boss")
        real = file_queue.FileQueue.fetch

        def abort_at_the_second(queue: file_queue.FileQueue, entry: file_queue.Entry) -> Any:
            if entry.file.name == "SDCSE_2.csv":
                row = FlowRun.objects.get(state="IN_PROGRESS")
                runs.abort(run_id=row.pk, by=boss, reason="patch night", at=timezone.now())
            return real(queue, entry)

        monkeypatch.setattr(file_queue.FileQueue, "fetch", abort_at_the_second)
        run = flows.run(FLOW)

        assert (run.state, run.ack_type) == ("ABORTED", "FAILURE")
        assert derms.names() == ["SDCSE_1.csv", "SDCSE_2.csv"]
        assert ready.names() == ["SDCSE_3.csv", "Sent-SDCSE_1.csv", "Sent-SDCSE_2.csv"]


class TestRenamePending:
    """Check 11 and F1."""

    def test_the_next_run_renames_and_does_not_upload(
        self, ready: RunningDrop, derms: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ready.put("SDCSE_1.csv", score_file())

        def broken(queue: file_queue.FileQueue, *_: Any, **__: Any) -> str:
            raise TargetBroke("The session broke.")

        with monkeypatch.context() as patched:
            patched.setattr(file_queue.FileQueue, "rename", broken)
            derms.otherwise = 202
            flows.run(FLOW)
        assert TransferredFile.objects.get().state == "UPLOADED"
        assert ready.names() == ["SDCSE_1.csv"]
        run = flows.run(FLOW)

        assert run.state == "SUCCEEDED"
        assert ready.names() == ["Sent-SDCSE_1.csv"]
        assert len(derms.taken) == 1

    def test_other_content_under_the_name_is_uploaded(
        self, ready: RunningDrop, derms: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ready.put("SDCSE_1.csv", score_file())

        def broken(queue: file_queue.FileQueue, *_: Any, **__: Any) -> str:
            raise TargetBroke("The session broke.")

        with monkeypatch.context() as patched:
            patched.setattr(file_queue.FileQueue, "rename", broken)
            flows.run(FLOW)
        other = score_file(flows.row(1, eligible="N"))
        assert len(other) == len(score_file())
        ready.put("SDCSE_1.csv", other, age=-50)
        flows.run(FLOW)
        flows.run(FLOW)

        assert [taken.body for taken in derms.taken] == [score_file(), other]
        assert ready.names() == ["Sent-SDCSE_1.csv"]

    def test_one_that_a_person_renamed_meanwhile_is_settled(
        self, ready: RunningDrop, derms: Peer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = ready.put("SDCSE_1.csv", score_file())

        def broken(queue: file_queue.FileQueue, *_: Any, **__: Any) -> str:
            raise TargetBroke("The session broke.")

        with monkeypatch.context() as patched:
            patched.setattr(file_queue.FileQueue, "rename", broken)
            flows.run(FLOW)
        path.rename(path.with_name("Sent-SDCSE_1.csv"))
        flows.run(FLOW)

        assert TransferredFile.objects.get().state == "SENT"
        assert len(derms.taken) == 1


class TestFormat:
    def test_a_wrong_row_is_a_warning_and_the_file_goes(self, ready: RunningDrop, derms: Peer) -> None:
        ready.put("SDCSE_1.csv", score_file(flows.row(1, eligible="yes")))

        run = flows.run(FLOW)

        step = run.steps.get(name="Transfer to DERMS")
        assert (step.outcome, len(derms.taken)) == ("WARNING", 1)
        assert "line 2, eligible: it is neither Y nor N" in step.detail[0]["text"]

    def test_where_the_option_says_so_it_does_not_go(self, ready: RunningDrop, derms: Peer) -> None:
        Connection.objects.filter(name="DERMS").update(options={"refuse_invalid_scores": True})
        ready.put("SDCSE_1.csv", score_file(flows.row(1, controlScore="-1")))

        flows.run(FLOW)

        assert derms.taken == []
        assert ready.names() == ["Error-SDCSE_1.csv"]


class TestNoFile:
    """Check 10."""

    def test_nobody_is_told_by_default(self, ready: RunningDrop) -> None:
        assert flows.run(FLOW).state == "SUCCEEDED"
        assert Mail.objects.count() == 0

    def test_with_the_flag_one_mail_goes_to_the_process_recipients(self, ready: RunningDrop) -> None:
        flows.configure(notification__email__process__nofile__flag="true")

        flows.run(FLOW)

        assert [mail.to for mail in mails("no_file")] == [[BUSINESS]]

    def test_the_complete_mail_has_its_flag(self, ready: RunningDrop) -> None:
        flows.configure(notification__email__process__complete__flag="false")
        ready.put("SDCSE_1.csv", score_file())

        flows.run(FLOW)

        assert Mail.objects.count() == 0


class TestOneAtATime:
    """F5."""

    def test_a_second_start_says_in_progress(self, ready: RunningDrop) -> None:
        first = scheduled_runs.start_scheduled(identifier=FLOW, by="tester", at=timezone.now())

        with pytest.raises(scheduled_runs.RunInProgress, match="is in progress") as told:
            scheduled_runs.start_scheduled(identifier=FLOW, by="tester", at=timezone.now())
        assert told.value.run_id == first.pk
        assert scheduled_runs.run_when_due(identifier=FLOW, at=timezone.now()) is None

    def test_of_two_starts_at_once_one_gets_a_run(self, ready: RunningDrop) -> None:
        refused: list[Exception] = []

        def start() -> None:
            try:
                scheduled_runs.start_scheduled(identifier=FLOW, by="tester", at=timezone.now())
            except scheduled_runs.RunInProgress as error:
                refused.append(error)
            finally:
                connections.close_all()

        threads = [threading.Thread(target=start) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(refused) == 2
        assert FlowRun.objects.filter(flow__identifier=find(FLOW).identifier).count() == 1

    def test_a_file_that_a_dead_run_held_is_taken_again_under_its_key(self, ready: RunningDrop, derms: Peer) -> None:
        ready.put("SDCSE_1.csv", score_file())
        derms.otherwise = 503
        dead = flows.run(FLOW)
        TransferredFile.objects.update(state="IN_PROGRESS", run=dead)
        derms.otherwise = 200

        assert flows.run(FLOW).state == "SUCCEEDED"
        assert len({taken.headers["X-Message-Id"] for taken in derms.taken}) == 1
        assert housekeeping.end_abandoned(at=timezone.now()) == 0
