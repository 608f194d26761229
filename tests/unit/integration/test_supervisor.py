from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from integration.supervisor import AlreadyRunning, only_one


ROOT = Path(__file__).resolve().parents[3]

SCRIPT = """
import signal, sys
from pathlib import Path
from integration.supervisor import ChildSpec, Supervisor

# The tests themselves may run under nohup, which children inherit.
signal.signal(signal.SIGHUP, signal.SIG_DFL)

PROGRAMS = {
    "steady": "import os, time; print('up', os.getpid(), flush=True); time.sleep(600)",
    "polite": (
        "import os, signal, sys, time\\n"
        "def stop(*_):\\n    print('stopping', os.getpid(), flush=True); sys.exit(0)\\n"
        "signal.signal(signal.SIGTERM, stop)\\n"
        "print('up', os.getpid(), flush=True)\\ntime.sleep(600)"
    ),
    "deaf": (
        "import os, signal, time\\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\\n"
        "print('up', os.getpid(), flush=True)\\ntime.sleep(600)"
    ),
    "parent": (
        "import os, subprocess, sys, time\\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\\n"
        "print('up', os.getpid(), child.pid, flush=True)\\ntime.sleep(600)"
    ),
    "broken": "import sys; sys.exit('cannot start')",
    "last": (
        "import os, signal, sys, time\\n"
        "def stop(*_):\\n    print('stopping', os.getpid(), flush=True); sys.exit(0)\\n"
        "signal.signal(signal.SIGTERM, stop)\\n"
        "print('up', os.getpid(), flush=True)\\ntime.sleep(600)"
    ),
}
children = [
    ChildSpec(name=name, command=[sys.executable, "-c", PROGRAMS[name]], wave=int(name == "last"))
    for name in sys.argv[1:]
]
Supervisor(
    children=children, directory=Path.cwd(), stop_seconds=2, on_ready=lambda: print("READY", flush=True)
).run()
print("ENDED", flush=True)
"""


class Run:
    """A supervisor in a process of its own, and what it has printed."""

    def __init__(self, directory: Path, names: tuple[str, ...]) -> None:
        self.output = directory / "output"
        with self.output.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", SCRIPT, *names],
                cwd=directory,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdout=out,
                stderr=out,
                start_new_session=True,
            )

    def lines(self) -> list[str]:
        return self.output.read_text(encoding="utf-8").splitlines()

    def pids(self, name: str) -> list[int]:
        """The process ids that a child of this name has printed, newest last."""
        found = [line.split("| ", 1)[1].split() for line in self.lines() if line.startswith(name) and "| up " in line]
        return [int(words[1]) for words in found]

    def wait_for(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "\n".join(self.lines())
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=20)


@contextmanager
def _supervising(directory: Path, *names: str) -> Iterator[Run]:
    run = Run(directory, names)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class TestRun:
    def test_relays_what_children_print_under_their_names(self, tmp_path: Path) -> None:
        with _supervising(tmp_path, "steady", "last") as run:
            run.wait_for(lambda: bool(run.pids("steady")) and bool(run.pids("last")))
            [pid] = run.pids("steady")

            assert f"steady | up {pid}" in run.lines()
            assert "READY" in run.lines()

    def test_starts_a_killed_child_again_at_once(self, tmp_path: Path) -> None:
        with _supervising(tmp_path, "steady") as run:
            run.wait_for(lambda: len(run.pids("steady")) == 1)
            os.kill(run.pids("steady")[0], signal.SIGKILL)
            run.wait_for(lambda: len(run.pids("steady")) == 2)

            first, second = run.pids("steady")
            assert _runs(second)
            assert not _runs(first)
            assert "tieline | steady was ended by SIGKILL; starting it again now" in run.lines()

    def test_waits_longer_each_time_for_a_child_that_cannot_start(self, tmp_path: Path) -> None:
        with _supervising(tmp_path, "broken") as run:
            run.wait_for(lambda: sum("starting it again" in line for line in run.lines()) >= 3)
            said = [line for line in run.lines() if "starting it again" in line]

            assert said[:3] == [
                "tieline | broken ended with status 1; starting it again now",
                "tieline | broken ended with status 1; starting it again in 1 s",
                "tieline | broken ended with status 1; starting it again in 2 s",
            ]
            assert "broken | cannot start" in run.lines()

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_stops_everything_on_a_signal(self, tmp_path: Path, number: signal.Signals) -> None:
        with _supervising(tmp_path, "polite", "steady", "last") as run:
            run.wait_for(lambda: all(run.pids(name) for name in ("polite", "steady", "last")))
            pids = [run.pids(name)[0] for name in ("polite", "steady", "last")]

            assert run.stop(number) == 0

            assert [pid for pid in pids if _runs(pid)] == []
            assert run.lines()[-1] == "ENDED"

    def test_stops_the_later_wave_after_the_earlier_one_has_ended(self, tmp_path: Path) -> None:
        with _supervising(tmp_path, "last", "polite") as run:
            run.wait_for(lambda: all(run.pids(name) for name in ("polite", "last")))
            run.stop()

            stopping = [line.split()[0] for line in run.lines() if "stopping" in line]
            assert stopping == ["polite", "last"]

    def test_kills_a_child_that_does_not_stop_in_time(self, tmp_path: Path) -> None:
        with _supervising(tmp_path, "deaf") as run:
            run.wait_for(lambda: bool(run.pids("deaf")))
            [pid] = run.pids("deaf")

            assert run.stop() == 0

            assert not _runs(pid)
            assert "tieline | deaf did not stop in time and is killed" in run.lines()

    def test_ends_what_a_dead_child_has_started_before_it_starts_it_again(self, tmp_path: Path) -> None:
        with _supervising(tmp_path, "parent") as run:
            run.wait_for(lambda: len(run.pids("parent")) == 1)
            line = next(line for line in run.lines() if "| up " in line)
            grandchild = int(line.split()[-1])
            os.kill(run.pids("parent")[0], signal.SIGKILL)
            run.wait_for(lambda: len(run.pids("parent")) == 2)

            assert not _runs(grandchild)

            line = [line for line in run.lines() if "| up " in line][-1]
            second_grandchild = int(line.split()[-1])
            assert run.stop() == 0
            run.wait_for(lambda: not _runs(second_grandchild), seconds=5)

    @pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
    def test_leaves_no_child_behind_when_it_is_killed_itself(self, tmp_path: Path) -> None:
        with _supervising(tmp_path, "polite", "deaf") as run:
            run.wait_for(lambda: all(run.pids(name) for name in ("polite", "deaf")))
            pids = [run.pids(name)[0] for name in ("polite", "deaf")]

            run.stop(signal.SIGKILL)

            run.wait_for(lambda: not any(_runs(pid) for pid in pids), seconds=5)


class TestOnlyOne:
    def test_refuses_a_second_one_and_names_the_first(self, tmp_path: Path) -> None:
        lock = tmp_path / "var" / "supervise.lock"

        with only_one(lock), pytest.raises(AlreadyRunning, match=f"^{os.getpid()}$"), only_one(lock):
            pytest.fail("Two held the lock.")

    def test_lets_the_next_one_in_when_the_first_has_ended(self, tmp_path: Path) -> None:
        lock = tmp_path / "supervise.lock"
        with only_one(lock):
            assert lock.read_text(encoding="ascii") == str(os.getpid())

        with only_one(lock):
            assert lock.read_text(encoding="ascii") == str(os.getpid())
