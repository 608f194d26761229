"""Doing the faults of a programme to a world, and noting when each of them began and ended."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import functools
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psutil

from tests.faults.points import fault_points
from tests.faults.programme import Fault
from tests.faults.world import World
from tests.functional.harness.processes import PYTHON, Child, wait_until


SLOW_SECONDS = 7.0
"""Longer than the product waits for an answer."""

_HOUR_SECONDS = 3_600.0
_KILLING = ("kill", "point")
_PATIENCE_SECONDS, _LOOK_SECONDS = 30.0, 0.25
# The schedule that fires most often, and how often.
_OFTEN, _OFTEN_SECONDS = "integration.tasks.fire_schedules", 5.0


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault that was done; `killed` processes ended by it."""

    fault: Fault
    began: dt.datetime
    ended: dt.datetime
    killed: int = 0


@dataclass
class Injector:
    """
    Runs programmes; a method per kind of fault, which returns when the fault has ended.

    `wrong` is what was seen to be wrong while a fault lasted.
    """

    world: World
    seed: int
    say: Callable[[str], None]
    done: list[Injected] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        self._ended: set[dt.datetime] = set()

    def run(
        self, programme: Sequence[Fault], *, began: float, done: Callable[[], int] | None = None, least: int = 0
    ) -> None:
        """
        Do each fault when its time has come, one after the other; `began` is a time of `time.monotonic`.

        :param done: how much work is done. A kill waits until `least` more is done than at the kill before, so that
            it meets work and not a process that is only starting; for half a minute at most.
        """
        before = 0
        for fault in programme:
            while (left := began + fault.at - time.monotonic()) > 0:
                time.sleep(min(left, 1.0))
                self.keep_supervised()
            if done is not None and fault.kind in _KILLING:
                ends = time.monotonic() + _PATIENCE_SECONDS
                while done() < before + least and time.monotonic() < ends:
                    time.sleep(_LOOK_SECONDS)
                    self.keep_supervised()
                before = done()
            self.inject(fault)

    def run_by_progress(self, programme: Sequence[Fault], progress: Callable[[], float], *, seconds: float) -> None:
        """
        Do the faults of a programme one after the other as work goes on: the n-th of N when n/(N + 1) of it is done.

        :param seconds: how long the next share of the work may take.
        """
        shares = len(programme) + 1
        for number, fault in enumerate(programme, start=1):
            reached = functools.partial(self._has_reached, progress, number / shares)
            wait_until(f"{number} of {shares} shares of the work", reached, seconds=seconds, every=0.2)
            self.inject(fault)

    def _has_reached(self, progress: Callable[[], float], share: float) -> bool:
        self.keep_supervised()
        return progress() >= share

    def inject(self, fault: Fault) -> Injected:
        """Do one fault, and see to it that the supervisor runs afterwards."""
        began = _now()
        killed = getattr(self, fault.kind.replace(" ", "_"))(fault)
        entry = Injected(fault=fault, began=began, ended=_now(), killed=killed or 0)
        self.done.append(entry)
        self.say(f"{entry.began:%H:%M:%S} {fault}" + (f", {killed} processes" if killed else ""))
        self.keep_supervised()
        return entry

    def keep_supervised(self) -> None:
        """Start the supervisor again when it is gone, as systemd does."""
        with self.world.starting:
            if self.world.product.supervisor is None:
                self.world.product.supervise()

    def close(self) -> None:
        """Take back the points that nobody has passed; of the others it is known now when a process ended there."""
        entries, self.done = self.done, []
        for entry in entries:
            if entry.fault.kind != "point":
                self.done.append(entry)
                continue
            name = entry.fault.target.split()[0]
            (self.world.faults / "armed" / name).unlink(missing_ok=True)
            times = [file.stat().st_mtime for file in (self.world.faults / "fired").glob(f"{name}@*")]
            after = sorted(dt.datetime.fromtimestamp(time, tz=dt.UTC) for time in times)
            ended = next((at for at in after if at >= entry.began and at not in self._ended), None)
            if ended is not None:
                self._ended.add(ended)
                self.done.append(dataclasses.replace(entry, began=ended, ended=ended, killed=1))

    def points(self) -> list[str]:
        """Name the points at which a process ended itself; complete once closed."""
        return sorted({entry.fault.target.split()[0] for entry in self.done if entry.fault.kind == "point"})

    # Processes of the product

    def kill(self, fault: Fault) -> int:
        supervisor = self.world.product.supervisor
        if supervisor is None:
            return 0
        victims = [supervisor] if fault.target == "supervisor" else self._victims(supervisor, fault.target)
        return sum(_killed(victim) for victim in victims)

    def point(self, fault: Fault) -> None:
        """Arm a point; who passes it next ends there. The same point again waits until it was passed."""
        name, scope = fault.target.split()
        armed = self.world.faults / "armed" / name
        new = armed.with_name(f".{name}")
        new.write_text(scope)
        new.rename(armed)

    def two_beats(self, fault: Fault) -> None:
        """Run a second scheduler beside the first."""
        command = [PYTHON, "-m", "celery", "-A", "integration", "-q", "beat", "--loglevel", "WARNING"]
        log = self.world.directory / "second-beat.log"
        beat = Child(name="beat", command=command, environment=self.world.product.environment, log=log)
        sent = self.world.redis.pushed(_OFTEN, seconds=fault.seconds)
        beat.stop()
        if not 0 < sent <= fault.seconds / _OFTEN_SECONDS + 1:
            self.wrong.append(f"{_OFTEN} was sent {sent} times in {fault.seconds:g} s")

    def _victims(self, supervisor: psutil.Process, target: str) -> list[psutil.Process]:
        found = []
        with contextlib.suppress(psutil.NoSuchProcess):
            for child in supervisor.children():
                command = child.cmdline()
                is_it = "gunicorn" in command if target == "web" else target.split()[0] in command
                if not is_it:
                    continue
                family = child.children(recursive=True)
                if target == "worker child":
                    return [self._rng.choice(family)] if family else []
                found += [child, *family]
        return found

    # Services

    def redis_flush(self, fault: Fault) -> None:
        self.world.redis.flush()

    def redis_down(self, fault: Fault) -> None:
        self.world.redis.stop(signal.SIGKILL)
        time.sleep(fault.seconds)
        self.world.redis.start()

    def redis_frozen(self, fault: Fault) -> None:
        with self.world.redis.frozen():
            time.sleep(fault.seconds)

    def postgres_cut(self, fault: Fault) -> None:
        self.world.postgres.cut()

    def postgres_down(self, fault: Fault) -> None:
        """Stop it as `target` says (a signal), and start it again."""
        self.world.postgres.stop(signal.Signals[fault.target])
        time.sleep(fault.seconds)
        self.world.postgres.start()

    # Peers

    def peer(self, fault: Fault) -> None:
        """Let DERMS misbehave for some requests."""
        way, _, times = fault.target.rpartition(" ")
        rules = {
            "status": {"status": 503},
            "reset": {"reset": True},
            "half answer": {"half_answer": True},
            "nonsense": {"nonsense": True},
            "slow": {"delay_seconds": SLOW_SECONDS},
            "reset after effect": {"reset": True, "after_effect": True},
        }
        self.world.derms.fault(times=int(times), **rules[way])

    # Machine

    def outage(self, fault: Fault) -> None:
        """DERMS is down for an hour of the product's clock, which runs so much faster for `seconds`."""
        self.world.derms.fault(down=True)
        for tenth in range(1, 11):
            time.sleep(fault.seconds / 10)
            self.world.set_clock(_HOUR_SECONDS * tenth / 10)
        self.world.derms.clear_faults()

    def disk_full(self, fault: Fault) -> None:
        """Nothing can be stored in the product's file storage."""
        full = self.world.faults / fault_points.FULL
        full.touch()
        time.sleep(fault.seconds)
        full.unlink()

    def clock(self, fault: Fault) -> None:
        """Let the product's processes see a clock that is off by `target` seconds, then the right one again."""
        before = self.world.clock
        self.world.set_clock(before + float(fault.target))
        time.sleep(fault.seconds)
        self.world.set_clock(before)


def _killed(process: psutil.Process) -> bool:
    try:
        process.send_signal(signal.SIGKILL)
    except psutil.NoSuchProcess:
        return False
    return True


def _now() -> dt.datetime:
    return dt.datetime.now(tz=dt.UTC)
