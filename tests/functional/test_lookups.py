"""Lookups while messages flow: acceptance checks 15 and 16."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.harness.client import Client, problem
from tests.functional.harness.peers import Peer
from tests.functional.harness.product import Product
from tests.functional.harness.records import enrollment


ASSET_SPEC = "OUTL-BRT-DACS_DRMS_AssetSpec"
OUAI_PROPERTIES = "OUTL-BRT-OUAI_DACS_DRMS_ConfigProps"
PROPERTIES = "OUTL-BRT-DACS_DRMS_ConfigProps"
MAIL_WOULD_HAVE_COME_SECONDS = 2.0


@pytest.fixture
def restored(client: Client) -> Iterator[None]:
    """The tables that these tests change, put back afterwards."""
    names = (ASSET_SPEC, PROPERTIES, OUAI_PROPERTIES)
    before = {name: client.read(f"/api/v1/lookups/{name}/") for name in names}
    yield
    for name, table in before.items():
        answer = client.put(f"/api/v1/lookups/{name}/", json={"columns": table["columns"], "rows": table["rows"]})
        assert answer.status_code == 200, answer.text


def specification_sent(dacs: Peer) -> str:
    sent = json.loads(dacs.requests("programEnrollments/enroll")[-1]["body"])
    return sent["assetInfo"]["assetList"][0]["specification"]


def detail_of(client: Client, record: dict[str, Any]) -> dict[str, Any]:
    return client.read(f"/api/v1/flow-runs/{client.runs_of(record['messageId'])[0]['id']}/")


@pytest.mark.usefixtures("restored")
class TestCheck15:
    def test_an_edit_counts_for_the_next_message_and_the_earlier_run_shows_the_old_version(
        self, client: Client, dacs: Peer
    ) -> None:
        table = client.read(f"/api/v1/lookups/{ASSET_SPEC}/")
        earlier, later = enrollment(), enrollment()
        client.enroll(earlier)
        assert specification_sent(dacs) == "ECOBEE-SMART5"
        rows = [
            {**row, "DACS_SPECIFICATION": "ECOBEE-EDITED"} if row["DRMS_MAKE_MODEL"] == "ECOBEE!EB-STATE5" else row
            for row in table["rows"]
        ]

        answer = client.put(f"/api/v1/lookups/{ASSET_SPEC}/", json={"rows": rows})
        assert answer.status_code == 200, answer.text
        assert answer.json()["version"] == table["version"] + 1
        client.enroll(later)

        assert specification_sent(dacs) == "ECOBEE-EDITED"
        assert detail_of(client, earlier)["lookup_versions"][ASSET_SPEC] == table["version"]
        assert detail_of(client, later)["lookup_versions"][ASSET_SPEC] == table["version"] + 1


@pytest.mark.usefixtures("restored")
class TestCheck16:
    def test_alias_rows_from_a_csv_file_are_flagged(self, product: Product) -> None:
        person = product.person()

        flag, _ = person.import_lookup(f"{PROPERTIES}\r\npropertyName,value\r\nemail.flag,false\r\n")
        number, _ = person.import_lookup(
            f"{OUAI_PROPERTIES}\r\npropertyName,value\r\nouai.dacs.messasge.number,11333\r\n"
        )

        assert "email.flag" in flag
        assert "notification.email.error.flag" in flag
        assert "ouai.dacs.messasge.number" in number
        assert "ouai.dacs.message.number" in number

    def test_alias_rows_from_a_csv_file_work(self, client: Client, product: Product, dacs: Peer, mail: Peer) -> None:
        product.person().import_lookup(f"{PROPERTIES}\r\npropertyName,value\r\nemail.flag,false\r\n")
        assert client.read(f"/api/v1/lookups/{PROPERTIES}/")["rows"] == [
            {"propertyName": "email.flag", "value": "false"}
        ]
        dacs.stop()

        acknowledgement = client.enroll(enrollment()).json()

        assert acknowledgement["ackType"] == "FAILURE"
        time.sleep(MAIL_WOULD_HAVE_COME_SECONDS)
        assert mail.mails_about("Enrollment Request") == []


class TestApi:
    def test_translate_tells_found_from_not_found(self, client: Client) -> None:
        path = f"/api/v1/lookups/{ASSET_SPEC}/translate"
        columns = {"source": "DRMS_MAKE_MODEL", "target": "DACS_SPECIFICATION"}

        found = client.read(path, value="ECOBEE!EB-STATE5", **columns)
        missing = client.read(path, value="ACME!UNHEARD-OF", **columns)

        assert (found["result"], found["found"]) == ("ECOBEE-SMART5", "FOUND")
        assert (missing["result"], missing["found"]) == (None, "NOT_FOUND")

    def test_two_rows_for_one_source_value_are_refused(self, client: Client) -> None:
        before = client.read(f"/api/v1/lookups/{ASSET_SPEC}/")
        twice = [*before["rows"], before["rows"][0]]

        problem(client.put(f"/api/v1/lookups/{ASSET_SPEC}/", json={"rows": twice}), 400)

        assert client.read(f"/api/v1/lookups/{ASSET_SPEC}/") == before

    def test_an_unknown_table_is_not_found(self, client: Client) -> None:
        problem(client.get("/api/v1/lookups/NO-SUCH-TABLE/"), 404, "not_found")
