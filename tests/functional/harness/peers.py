"""The sandbox's peers on free ports, and their control API."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import requests

from tests.functional.harness.processes import PYTHON, Child, free_port, wait_until


ENROLL_PATH = "/rest/apis/cross/digitalAssets/programEnrollments/enroll"


class Peer:
    """One simulated peer as a process; it can be stopped (connections are refused) and started again."""

    def __init__(self, *, kind: str, logs: Path) -> None:
        self.kind = kind
        self.port = free_port(also_next=kind == "mail")
        self.url = f"http://127.0.0.1:{self.port + 1 if kind == 'mail' else self.port}"
        self._log = logs / f"sandbox-{kind}.log"
        self._child: Child | None = None

    def start(self) -> None:
        command = [PYTHON, "-m", "sandbox", self.kind, "--port", str(self.port)]
        environment = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
        self._child = Child(name=self.kind, command=command, environment=environment, log=self._log)
        wait_until(f"{self.kind} answers", self._answers)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop(seconds=5)
            self._child = None

    def restart_if_stopped(self) -> None:
        if self._child is None or not self._child.is_running:
            self.start()

    def reset(self) -> None:
        requests.post(f"{self.url}/_control/reset", timeout=5).raise_for_status()

    def fault(self, **rule: Any) -> None:
        answer = requests.post(f"{self.url}/_control/faults", json=rule, timeout=5)
        assert answer.status_code == 201, answer.text

    def state(self) -> dict[str, Any]:
        return requests.get(f"{self.url}/_control/state", timeout=5).json()

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """The requests that arrived, oldest first; `path` is a regular expression."""
        entries = requests.get(f"{self.url}/_control/requests", timeout=5).json()["requests"]
        return [entry for entry in entries if re.search(path, entry["path"])]

    def mails(self) -> list[dict[str, Any]]:
        return self.state()["mails"]

    def _answers(self) -> bool:
        assert self._child is not None
        if not self._child.is_running:
            raise AssertionError(f"{self.kind} ended at once:\n{self._child.text()}")
        try:
            return requests.get(f"{self.url}/_control/state", timeout=2).ok
        except requests.ConnectionError:
            return False
