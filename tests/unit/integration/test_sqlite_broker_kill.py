"""A real worker is killed in the middle of its work, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from integration.message_file import MessageFile


ROOT = Path(__file__).resolve().parents[3]
NAMES = [f"task {letter}" for letter in "abcdefghijkl"]

APPLICATION = """
import os, time
import integration.sqlite_broker
from celery import Celery

app = Celery("killed", broker="sqlq://", fixups=[])
app.conf.update(
    broker_transport_options={"path": os.environ["BROKER"], "polling_interval": 0.02},
    worker_enable_remote_control=False, task_ignore_result=True, task_acks_late=True,
    task_reject_on_worker_lost=True, worker_prefetch_multiplier=4, worker_hijack_root_logger=False,
)

@app.task
def note(name, seconds):
    with open(os.environ["STARTED"], "a") as out:
        out.write(name + "\\n")
    time.sleep(seconds)
    with open(os.environ["DONE"], "a") as out:
        out.write(name + "\\n")
"""


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _wait_until(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(0.02)


@contextmanager
def _worker(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    options = ["--pool", "threads", "--concurrency", "2", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    with (directory / "worker.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "killed_application", "-q", "worker", *options],
            cwd=directory,
            env=_environment(directory),
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _environment(directory: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{directory}",
        "BROKER": str(directory / "broker.sqlite3"),
        "STARTED": str(directory / "started"),
        "DONE": str(directory / "done"),
    }


def _send(directory: Path, seconds: float) -> None:
    call = f"import killed_application as a; [a.note.delay(n, {seconds}) for n in {NAMES!r}]"
    subprocess.run([sys.executable, "-c", call], cwd=directory, env=_environment(directory), check=True)


def test_kill_nine_of_a_worker_with_tasks_in_flight_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "killed_application.py").write_text(APPLICATION, encoding="utf-8")
    _send(tmp_path, seconds=0.25)
    messages = MessageFile(tmp_path / "broker.sqlite3")
    assert messages.size("celery") == len(NAMES)

    with _worker(tmp_path) as killed:
        _wait_until(lambda: len(_lines(tmp_path / "started")) >= 4, seconds=30)
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
    interrupted = set(_lines(tmp_path / "started")) - set(_lines(tmp_path / "done"))
    with _worker(tmp_path):
        _wait_until(lambda: set(_lines(tmp_path / "done")) == set(NAMES), seconds=30)
        _wait_until(lambda: _count(messages) == 0, seconds=5)

    # It was killed in the middle of something, and that was begun again and done.
    assert interrupted
    started = _lines(tmp_path / "started")
    assert [name for name in interrupted if started.count(name) != 2] == []
    assert set(_lines(tmp_path / "done")) == set(NAMES)
    messages.close()


def test_a_warm_stop_finishes_what_runs_and_leaves_the_rest_for_the_next_worker(tmp_path: Path) -> None:
    (tmp_path / "killed_application.py").write_text(APPLICATION, encoding="utf-8")
    _send(tmp_path, seconds=0.25)
    messages = MessageFile(tmp_path / "broker.sqlite3")

    with _worker(tmp_path) as stopped:
        _wait_until(lambda: len(_lines(tmp_path / "started")) >= 2, seconds=30)
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(timeout=20) == 0

    done = _lines(tmp_path / "done")
    assert sorted(done) == sorted(_lines(tmp_path / "started"))
    assert messages.size("celery") == _count(messages) == len(NAMES) - len(done)
    messages.close()


def _count(messages: MessageFile) -> int:
    with messages._connected() as connection:
        return int(connection.execute("SELECT count(*) FROM message").fetchone()[0])
