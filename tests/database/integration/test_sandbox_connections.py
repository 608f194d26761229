"""The connections that `make run` makes lead to the peers that it starts: the keys of both are the same files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from integration.environment import BASE_DIR
from integration.operations import setup as operation
from outbound.operations.connection_tests import test_connection
from tests.functional.harness.processes import free_port


pytestmark = pytest.mark.django_db

AT = datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.fixture
def ports() -> dict[str, int]:
    return {
        "dacs": 9101,
        "derms": 9102,
        "mail": 9125,
        "drop": free_port(also_next=True),
        "objects": free_port(),
    }


@pytest.fixture
def peers(ports: dict[str, int], tmp_path: Path) -> Iterator[None]:
    environment = {"PATH": os.environ["PATH"], "TIELINE_VAR": str(tmp_path)}
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "sandbox", *arguments],
            cwd=BASE_DIR,
            env=environment,
            stdout=subprocess.DEVNULL,
        )
        for arguments in (
            ["drop", "--port", str(ports["drop"]), "--ftp-port", "0"],
            ["objects", "--port", str(ports["objects"])],
        )
    ]
    try:
        for port in (ports["drop"] + 1, ports["objects"]):
            _wait_for(f"http://127.0.0.1:{port}/_control/state")
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(20)


def _wait_for(url: str) -> None:
    ends = time.monotonic() + 30
    while True:
        try:
            requests.get(url, timeout=5).raise_for_status()
        except requests.ConnectionError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.1)
        else:
            return


class TestConnectSandbox:
    def test_the_file_drop_and_the_object_storage_take_the_connections_that_are_made(
        self, ports: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
    ) -> None:
        monkeypatch.setattr(operation, "VAR_DIR", tmp_path)
        operation.connect_sandbox(ports=ports, at=AT)
        request.getfixturevalue("peers")

        drop = test_connection(name="DACS_SFTP", by=None, at=AT)
        storage = test_connection(name="DACS_OS", by=None, at=AT)

        assert drop.steps[-1].seen == "/drop: 0 files"
        assert storage.steps[-1].seen == "bucket DACS_DERMS_DEVICE_SCORE: 0 objects"
        assert (drop.ok, storage.ok) == (True, True)
