from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
import redis

from tests.script_loading import SCRIPTS, load


with_services = load("with_services")

INSTALLED = shutil.which("redis-server") and list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
needs_services = pytest.mark.skipif(
    not INSTALLED, reason="PostgreSQL and Redis are not installed: make test installs them"
)

REPORT = """
import os, psycopg, redis, sys
with psycopg.connect(os.environ["TIELINE_TEST_DATABASE_URL"]) as connection:
    print("postgres", connection.execute("SELECT current_setting('max_connections')").fetchone()[0])
with redis.Redis.from_url(os.environ["TIELINE_TEST_REDIS_URL"]) as connection:
    print("redis", connection.ping())
print("product", os.environ.get("DATABASE_URL"), os.environ.get("REDIS_URL"))
sys.exit(7)
"""


def _start(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
    # PostgreSQL may run as another account, which has to reach its directory.
    return subprocess.Popen(
        [sys.executable, str(SCRIPTS / "with_services.py"), *arguments],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


class TestSignalsHeld:
    def test_a_signal_waits_until_the_block_is_left(self) -> None:
        reached = []

        def interrupted() -> None:
            with with_services.signals_held():
                os.kill(os.getpid(), signal.SIGTERM)
                reached.append("the end of the block")

        kept = signal.signal(signal.SIGTERM, with_services._stop)
        try:
            with pytest.raises(SystemExit) as caught:
                interrupted()
            assert signal.getsignal(signal.SIGTERM) is with_services._stop
        finally:
            signal.signal(signal.SIGTERM, kept)

        assert reached == ["the end of the block"]
        assert caught.value.code == 128 + signal.SIGTERM


class TestRun:
    def test_ends_a_command_that_started_while_the_signal_came(self, monkeypatch: pytest.MonkeyPatch) -> None:
        popen = subprocess.Popen
        started: list[subprocess.Popen[bytes]] = []

        def slow_popen(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
            started.append(popen(*arguments, **options))
            os.kill(os.getpid(), signal.SIGTERM)
            return started[0]

        monkeypatch.setattr(with_services.subprocess, "Popen", slow_popen)
        kept = signal.signal(signal.SIGTERM, with_services._stop)
        try:
            with pytest.raises(SystemExit):
                with_services.run(["sleep", "600"], {})
        finally:
            signal.signal(signal.SIGTERM, kept)

        assert started[0].poll() == -signal.SIGTERM


class TestMain:
    @needs_services
    def test_gives_the_command_both_services_and_its_exit_status_back(self, tmp_path: Path) -> None:
        process = _start(tmp_path, "--", sys.executable, "-c", REPORT)
        output, errors = process.communicate(timeout=60)

        assert (process.returncode, errors) == (7, "")
        assert output.splitlines() == ["postgres 100", "redis True", "product None None"]

    @needs_services
    def test_sets_the_products_own_variables_when_asked(self, tmp_path: Path) -> None:
        process = _start(tmp_path, "--use", "--", sys.executable, "-c", REPORT)
        output, _ = process.communicate(timeout=60)

        words = output.splitlines()[2].split()
        assert words[1].startswith("postgres://tieline@127.0.0.1:")
        assert words[2].startswith("redis://127.0.0.1:")

    @needs_services
    def test_listens_on_further_addresses_when_asked(self) -> None:
        with with_services.services(also_on=["127.0.0.2"]) as found:
            database = found["TIELINE_TEST_DATABASE_URL"].replace("127.0.0.1", "127.0.0.2")
            broker = found["TIELINE_TEST_REDIS_URL"].replace("127.0.0.1", "127.0.0.2")

            with psycopg.connect(database) as connection:
                assert connection.execute("SELECT host(inet_server_addr())").fetchone() == ("127.0.0.2",)
            with redis.Redis.from_url(broker) as client:
                assert client.ping()

    @needs_services
    def test_leaves_nothing_behind_when_it_is_stopped(self, tmp_path: Path) -> None:
        process = _start(tmp_path, "--", "sh", "-c", "echo up; exec sleep 600")
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        started = psutil.Process(process.pid).children(recursive=True)
        names = {each.name() for each in started}
        assert {"redis-server", "postgres"} <= names

        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

        assert process.returncode == 128 + signal.SIGTERM
        deadline = time.monotonic() + 5
        while any(each.is_running() for each in started):
            assert time.monotonic() < deadline, [each for each in started if each.is_running()]
            time.sleep(0.05)

    def test_says_what_to_install_when_a_service_is_missing(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def missing(_name: str) -> str:
            raise with_services.ServiceMissing(
                "PostgreSQL's initdb is not installed. On Debian: apt-get install postgresql"
            )

        kept = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGHUP)
        monkeypatch.setattr(with_services, "postgres_program", missing)

        status = with_services.main(["--", "true"])

        signal.signal(signal.SIGTERM, kept[0])
        signal.signal(signal.SIGHUP, kept[1])
        assert status == 1
        assert capsys.readouterr().err == (
            "PostgreSQL's initdb is not installed. On Debian: apt-get install postgresql\n"
        )
