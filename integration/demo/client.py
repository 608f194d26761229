"""The demo's way to the product: its HTTP API, with a token, as any system uses it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests


ENROLL = "/api/v1/flows/OUTL-BA-DRMS_DACS_ENROLLRQ/enroll-to-dacs"
TIMEOUT_SECONDS = 120.0
LONGEST_WAIT_SECONDS = 10.0
DACS_ENROLL = "/rest/apis/cross/digitalAssets/programEnrollments/enroll"


class DoorClosed(Exception):
    """The product answered otherwise than the demo needs; the message says where and what."""


class Doors:
    """The addresses that the demo goes through. Use it from one thread."""

    def __init__(self, *, url: str, token: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Token {token}"

    def send_master_data(self, lines: list[dict[str, Any]]) -> int:
        """
        Send master data as JSON lines and give how many there were.

        :raises DoorClosed: when a line is refused.
        """
        body = "\n".join(json.dumps(line) for line in lines).encode()
        self._call("POST", "/api/v1/master-data/", {200}, data=body, headers={"Content-Type": "application/x-ndjson"})
        return len(lines)

    def send_imds(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Send initial measurements and give the result of each, in order."""
        results: list[dict[str, Any]] = self._call("POST", "/api/v1/imds/", {202}, json=records).json()
        return results

    def upload(self, *, name: str, content: str, format_: str) -> str:
        """Upload a reading file and give its id."""
        files = {"file": (name, content.encode(), "text/csv")}
        return str(
            self._call("POST", "/api/v1/reading-files/", {202}, files=files, data={"format": format_}).json()["id"]
        )

    def file_report(self, file_id: str) -> dict[str, Any]:
        """Read what became of a reading file."""
        report: dict[str, Any] = self._call("GET", f"/api/v1/reading-files/{file_id}/", {200}).json()
        return report

    def enroll(self, records: list[dict[str, Any]]) -> dict[str, Any]:
        """Send an enrollment collection and give the acknowledgement."""
        acknowledgement: dict[str, Any] = self._call("POST", ENROLL, {200}, json={"params": records}).json()
        return acknowledgement

    def send(self, path: str, document: dict[str, Any]) -> dict[str, Any]:
        """Send a message to a flow and give its answer."""
        answer: dict[str, Any] = self._call("POST", path, {200}, json=document).json()
        return answer

    def start(self, path: str) -> None:
        """Start a scheduled flow by hand."""
        self._call("POST", path, {202})

    def send_file(self, path: str, document: dict[str, Any], content: str) -> None:
        """Send a message with a CSV file to a flow, which takes it and answers later."""
        parts = {
            "request": (None, json.dumps(document), "application/json"),
            "file": (f"{document['messageId']}.csv", content.encode(), "text/csv"),
        }
        self._call("POST", path, {202}, files=parts)

    def test_connection(self, name: str) -> None:
        """Test a connection, as a person does after a target was away: a good test closes its circuit breaker."""
        self._call("POST", f"/api/v1/connections/{name}/test/", {200})

    def lookup(self, name: str) -> dict[str, Any]:
        """Read a lookup."""
        table: dict[str, Any] = self._call("GET", f"/api/v1/lookups/{name}/", {200}).json()
        return table

    def replace_lookup(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Replace the rows of a lookup."""
        self._call("PUT", f"/api/v1/lookups/{name}/", {200}, json={"rows": rows})

    def _call(self, method: str, path: str, expected: set[int], **options: Any) -> requests.Response:
        try:
            answer = self._session.request(method, self._url + path, timeout=TIMEOUT_SECONDS, **options)
        except requests.RequestException as error:
            raise DoorClosed(f"{method} {path} failed: {error}") from error
        if answer.status_code == 401:
            raise DoorClosed(
                f"The product at {self._url} does not know this command's account: it runs on another database. "
                "Give this command the same TIELINE_VAR or DATABASE_URL, or another PORT."
            )
        if answer.status_code not in expected:
            raise DoorClosed(f"{method} {path} was answered with {answer.status_code}: {answer.text[:1500]}")
        return answer


class SandboxPeer:
    """The control API of a simulated peer."""

    def __init__(self, *, url: str) -> None:
        parts = urlsplit(url)
        self.url = f"{parts.scheme}://{parts.netloc}"

    def is_there(self) -> bool:
        """Whether a simulated peer answers at this address."""
        try:
            answer = requests.get(f"{self.url}/_control/state", timeout=3)
            return answer.ok and "enrollments" in answer.json()
        except (requests.RequestException, ValueError):
            return False

    def state(self) -> dict[str, Any]:
        """Give what the peer knows."""
        answer = requests.get(f"{self.url}/_control/state", timeout=10)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def change(self, **document: Any) -> None:
        """Change what the peer knows, as another system would have done."""
        requests.post(f"{self.url}/_control/state", json=document, timeout=10).raise_for_status()


class SandboxDerms(SandboxPeer):
    """The control API of the simulated DERMS."""


class SandboxDrop(SandboxPeer):
    """The control API of the simulated file drop, one port after its SFTP door."""

    def __init__(self, *, host: str, port: int, directory: str) -> None:
        super().__init__(url=f"http://{host}:{port + 1}")
        self._directory = directory.strip("/")

    def is_there(self) -> bool:
        """Whether a simulated file drop answers at this address."""
        try:
            answer = requests.get(f"{self.url}/_control/state", timeout=3)
            return answer.ok and "hostKey" in answer.json()
        except (requests.RequestException, ValueError):
            return False

    def put(self, name: str, content: str) -> None:
        """Leave a file in the directory that the connection names."""
        self.change(files={f"{self._directory}/{name}".lstrip("/"): content})

    def names(self) -> set[str]:
        """Give the names of the files that lie there."""
        return {name.rpartition("/")[2] for name in self.state()["files"]}


class SandboxDacs(SandboxPeer):
    """The control API of the simulated DACS: the demo never enrolls anybody at a real one."""

    def does_not_answer(self, message_ids: list[str], *, read_timeout: float) -> None:
        """Let it answer these messages later than anybody waits; where one waits long, break the connection."""
        waits = read_timeout <= LONGEST_WAIT_SECONDS
        how: dict[str, Any] = {"delay_seconds": read_timeout + 2.0} if waits else {"reset": True}
        for message_id in message_ids:
            self._fault({"match": {"path": "enroll$", "body": f'"{message_id}"'}, "times": 1, **how})

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        """Be away while the block runs."""
        rule = self._fault({"match": {"path": "enroll$"}, "down": True})
        try:
            yield
        finally:
            requests.delete(f"{self.url}/_control/faults/{rule['id']}", timeout=10).raise_for_status()

    def _fault(self, rule: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(f"{self.url}/_control/faults", json=rule, timeout=10)
        answer.raise_for_status()
        made: dict[str, Any] = answer.json()
        return made

    def knows(self, enrollment: dict[str, Any]) -> None:
        """Enroll somebody without the product, as a contact centre does."""
        requests.post(self.url + DACS_ENROLL, json=enrollment, timeout=10).raise_for_status()


def mails_in_sandbox(url: str) -> int | None:
    """Count the mails in the simulated mailbox; None when there is none at this address."""
    try:
        answer = requests.get(f"{url}/_control/state", timeout=3)
        return int(answer.json()["count"])
    except (requests.RequestException, ValueError, KeyError):
        return None
