"""OUAI's acknowledgement files through the running product: from the bucket to DACS, and the file's new name."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.functional.harness.client import Client
from tests.functional.harness.events import SYNC_REQUEST_AT_DACS, fourteen_digits, table
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until


FLOW = "OUTL-BA-OUAI_DACS_ENROLL_ACK"
BUCKET = "OUAI_EnrollAck_DEV"
FILE = "feedback.dacs.program_subscription_20230601201533120.csv"
COLUMNS = ("syncRequestId", "programSubscriptionId", "status", "errorCode", "errorMessage", "processedDateTime")
INTEGRATION = ["integration@utility.example"]
MAIL_WOULD_HAVE_COME_SECONDS = 1.5
ENDED = {"SUCCEEDED", "FAILED", "ABORTED"}


def put(objects: Peer, *rows: tuple[str, str, str, str]) -> None:
    """Leave a file as OUAI does: `(syncRequestId, status, errorCode, errorMessage)` per row."""
    at = "2023-06-01T20:15:33.120Z"
    lines = [(key, "901245778310", status, code, message, at) for key, status, code, message in rows]
    objects.change(objects={BUCKET: {FILE: table(COLUMNS, lines)}})


def run_by_hand(client: Client) -> dict[str, Any]:
    answer = client.post(f"/api/v1/flows/{FLOW}/run")
    assert answer.status_code == 202, answer.text
    path = f"/api/v1/flow-runs/{answer.json()['instanceId']}/"

    def look() -> dict[str, Any] | None:
        run = client.read(path)
        return run if run["state"] in ENDED else None

    return wait_until("the end of the run", look, seconds=60)


def patched(dacs: Peer) -> list[str]:
    """The sync requests that DACS was told of, in order."""
    sent = [entry for entry in dacs.requests(SYNC_REQUEST_AT_DACS) if entry["method"] == "PATCH"]
    return [entry["path"].rsplit("/", 1)[1] for entry in sent]


def test_each_record_goes_to_its_sync_request_and_the_file_gets_its_tag(
    client: Client, dacs: Peer, objects: Peer
) -> None:
    good, bad = fourteen_digits(), fourteen_digits()
    dacs.change(syncRequests=[good, bad])
    put(objects, (good, "SUCCESS", "", ""), (bad, "ERROR", "SP_NOT_FOUND", "Service point 440098231199 not found"))

    run = run_by_hand(client)

    assert (run["state"], run["ack_type"]) == ("SUCCEEDED", "SUCCESS"), run
    assert patched(dacs) == [good, bad]
    assert list(objects.state()["buckets"][BUCKET]) == [f"sent_{FILE}"]
    known = dacs.state()["syncRequests"]
    assert (known[good]["state"], known[good]["exceptionInfo"]) == ("SYNCHRONIZED", [])
    (exception,) = known[bad]["exceptionInfo"]
    assert (exception["messageCategory"], exception["messageNumber"]) == (11104, 11220)
    assert [parameter["messageParameterValue"] for parameter in exception["messageParameters"]] == [
        "SP_NOT_FOUND",
        "Service point 440098231199 not found",
    ]


def test_a_400_is_a_record_that_dacs_has_and_the_next_one_goes_without_a_mail(
    client: Client, dacs: Peer, objects: Peer, mail: Peer
) -> None:
    known, following = fourteen_digits(), fourteen_digits()
    dacs.change(syncRequests=[known, following])
    dacs.fault(match={"path": f"{SYNC_REQUEST_AT_DACS}{known}"}, status=400)
    put(objects, (known, "SUCCESS", "", ""), (following, "SUCCESS", "", ""))

    run = run_by_hand(client)

    assert run["state"] == "SUCCEEDED", run
    assert patched(dacs) == [known, following]
    assert dacs.state()["syncRequests"][following]["state"] == "SYNCHRONIZED"
    assert list(objects.state()["buckets"][BUCKET]) == [f"sent_{FILE}"]
    time.sleep(MAIL_WOULD_HAVE_COME_SECONDS)
    assert mail.mails_about("EnrollmentAck") == []


def test_a_500_stops_the_run_with_a_mail_and_the_next_one_goes_on_at_that_record(
    client: Client, dacs: Peer, objects: Peer, mail: Peer
) -> None:
    first, failing, last = (fourteen_digits() for _ in range(3))
    dacs.change(syncRequests=[first, failing, last])
    dacs.fault(match={"path": f"{SYNC_REQUEST_AT_DACS}{failing}"}, times=1, status=500)
    put(objects, *[(key, "SUCCESS", "", "") for key in (first, failing, last)])

    stopped = run_by_hand(client)

    assert (stopped["state"], stopped["fault"]["type"]) == ("FAILED", "REMOTE"), stopped
    assert patched(dacs) == [first, failing]
    assert list(objects.state()["buckets"][BUCKET]) == [FILE]
    (sent,) = wait_until("the mail", lambda: mail.mails_about("EnrollmentAck"))
    assert sent["recipients"] == INTEGRATION

    second = run_by_hand(client)

    assert second["state"] == "SUCCEEDED", second
    assert patched(dacs) == [first, failing, failing, last]
    assert {dacs.state()["syncRequests"][key]["state"] for key in (first, failing, last)} == {"SYNCHRONIZED"}
    assert list(objects.state()["buckets"][BUCKET]) == [f"sent_{FILE}"]
    keys = {entry["headers"]["idempotency-key"] for entry in dacs.requests(SYNC_REQUEST_AT_DACS + failing)}
    assert len(keys) == 1, json.dumps(sorted(keys))
