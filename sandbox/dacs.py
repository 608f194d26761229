"""
DACS: enrollments, sync requests, device status, event participation, the health check, and usage for billing.

What decides an enrollment's answer, so that a person can call for each outcome by hand:

* a `transactionId` that is known: 400 with message number 10589 (already exists)
* `cisPersonId` ends in `999`: 200 with status VAL-ERROR and an `exception`
* `programCode` starts with `CLOSED-`: 400 with message number 11205
* otherwise 200 with status PENDING and a 14-digit `enrollmentId` that follows from the `transactionId`
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any

from sandbox.exchange import PeerAnswer, PeerRequest, UnableToReadJson, iso
from sandbox.participation import Participation
from sandbox.problems import CATEGORY, problem
from sandbox.service import Action, Service, UnableToChangeState
from sandbox.usage import Usage


ALREADY_EXISTS = 10589
NOT_VALID = 11201
PROGRAM_CLOSED = 11205
NOT_KNOWN = 11210
WRONG_STATE = 11221
PERSON_NOT_KNOWN = 11230

_HEALTH_STATUSES = {200, 203, 500}
_OWNERSHIP = {"W1CO", "W1OW"}
_METHODS = {"X1SI", "X1SD", "X1UI", "X1RE"}
_START_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NEEDED_WHEN_SELF_INSTALLED = ("specification", "assetType", "nicId", "headEndSystem")


def enrollment_id(transaction_id: str) -> str:
    """Give the 14 digits under which an enrollment is created: the same for the same transaction."""
    number = int.from_bytes(hashlib.sha256(transaction_id.encode()).digest()[:8], "big")
    return str(10**13 + number % (9 * 10**13))


class Dacs(Service):
    """The asset system of the utility."""

    name = "dacs"
    title = "Sandbox: DACS"

    def __init__(self) -> None:
        super().__init__()
        self.health = 200
        self.enrollments: dict[str, dict[str, Any]] = {}
        self.sync_requests: dict[str, dict[str, Any]] = {}
        self.status_checks: dict[str, str] = {}
        self.todos: list[str] = []
        self.participation = Participation(todos=self.todos)
        self.usage = Usage()

    def actions(self) -> Iterable[tuple[str, str, Action]]:
        """The operations of DACS that the integration calls."""
        events = self.participation
        return (
            ("POST", "/programEnrollments/enroll", self.enroll),
            ("GET", "/common/healthCheck", self.health_check),
            ("PATCH", "/common/sync/syncRequest/", self.update_sync_request),
            ("POST", "/controllableDeviceStatus/response", self.device_status),
            ("POST", "/programEventParticipation/reserveDevice", events.reserve),
            ("POST", "/programEventParticipation/preEventCancellation", events.cancel),
            ("POST", "/programEventParticipation/postEventOutcome", events.outcome),
            ("POST", "/usage-transactions", self.usage.take),
            ("POST", "/usage-corrections", self.usage.take_correction),
        )

    def answer(self, request: PeerRequest) -> PeerAnswer:
        """Answer, refusing a body that cannot be read as DACS does."""
        try:
            return super().answer(request)
        except UnableToReadJson as error:
            return problem(request, detail=str(error), number=NOT_VALID)

    def not_found(self, request: PeerRequest) -> PeerAnswer:
        """Refuse an address that DACS does not have."""
        return problem(request, detail=f"No resource at {request.path}.", number=NOT_KNOWN, status=404)

    def enroll(self, request: PeerRequest) -> PeerAnswer:
        """X1-ProgramEnrollment, operation enrollProgram."""
        document = request.json_object()
        transaction = str(document.get("transactionId") or "")
        refusal = _why_not_valid(document)
        if refusal:
            return problem(request, detail=refusal, number=NOT_VALID, program="X1-DAEnroll")
        if transaction in self.enrollments:
            return problem(
                request,
                detail=f"Enrollment request with transaction ID {transaction} already exists.",
                text="Enrollment request already exists.",
                number=ALREADY_EXISTS,
                program="X1-DAEnroll",
            )
        program = document["programInfo"]["programCode"]
        if program.startswith("CLOSED-"):
            return problem(
                request, detail=f"Program {program} is closed.", number=PROGRAM_CLOSED, program="X1-DAEnroll"
            )
        answer = {**document, "enrollmentId": enrollment_id(transaction), "status": "PENDING"}
        person = str(document["customerInfo"].get("cisPersonId") or "")
        if person.endswith("999"):
            answer["status"] = "VAL-ERROR"
            answer["exception"] = {
                "messageCategory": CATEGORY,
                "messageNumber": PERSON_NOT_KNOWN,
                "messageText": f"CIS person {person} is not known.",
            }
        self.enrollments[transaction] = {
            "enrollmentId": answer["enrollmentId"],
            "status": answer["status"],
            "at": iso(request.received_at),
        }
        return PeerAnswer(status=200, document={"X1-DAEnroll": answer})

    def health_check(self, request: PeerRequest) -> PeerAnswer:
        """F1-HealthCheckREST: 200 well, 203 a warning, 500 critical."""
        words = {200: "OK", 203: "WARNING", 500: "CRITICAL"}
        return PeerAnswer(
            status=self.health,
            document={"F1-HealthCheck": {"overallResult": words[self.health], "at": iso(request.received_at)}},
        )

    def update_sync_request(self, request: PeerRequest) -> PeerAnswer:
        """F1-SyncRequest: the acknowledgement moves a request that awaits one, and no other."""
        key = request.path.partition("?")[0].rstrip("/").rpartition("/")[2]
        document = request.json_object()
        if str(document.get("syncRequestId", key)) != key or not isinstance(document.get("hasError"), bool):
            return problem(request, detail="syncRequestId or hasError is not valid.", number=NOT_VALID)
        known = self.sync_requests.get(key)
        if known is None:
            return problem(request, detail=f"Sync request {key} is not known.", number=NOT_KNOWN, status=404)
        if known["state"] != "AWAITINGACK":
            return problem(request, detail=f"Sync request {key} is not awaiting acknowledgement.", number=WRONG_STATE)
        exceptions = document.get("exceptionInfo") or []
        known["state"] = "ERROR" if document["hasError"] or exceptions else "SYNCHRONIZED"
        known["exceptionInfo"] = exceptions
        known["externalIds"] = document.get("externalIds") or []
        if known["state"] == "ERROR":
            self.todos.append(f"Sync request {key} was refused by the external system")
        return PeerAnswer(status=200, document={"F1-SyncRequest": {"syncRequestId": key, "boStatus": known["state"]}})

    def device_status(self, request: PeerRequest) -> PeerAnswer:
        """X1-CtrlDvcStatusCheckResp: the answer to a status check that DACS asked for."""
        detail = request.json_object().get("responseDetail") or {}
        transaction = str(detail.get("transactionID") or detail.get("transactionId") or "")
        status = (detail.get("result") or {}).get("status")
        if status not in ("SUCCESS", "FAILURE") or not 0 < len(transaction) <= 30:
            return problem(request, detail="transactionID or result.status is not valid.", number=NOT_VALID)
        if transaction not in self.status_checks:
            return problem(request, detail=f"Communication {transaction} is not known.", number=NOT_KNOWN)
        self.status_checks[transaction] = status
        return PeerAnswer(status=200, document={"boStatus": "COMPLETE", "communicationId": transaction})

    def state(self) -> dict[str, Any]:
        """Everything that DACS knows."""
        with self.lock:
            return {
                "health": self.health,
                "replayed": self.replayed,
                "enrollments": dict(self.enrollments),
                "syncRequests": dict(self.sync_requests),
                "statusChecks": dict(self.status_checks),
                **self.participation.state(),
                **self.usage.state(),
                "todos": list(self.todos),
            }

    def change(self, document: dict[str, Any]) -> None:
        """
        Set the health, or open sync requests and status checks that can then be acknowledged.

        Fields: `health` (200, 203, 500), `syncRequests` (ids), `statusChecks` (ids).
        """
        unknown = set(document) - {"health", "syncRequests", "statusChecks"}
        if unknown:
            raise UnableToChangeState(f"Unknown: {', '.join(sorted(unknown))}.")
        if "health" in document and document["health"] not in _HEALTH_STATUSES:
            raise UnableToChangeState("health is 200, 203 or 500.")
        with self.lock:
            self.health = document.get("health", self.health)
            for key in document.get("syncRequests", []):
                self.sync_requests[str(key)] = {"state": "AWAITINGACK"}
            for key in document.get("statusChecks", []):
                self.status_checks[str(key)] = ""

    def reset(self) -> None:
        """Forget everything and be well."""
        with self.lock:
            super().reset()
            self.health = 200
            self.enrollments.clear()
            self.sync_requests.clear()
            self.status_checks.clear()
            self.todos.clear()
            self.participation.reset()
            self.usage.reset()


def _why_not_valid(document: dict[str, Any]) -> str:
    transaction = document.get("transactionId")
    if not isinstance(transaction, str) or not 0 < len(transaction) <= 120:
        return "transactionId is required and has at most 120 characters."
    for part in ("customerInfo", "programInfo", "locationInfo", "assetInfo"):
        if not isinstance(document.get(part), dict):
            return f"{part} is required."
    program = document["programInfo"]
    if not isinstance(program.get("programCode"), str) or not program["programCode"]:
        return "programInfo.programCode is required."
    if not _START_DATE.fullmatch(str(program.get("startDate") or "")):
        return "programInfo.startDate is not a date."
    return _why_assets_are_not_valid(document["assetInfo"])


def _why_assets_are_not_valid(info: dict[str, Any]) -> str:
    if info.get("installationMethod") not in _METHODS or info.get("assetOwnership") not in _OWNERSHIP:
        return "assetInfo.installationMethod or assetInfo.assetOwnership is not valid."
    assets = info.get("assetList")
    if not isinstance(assets, list) or not assets or not all(isinstance(asset, dict) for asset in assets):
        return "assetInfo.assetList is required."
    if (info["installationMethod"], info["assetOwnership"]) == ("X1SI", "W1CO"):
        for asset in assets:
            for name in _NEEDED_WHEN_SELF_INSTALLED:
                if not asset.get(name):
                    return f"{name} is required when installationMethod is X1SI and assetOwnership is W1CO."
    return ""
