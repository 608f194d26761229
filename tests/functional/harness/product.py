"""The product under its own supervisor, on a directory and a port of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil
import requests
import yaml

from tests.functional.harness.browser import Person
from tests.functional.harness.client import Client
from tests.functional.harness.processes import PYTHON, ROOT, Child, DidNotHappen, free_port, wait_until


USERNAME = "operator"
_PASSED_ON = ("PATH", "HOME", "LANG", "TMPDIR", "TZ", "VIRTUAL_ENV")


_products = itertools.count()


class Product:
    """
    Starts with `manage.py supervise --no-sandbox`, as `make run` does.

    On SQLite and the embedded broker; when DATABASE_URL and REDIS_URL are set, on a database of its own on that
    server, and on one of that Redis. When its own `environment` names them, on exactly those.
    """

    def __init__(self, *, var: Path, config: Path, password: str, environment: Mapping[str, str]) -> None:
        self.var = var
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.password = password
        self._child: Child | None = None
        self._database = ""
        self.environment = {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "PYTHONUNBUFFERED": "1",
            "TIELINE_VAR": str(var),
            "TIELINE_EMBEDDED": "1",
            "SECRET_KEY": secrets.token_urlsafe(50),
            "FIELD_ENCRYPTION_KEYS": "mB7CMlYF6Cq1V0RWrxgQO6Jd2o5iEJkH4ylJ4o2yLkQ=",
            "ALLOWED_HOSTS": "127.0.0.1",
            "DJANGO_SUPERUSER_USERNAME": USERNAME,
            "DJANGO_SUPERUSER_PASSWORD": password,
            "DJANGO_SUPERUSER_EMAIL": "operator@utility.example",
            "TIELINE_CONFIG": str(config),
            "PORT": str(self.port),
            "API_MAX_BODY_BYTES": str(8 * 1024 * 1024),
            **environment,
        }

    # Life

    def start(self) -> None:
        self._use_services()
        self.var.mkdir(parents=True, exist_ok=True)
        self.supervise()
        self.wait_until_ready()

    def restart(self) -> None:
        """End all of its processes and start them again, on the same data."""
        assert self._child is not None
        self._child.stop()
        self.supervise()
        self.wait_until_ready()

    def supervise(self) -> None:
        """Start the supervisor, as whatever starts it after a boot does."""
        self._child = Child(
            name="product",
            command=[PYTHON, "manage.py", "supervise", "--no-sandbox", "--port", str(self.port)],
            environment=self.environment,
            log=self.var / "product.log",
        )

    def terminate(self, *, seconds: float) -> int:
        """Ask the supervisor to end, and give its exit status; it must come within so many seconds."""
        assert self._child is not None
        self._child.process.terminate()
        return self._child.process.wait(seconds)

    def wait_until_ready(self) -> None:
        try:
            wait_until("the product is ready", self._is_ready, seconds=300, every=0.2)
        except DidNotHappen as error:
            raise DidNotHappen(f"{error}\n{self.log()[-5000:]}") from None

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
        self._drop_database()

    def _is_ready(self) -> bool:
        assert self._child is not None
        if not self._child.is_running:
            raise AssertionError(f"The product ended at once:\n{self.log()[-5000:]}")
        try:
            return requests.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except requests.RequestException:
            return False

    # What tests use

    def client(self) -> Client:
        return Client(url=self.url, username=USERNAME, password=self.password)

    def person(self) -> Person:
        """The operator, logged in to the admin."""
        return Person(url=self.url, username=USERNAME, password=self.password)

    def log(self) -> str:
        """What supervisor, web, worker and beat wrote."""
        return self._child.text() if self._child is not None else ""

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command beside the running product."""
        done = subprocess.run(
            [PYTHON, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def apply(self, document: Mapping[str, Any]) -> None:
        """Apply a configuration document beside the running product."""
        file = self.var / "applied.yaml"
        file.write_text(yaml.safe_dump(dict(document)))
        self.manage("config", "apply", str(file))

    @property
    def supervisor(self) -> psutil.Process | None:
        """The supervisor's process while it runs."""
        return psutil.Process(self._child.process.pid) if self._child is not None and self._child.is_running else None

    def processes(self) -> list[int]:
        """The ids of all of its processes, the supervisor's first."""
        assert self._child is not None
        supervisor = psutil.Process(self._child.process.pid)
        return [supervisor.pid, *(child.pid for child in supervisor.children(recursive=True))]

    def workers(self) -> list[int]:
        """The ids of the Celery worker's processes, the main one first."""
        assert self._child is not None
        found = []
        for process in psutil.Process(self._child.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                command = process.cmdline()
                if any("celery" in part for part in command) and "worker" in command:
                    found.append(process.pid)
        return found

    def kill_workers(self) -> list[int]:
        """End the worker as a power cut does; the supervisor starts another one."""
        killed = self.workers()
        assert killed, "There is no worker."
        for pid in killed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return killed

    # Services

    def _use_services(self) -> None:
        if "DATABASE_URL" in self.environment:
            return
        server, redis = os.environ.get("DATABASE_URL", ""), os.environ.get("REDIS_URL", "")
        if server.startswith("postgres"):
            self._database = f"tieline_functional_{secrets.token_hex(4)}"
            self._on_server(f'CREATE DATABASE "{self._database}"')
            self.environment["DATABASE_URL"] = urlunsplit(urlsplit(server)._replace(path=f"/{self._database}"))
        if redis:
            import redis as redis_client

            # Each product has a Redis database of its own, or one would take the work of another: of the two parallel
            # test processes the one takes the even ones from the sixth on, the other the odd ones.
            worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
            url = urlunsplit(urlsplit(redis)._replace(path=f"/{6 + (worker + 2 * next(_products)) % 10}"))
            with redis_client.Redis.from_url(url) as connection:
                connection.flushdb()
            self.environment["REDIS_URL"] = url

    def _drop_database(self) -> None:
        if self._database:
            self._on_server(f'DROP DATABASE IF EXISTS "{self._database}" WITH (FORCE)')
            self._database = ""

    @staticmethod
    def _on_server(statement: str) -> None:
        import psycopg

        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]
