#!/usr/bin/env python3
"""
Run a command with a private PostgreSQL and Redis: `python scripts/with_services.py -- pytest tests`.

Both listen on free ports of 127.0.0.1, keep their data in a temporary directory and are gone when the command
ends. The command finds them in TIELINE_TEST_DATABASE_URL and TIELINE_TEST_REDIS_URL; with `--use`, also in the
product's own DATABASE_URL and REDIS_URL. Started by root, PostgreSQL runs as `postgres` (or `nobody`), because
it refuses to run as root.

Nothing here is fit for production: no password, and nothing is synced to disk.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType


ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
STOP_SECONDS = 10.0
THROWAWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
"""Settings of a PostgreSQL whose data nobody wants to see again."""

START_SECONDS = 30.0


class ServiceMissing(Exception):
    """A program that is needed is not installed."""


class ServiceFailed(Exception):
    """A service did not start."""


def main(given: Sequence[str] | None = None) -> int:
    """Start the services, run the command, give its exit status."""
    parser = argparse.ArgumentParser(description="Run a command with a private PostgreSQL and Redis.")
    parser.add_argument("--use", action="store_true", help="also set DATABASE_URL and REDIS_URL for the command")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND ...")
    options = parser.parse_args(given)
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        parser.error("name the command to run after --")
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGHUP, _stop)
    try:
        with services() as environment:
            if options.use:
                environment["DATABASE_URL"] = environment["TIELINE_TEST_DATABASE_URL"]
                environment["REDIS_URL"] = environment["TIELINE_TEST_REDIS_URL"]
            return run(command, environment)
    except (ServiceMissing, ServiceFailed) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _stop(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


@contextlib.contextmanager
def signals_held() -> Iterator[None]:
    """
    Let a signal that would end this script wait until the block is left.

    A child runs before `Popen` has returned it. A signal in between would end this script with the child unknown
    to it, and so left behind.
    """
    held: list[tuple[int, FrameType | None]] = []
    handlers = {number: signal.getsignal(number) for number in ENDING_SIGNALS}
    for number in handlers:
        signal.signal(number, lambda number, frame: held.append((number, frame)))
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    for number, frame in held:
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)


def run(command: Sequence[str], environment: dict[str, str]) -> int:
    """Run the command to its end; whatever ends this script ends the command first."""
    process: subprocess.Popen[bytes] | None = None
    try:
        with signals_held():
            process = subprocess.Popen(command, env={**os.environ, **environment})
        return process.wait()
    finally:
        if process is not None:
            _end(process, signal.SIGTERM)


@contextlib.contextmanager
def services(*, also_on: Sequence[str] = (), settings: Mapping[str, str] | None = None) -> Iterator[dict[str, str]]:
    """
    Start PostgreSQL and Redis at once, give their addresses as environment variables, stop them at the end.

    :param also_on: further addresses of this machine to listen on; whoever reaches them gets in without a password, so
        they have to be those of a network that nobody else is on.
    :param settings: further ones of PostgreSQL.
    """
    initdb, postgres = postgres_program("initdb"), postgres_program("postgres")
    redis = redis_program()
    started: list[subprocess.Popen[bytes]] = []
    directory = Path(tempfile.mkdtemp(prefix="tieline-services-"))
    try:
        user = postgres_user()
        if user is not None:
            os.chown(directory, pwd.getpwnam(user).pw_uid, -1)
        redis_port = _free_port()
        with signals_held():
            started.append(start_redis(redis, directory, redis_port, also_on=also_on))
        make_postgres(initdb, directory, user, also_on=also_on)
        postgres_port = _free_port()
        with signals_held():
            durability = {**THROWAWAY, **(settings or {})}
            started.append(
                start_postgres(postgres, directory, postgres_port, user, durability=durability, also_on=also_on)
            )
        wait_until_open(redis_port, started[0], directory / "redis.log")
        wait_until_accepting(postgres_port, started[1], directory)
        yield {
            "TIELINE_TEST_DATABASE_URL": f"postgres://tieline@127.0.0.1:{postgres_port}/postgres",
            "TIELINE_TEST_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        }
    finally:
        for process in reversed(started):
            # For PostgreSQL SIGINT is the fast shutdown: it does not wait for clients.
            _end(process, signal.SIGINT)
        shutil.rmtree(directory, ignore_errors=True)


def start_redis(program: str, directory: Path, port: int, *, also_on: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start a Redis that keeps nothing on disk."""
    # Without a password Redis answers from loopback only, unless it is told otherwise.
    open_to_others = ["--protected-mode", "no"] if also_on else []
    with (directory / "redis.log").open("wb") as log:
        return subprocess.Popen(
            [
                *(program, "--port", str(port), "--bind", "127.0.0.1", *also_on),
                *("--save", "", "--appendonly", "no", *open_to_others),
            ],
            cwd=directory,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def make_postgres(initdb: str, directory: Path, user: str | None, *, also_on: Sequence[str] = ()) -> None:
    """Make an empty data directory."""
    data = str(directory / "postgres")
    made = subprocess.run(
        [initdb, "--pgdata", data, "--username", "tieline", "--auth", "trust", "--no-sync", "--encoding", "UTF8"],
        capture_output=True,
        text=True,
        user=user,
        cwd=directory,
        env={**os.environ, "LC_ALL": "C.UTF-8"},
        check=False,
    )
    if made.returncode:
        raise ServiceFailed(f"PostgreSQL's data directory could not be made:\n{made.stdout}{made.stderr}")
    if also_on:
        with (directory / "postgres" / "pg_hba.conf").open("a", encoding="ascii") as file:
            file.write("host all all samenet trust\n")


def start_postgres(
    postgres: str,
    directory: Path,
    port: int,
    user: str | None,
    *,
    durability: dict[str, str] = THROWAWAY,
    also_on: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    """Start PostgreSQL on the data that `make_postgres` left in a directory."""
    settings = {
        "listen_addresses": ",".join(["127.0.0.1", *also_on]),
        "unix_socket_directories": str(directory),
        **durability,
        "max_connections": "100",
        "timezone": "UTC",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (directory / "postgres.log").open("wb") as log:
        return subprocess.Popen(
            [postgres, "-D", str(directory / "postgres"), "-p", str(port), *options],
            cwd=directory,
            stdout=log,
            stderr=subprocess.STDOUT,
            user=user,
            start_new_session=True,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )


def wait_until_accepting(port: int, process: subprocess.Popen[bytes], directory: Path) -> None:
    """Wait until PostgreSQL takes work; :raises ServiceFailed: when it ends, or does not in time."""
    ready = postgres_program("pg_isready")
    wait_until_open(port, process, directory / "postgres.log")
    deadline = time.monotonic() + START_SECONDS
    # The port opens before the database accepts work.
    while subprocess.run([ready, "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceFailed(_tail(directory / "postgres.log"))
        time.sleep(0.05)


def wait_until_open(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a port is open; :raises ServiceFailed: when the process ends, or does not open it in time."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceFailed(_tail(log))
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is not None:
        return
    process.send_signal(number)
    try:
        process.wait(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def postgres_user() -> str | None:
    """Give the account that PostgreSQL runs under; None: one's own."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def postgres_program(name: str) -> str:
    """Find a program of PostgreSQL; :raises ServiceMissing: when it is not installed."""
    newest_first = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
        key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0,
        reverse=True,
    )
    if newest_first:
        return str(newest_first[0])
    found = shutil.which(name, path=_search_path())
    if found is None:
        raise ServiceMissing(f"PostgreSQL's {name} is not installed. On Debian: apt-get install postgresql")
    return found


def redis_program() -> str:
    """Find Redis; :raises ServiceMissing: when it is not installed."""
    found = shutil.which("redis-server", path=_search_path())
    if found is None:
        raise ServiceMissing("redis-server is not installed. On Debian: apt-get install redis-server")
    return found


def _search_path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin:/usr/sbin"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
    return "\n".join([f"The service did not start ({log.name}):", *lines])


if __name__ == "__main__":
    sys.exit(main())
