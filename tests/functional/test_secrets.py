"""Acceptance check 18: what is secret shows up nowhere."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from tests.functional.harness.client import Client
from tests.functional.harness.configuration import DACS_CANARY, DERMS_CANARY, DROP_CANARY, OPERATOR_CANARY
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.records import enrollment


def forms_of(username: str, password: str) -> list[bytes]:
    """The password as it is, and as Basic authentication writes it."""
    pair = base64.b64encode(f"{username}:{password}".encode())
    return [password.encode(), pair]


CANARIES = [
    *forms_of("OICUSER", DACS_CANARY),
    *forms_of("DERMSUSER", DERMS_CANARY),
    *forms_of("dacs", DROP_CANARY),
    *forms_of("operator", OPERATOR_CANARY),
]


def assert_clean(where: str, content: bytes) -> None:
    for canary in CANARIES:
        position = content.find(canary)
        assert position < 0, f"A secret is in {where}: …{content[max(0, position - 200) : position]!r}"


@pytest.fixture
def used(client: Client, dacs: Peer, mail: Peer) -> str:
    """The secrets were used: for a call that worked, one that was refused, and one that could not be made."""
    record = enrollment()
    assert client.enroll(record).json()["ackType"] == "SUCCESS"
    assert dacs.requests("enroll$")[-1]["authenticated"]
    dacs.fault(match="enroll$", status=401, times=1)
    client.enroll(enrollment())
    dacs.stop()
    client.enroll(enrollment())
    wait_until("the error mail", mail.mails)
    return record["messageId"]


def test_check_18_no_secret_in_api_log_export_mail_files_or_database(
    client: Client, product: Product, mail: Peer, used: str, tmp_path: Path
) -> None:
    run = client.runs_of(used)[0]["id"]
    for path in (
        "/api/schema/",
        "/api/v1/connections/",
        "/api/v1/connections/DACS/",
        "/api/v1/flow-runs/",
        f"/api/v1/flow-runs/{run}/",
        "/api/v1/lookups/OUTL-BRT-DACS_DRMS_ConfigProps/",
        "/health/ready",
    ):
        answer = client.get(path)
        assert answer.status_code == 200, (path, answer.text[:500])
        assert_clean(path, answer.content)

    assert_clean("an error's answer", client.post("/api/v1/imds/", data=b"{").content)
    assert_clean("the log", product.log().encode())
    for sent in mail.mails():
        assert_clean("a mail", str(sent).encode())

    person = product.person()
    changelist = person.get("/admin/outbound/connection/")
    assert "DACS" in changelist.text
    assert_clean("the list of connections", changelist.content)
    pages = re.findall(r'href="(/admin/outbound/connection/\d+/change/[^"]*)"', changelist.text)
    assert len(set(pages)) >= 2
    for page in set(pages):
        assert_clean(page, person.get(page.replace("&amp;", "&")).content)

    # Payloads are encrypted in the database: what they hold is seen on the pages of their runs.
    for traced in client.read("/api/v1/flow-runs/", flow="enrollment_request")["results"][:10]:
        page = f"/admin/integration/flowrun/{traced['id']}/change/?unmasked=1"
        assert_clean(page, person.get(page).content)

    dump = tmp_path / "dump.json"
    product.manage("dumpdata", "--all", "--output", str(dump))
    assert_clean("the database", dump.read_bytes())
    for file in product.var.rglob("*"):
        if file.is_file():
            assert_clean(str(file), file.read_bytes())
