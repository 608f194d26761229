"""A PostgreSQL and a Redis that may be stopped, killed, emptied and cut off, on ports and data of their own."""

from __future__ import annotations

import contextlib
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg
import redis

from tests.functional.harness.processes import free_port
from tests.script_loading import load


with_services = load("with_services")

# What was committed is there after a kill; that this machine loses power is no part of these faults.
DURABLE = {"fsync": "off", "synchronous_commit": "on", "full_page_writes": "on"}
_START_TRIES = 20


class PostgresServer:
    """One database server; its data outlives every stop."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._user = with_services.postgres_user()
        self._program = with_services.postgres_program("postgres")
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"postgres://tieline@127.0.0.1:{self.port}/postgres"
        directory.mkdir(parents=True)
        if self._user is not None:
            os.chown(directory, pwd.getpwnam(self._user).pw_uid, -1)
        with_services.make_postgres(with_services.postgres_program("initdb"), directory, self._user)

    def start(self) -> None:
        """Start it; after a kill its own remaining processes may hold the data for a moment."""
        for remaining in reversed(range(_START_TRIES)):
            process = with_services.start_postgres(
                self._program, self._directory, self.port, self._user, durability=DURABLE
            )
            try:
                with_services.wait_until_accepting(self.port, process, self._directory)
            except with_services.ServiceFailed:
                process.kill()
                process.wait()
                if not remaining:
                    raise
                time.sleep(0.25)
            else:
                self._process = process
                return

    def stop(self, number: signal.Signals = signal.SIGINT) -> None:
        """End it: SIGINT in order, SIGQUIT at once and without a checkpoint, SIGKILL without even that."""
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def cut(self) -> int:
        """End every connection to it; give how many there were."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            ended = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            ).fetchone()
        return int(ended[0]) if ended else 0


class RedisServer:
    """One Redis without persistence, so that what it holds is gone when it is killed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._program = with_services.redis_program()
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        directory.mkdir(parents=True)

    def start(self) -> None:
        self._process = with_services.start_redis(self._program, self._directory, self.port)
        with_services.wait_until_open(self.port, self._process, self._directory / "redis.log")

    def stop(self, number: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(30)
            self._process = None

    def flush(self) -> None:
        """Forget every wake-up call that waits."""
        with self._client() as client:
            client.flushall()

    @contextlib.contextmanager
    def frozen(self) -> Any:
        """It holds its connections and answers nobody while the block runs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)

    def pushed(self, name: str, *, seconds: float) -> int:
        """Watch it for some seconds and give how often a task of that name was sent."""
        ends, found = time.monotonic() + seconds, 0
        with self._client() as client, client.monitor() as monitor:
            while time.monotonic() < ends:
                if monitor.connection.can_read(0.2):
                    command = str(monitor.next_command()["command"])
                    found += command.startswith("LPUSH") and name in command
        return found

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url)
