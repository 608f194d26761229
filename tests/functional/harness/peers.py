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
    """
    One simulated peer as a process; it can be stopped (connections are refused) and started again.

    With `recorded`, every request is a line of the file `record`, also those that the peer itself forgets.
    """

    def __init__(self, *, kind: str, logs: Path, recorded: bool = False) -> None:
        self.kind = kind
        self.record = logs / f"{kind}.jsonl" if recorded else None
        speaks_http = kind not in ("mail", "drop")
        self.port = free_port(also_next=not speaks_http)
        self.url = f"http://127.0.0.1:{self.port if speaks_http else self.port + 1}"
        self.ftp_port = free_port() if kind == "drop" else 0
        self.home = logs / "sandbox"
        self._log = logs / f"sandbox-{kind}.log"
        self._child: Child | None = None

    def start(self) -> None:
        command = [PYTHON, "-m", "sandbox", self.kind, "--port", str(self.port)]
        if self.kind == "drop":
            command += ["--ftp-port", str(self.ftp_port)]
        if self.record is not None:
            command += ["--record", str(self.record)]
        environment = {"PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1", "TIELINE_VAR": str(self.home.parent)}
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

    def clear_faults(self) -> None:
        requests.delete(f"{self.url}/_control/faults", timeout=5).raise_for_status()

    def change(self, **document: Any) -> None:
        """Change the peer's state by hand; what can be changed is written in the sandbox's `change` methods."""
        answer = requests.post(f"{self.url}/_control/state", json=document, timeout=5)
        assert answer.status_code == 200, answer.text

    def state(self) -> dict[str, Any]:
        return requests.get(f"{self.url}/_control/state", timeout=30).json()

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """The requests that arrived, oldest first; `path` is a regular expression."""
        entries = requests.get(f"{self.url}/_control/requests", timeout=30).json()["requests"]
        return [entry for entry in entries if re.search(path, entry["path"])]

    def mails(self) -> list[dict[str, Any]]:
        return self.state()["mails"]

    def mails_about(self, about: str) -> list[dict[str, Any]]:
        """The mails of one integration, but those that say that an earlier incident is over."""
        return [mail for mail in self.mails() if about in mail["subject"] and "Recovered" not in mail["subject"]]

    def _answers(self) -> bool:
        assert self._child is not None
        if not self._child.is_running:
            raise AssertionError(f"{self.kind} ended at once:\n{self._child.text()}")
        try:
            return requests.get(f"{self.url}/_control/state", timeout=2).ok
        except requests.ConnectionError:
            return False
