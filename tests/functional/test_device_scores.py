"""Device Score transfers through the running product, by SFTP, FTP, FTPS and object storage: checks 10 to 12."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.harness.client import Client
from tests.functional.harness.configuration import properties
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.scores import score_file


BY_FILE_DROP = "OUTL-BA-DRMS_DACS_SEND_DVCSCORE"
BY_OBJECT_STORAGE = "OUTL-BA-DRMS_DACS_SEND_DVCSCOREC"
CONNECTIONS = "outbound/connection"
BUCKET = "DACS_DERMS_DEVICE_SCORE"
OPERATIONS = ["operations@utility.example"]
SCORE_AT_DERMS = "/device-score$"
MAIL_WOULD_HAVE_COME_SECONDS = 1.5
ENDED = {"SUCCEEDED", "FAILED", "ABORTED"}


def run_by_hand(client: Client, identifier: str) -> dict[str, Any]:
    """Start the flow and wait for its end."""
    answer = client.post(f"/api/v1/flows/{identifier}/run")
    assert answer.status_code == 202, answer.text
    path = f"/api/v1/flow-runs/{answer.json()['instanceId']}/"

    def look() -> dict[str, Any] | None:
        run = client.read(path)
        return run if run["state"] in ENDED else None

    return wait_until(f"the end of {identifier}", look, seconds=60)


@pytest.fixture(params=["sftp", "ftp"])
def door(request: pytest.FixtureRequest, product: Product, drop: Peer) -> Iterator[Peer]:
    """The file drop, with one of its two doors as the one that the flow takes: DACS_FTP is for where no SFTP is."""
    with contextlib.ExitStack() as stack:
        if request.param == "ftp":
            stack.enter_context(_without_sftp(product))
        yield drop


@pytest.fixture
def secured_ftp(product: Product, drop: Peer) -> Iterator[Peer]:
    """The drop's door for FTP with explicit TLS; its authority is trusted for this connection alone."""
    made = (drop.home / "ftps.pem").read_text()
    person = product.person()
    page = person.page_of(CONNECTIONS, "DACS_FTP")
    with _without_sftp(product):
        person.save(page, {"transport": "ftps", "ca_bundle": made[made.index("-----BEGIN CERTIFICATE") :]})
        yield drop
        person.save(page, {"transport": "ftp", "ca_bundle": ""})


@contextlib.contextmanager
def _without_sftp(product: Product) -> Iterator[None]:
    person = product.person()
    page = person.page_of(CONNECTIONS, "DACS_SFTP")
    person.save(page, {"name": "DACS_SFTP_AWAY"})
    try:
        yield
    finally:
        person.save(page, {"name": "DACS_SFTP"})


class TestCheck10:
    def test_without_a_file_nobody_is_told_by_default(
        self, client: Client, drop: Peer, derms: Peer, mail: Peer
    ) -> None:
        run = run_by_hand(client, BY_FILE_DROP)

        assert run["state"] == "SUCCEEDED"
        time.sleep(MAIL_WOULD_HAVE_COME_SECONDS)
        assert mail.mails_about("Device Score") == []
        assert derms.requests(SCORE_AT_DERMS) == []

    def test_where_the_flag_says_so_one_mail_tells_it(self, client: Client, drop: Peer, mail: Peer) -> None:
        with properties(client, notification__email__process__nofile__flag="true"):
            run_by_hand(client, BY_FILE_DROP)

            wait_until("the mail", lambda: mail.mails_about("Device Score"))
            time.sleep(MAIL_WOULD_HAVE_COME_SECONDS)
        assert [sent["recipients"] for sent in mail.mails_about("Device Score")] == [OPERATIONS]


def test_files_are_sent_oldest_first_and_renamed_and_one_mail_lists_them(
    client: Client, door: Peer, derms: Peer, mail: Peer
) -> None:
    door.change(files={"drop/SDCSE_0043_00.csv": score_file(43), "drop/SDCSE_0044_00.csv.part": "half"})
    derms.fault(match={"path": SCORE_AT_DERMS, "method": "POST"}, times=1, status=400)

    first = run_by_hand(client, BY_FILE_DROP)
    door.change(files={"drop/SDCSE_0042_00.csv": score_file(42)})
    run_by_hand(client, BY_FILE_DROP)

    assert first["state"] in ENDED
    assert sorted(door.state()["files"]) == [
        "drop/Error-SDCSE_0043_00.csv",
        "drop/SDCSE_0044_00.csv.part",
        "drop/Sent-SDCSE_0042_00.csv",
    ]
    assert derms.state()["scoreFiles"] == {"SDCSE_0042_00.csv": len(score_file(42))}
    of_people = wait_until(
        "both mails",
        lambda: [sent for sent in mail.mails_about("Device Score") if sent["recipients"] == OPERATIONS][1:],
    )
    assert "SDCSE_0042_00.csv" in of_people[-1]["text"]


