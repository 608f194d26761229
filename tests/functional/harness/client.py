"""A thin client of the product's HTTP API."""

from __future__ import annotations

import json
from typing import Any

import requests

from tests.functional.harness.processes import wait_until


GUIDE_ENROLL = "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DRMS_DACS_ENROLLRQ/1.0/enroll-to-dacs"
ENROLL = "/api/v1/flows/OUTL-BA-DRMS_DACS_ENROLLRQ/enroll-to-dacs"
DUE = {"PENDING", "VEE_READY", "VEE", "FORCE_COMPLETE"}


class Client:
    """Speaks to one address with one account: Basic, or a token."""

    def __init__(self, *, url: str, username: str = "", password: str = "", token: str = "") -> None:
        self.url = url
        self.session = requests.Session()
        self.session.trust_env = False
        if username:
            self.session.auth = (username, password)
        if token:
            self.session.headers["Authorization"] = f"Token {token}"

    def request(self, method: str, path: str, *, timeout: float = 60, **options: Any) -> requests.Response:
        return self.session.request(method, path if "://" in path else self.url + path, timeout=timeout, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> requests.Response:
        return self.request("PUT", path, **options)

    def read(self, path: str, **parameters: Any) -> Any:
        """GET that must work; gives the document."""
        answer = self.get(path, params=parameters)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:2000]}"
        return answer.json()

    def all(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        """The results of a paged list, all pages."""
        page = self.read(path, **parameters)
        found = list(page["results"])
        while page["next"]:
            page = self.read(page["next"])
            found.extend(page["results"])
        assert len(found) == page["count"]
        return found

    def enroll(self, *records: dict[str, Any], path: str = ENROLL, **options: Any) -> requests.Response:
        return self.post(path, json={"params": list(records)}, **options)

    def master_data(self, *lines: dict[str, Any]) -> requests.Response:
        body = "\n".join(json.dumps(line) for line in lines)
        headers = {"Content-Type": "application/x-ndjson"}
        return self.post("/api/v1/master-data/", data=body.encode(), headers=headers)

    def send_imds(self, *imds: dict[str, Any]) -> list[dict[str, Any]]:
        answer = self.post("/api/v1/imds/", json=list(imds))
        assert answer.status_code == 202, f"{answer.status_code} {answer.text[:2000]}"
        results = answer.json()
        assert len(results) == len(imds)
        return results

    def imd(self, imd_id: Any) -> dict[str, Any]:
        return self.read(f"/api/v1/imds/{imd_id}/")

    def settled_imd(self, imd_id: Any, *, seconds: float = 30) -> dict[str, Any]:
        """The IMD once VEE is done with it."""

        def look() -> dict[str, Any] | None:
            imd = self.imd(imd_id)
            return None if imd["state"] in DUE else imd

        return wait_until(f"VEE of IMD {imd_id}", look, seconds=seconds)

    def measurements(self, component: str, start: str, end: str) -> list[dict[str, Any]]:
        path = "/api/v1/measurements/"
        return self.all(path, measuring_component=component, start=start, end=end, page_size=10_000)

    def loaded_file(self, file_id: Any, *, seconds: float = 30) -> dict[str, Any]:
        """The reading file's report once it is loaded."""

        def look() -> dict[str, Any] | None:
            report = self.read(f"/api/v1/reading-files/{file_id}/")
            return None if report["status"] in ("RECEIVED", "LOADING") else report

        return wait_until(f"loading of file {file_id}", look, seconds=seconds)

    def runs_of(self, message_id: str) -> list[dict[str, Any]]:
        return self.all("/api/v1/flow-runs/", search=message_id)


def problem(answer: requests.Response, status: int, code: str = "") -> dict[str, Any]:
    """See that an answer is a problem document of that status, and give it."""
    shown = f"{answer.status_code} {answer.headers.get('Content-Type')} {answer.text[:1000]}"
    assert answer.status_code == status, shown
    assert answer.headers["Content-Type"].split(";")[0] == "application/problem+json", shown
    document = answer.json()
    assert document["status"] == status, shown
    assert {"type", "title", "status", "detail", "instance", "code", "retryable", "ackType"} <= document.keys(), shown
    if code:
        assert document["code"] == code, shown
    return document