def test_explicit_tls_carries_a_file_to_derms_and_its_new_name_back(
    client: Client, secured_ftp: Peer, derms: Peer
) -> None:
    content = score_file(60)
    secured_ftp.change(files={"drop/SDCSE_0060_00.csv": content})

    run = run_by_hand(client, BY_FILE_DROP)

    assert run["state"] == "SUCCEEDED", run
    (sent,) = derms.requests(SCORE_AT_DERMS)
    assert sent["body"] == content
    assert derms.state()["scoreFiles"] == {"SDCSE_0060_00.csv": len(content)}
    assert list(secured_ftp.state()["files"]) == ["drop/Sent-SDCSE_0060_00.csv"]
    assert set(secured_ftp.state()["ftpLogins"]) == {"TLS"}


class TestCheck11:
    def test_what_was_sent_and_not_renamed_is_renamed_by_the_next_run_and_not_sent_again(
        self, client: Client, door: Peer, derms: Peer
    ) -> None:
        door.change(files={"drop/SDCSE_0050_00.csv": score_file(50)})
        derms.fault(match={"path": SCORE_AT_DERMS}, status=202, body={"ackType": "SUCCESS", "responses": []})
        door.fault(match={"method": "RENAME"}, status=500)

        run_by_hand(client, BY_FILE_DROP)
        assert list(door.state()["files"]) == ["drop/SDCSE_0050_00.csv"]
        door.clear_faults()
        second = run_by_hand(client, BY_FILE_DROP)

        assert second["state"] == "SUCCEEDED"
        assert list(door.state()["files"]) == ["drop/Sent-SDCSE_0050_00.csv"]
        assert len(derms.requests(SCORE_AT_DERMS)) == 1

    def test_the_same_in_object_storage(self, client: Client, objects: Peer, derms: Peer) -> None:
        objects.change(objects={BUCKET: {"SDCSE_0051_00.csv": score_file(51)}})
        objects.fault(match={"path": "actions/renameObject"}, status=500)

        run_by_hand(client, BY_OBJECT_STORAGE)
        assert list(objects.state()["buckets"][BUCKET]) == ["SDCSE_0051_00.csv"]
        objects.clear_faults()
        second = run_by_hand(client, BY_OBJECT_STORAGE)

        assert second["state"] == "SUCCEEDED"
        assert list(objects.state()["buckets"][BUCKET]) == ["Sent-SDCSE_0051_00.csv"]
        assert len(derms.requests(SCORE_AT_DERMS)) == 1


def test_check_12_1500_objects_are_listed_over_two_pages_and_renamed_ones_are_never_picked(
    client: Client, objects: Peer, derms: Peer
) -> None:
    # Most are empty, and so left alone: what counts here is that those of the second page are found.
    listed = {f"SDCSE_{number:04d}_00.csv": "" for number in range(1_500)}
    wanted = ["SDCSE_0000_00.csv", "SDCSE_1498_00.csv", "SDCSE_1499_00.csv"]
    for name in wanted:
        listed[name] = score_file(int(name[6:10]))
    renamed = {"Sent-SDCSE_0007_00.csv": score_file(7), "Error-SDCSE_0008_00.csv": score_file(8)}
    objects.change(objects={BUCKET: {**listed, **renamed}})

    run = run_by_hand(client, BY_OBJECT_STORAGE)

    assert run["state"] == "SUCCEEDED", run
    pages = [entry for entry in objects.requests(f"/b/{BUCKET}/o\\?") if entry["method"] == "GET"]
    assert {"start=" in entry["path"] for entry in pages} == {False, True}
    assert all("prefix=SDCSE" in entry["path"] for entry in pages)
    assert {entry["outcome"] for entry in objects.requests()} == {"200"}, "A request was not signed as it must be."
    assert sorted(derms.state()["scoreFiles"]) == wanted
    bucket = objects.state()["buckets"][BUCKET]
    assert len(bucket) == 1_502
    assert set(renamed) <= set(bucket)
    assert {f"Sent-{name}" for name in wanted} <= set(bucket)
