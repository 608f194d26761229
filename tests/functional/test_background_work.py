"""What the scheduler does by itself in the running product, at intervals that an operator has shortened."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.factories import certificates as made
from tests.functional.harness.browser import Person
from tests.functional.harness.client import Client
from tests.functional.harness.events import STATUS_ACK, STATUS_CHECK, fourteen_digits, status_check
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.records import enrollment, name
from tests.functional.harness.schedules import every_second
from tests.functional.harness.scores import score_file


FLOWS, FLOW_SCHEDULES = "integration/flow", "integration/flowschedule"
CERTIFICATES = "outbound/certificate"
INTEGRATION = ["integration@utility.example"]
DEVICE_SCORE = "OU DACS DERMS Device Score FTP Transfer"
ENROLLMENT = "OU DERMS DACS Enrollment Request"


@pytest.fixture
def person(product: Product) -> Person:
    return product.person()


class TestCertificates:
    def test_one_that_expires_soon_is_told_by_mail_once(self, person: Person, mail: Peer) -> None:
        certificate = name("CERT")
        soon = made.issued(made.authority(), f"CN={certificate}", days=10.5)
        content = made.pem(soon) + made.key_pem(soon)
        person.save(
            f"/admin/{CERTIFICATES}/add/",
            {"name": certificate, "kind": "IDENTITY"},
            files={"file": ("tieline.pem", content)},
        )

        with every_second(person, "Certificates: expiry"):
            (sent,) = wait_until("the mail", lambda: mail.mails_about(certificate), seconds=60)
            # A second certificate proves that the schedule went on while nothing more was said of the first.
            later = name("CERT")
            person.save(
                f"/admin/{CERTIFICATES}/add/",
                {"name": later, "kind": "TRUST"},
                files={"file": ("authority.pem", made.pem(made.authority(days=5.5)))},
            )
            wait_until("the other mail", lambda: mail.mails_about(later), seconds=60)

        assert len(mail.mails_about(certificate)) == 1
        assert sent["recipients"] == INTEGRATION
        assert f"Certificate {certificate} expires in 10 days" in sent["text"]
        assert f"CN={certificate}" in sent["text"]
        assert "PRIVATE KEY" not in sent["text"]


class TestFlowSchedule:
    @pytest.fixture
    def switched_on(self, person: Person) -> Iterator[None]:
        """The schedule of the device score flow, every five seconds."""
        flow = person.page_of(FLOWS, DEVICE_SCORE).split("/")[-3]
        person.save(f"/admin/{FLOW_SCHEDULES}/add/", {"flow": flow, "enabled": "on", "every_seconds": "5"})
        page = person.page_of(FLOW_SCHEDULES, DEVICE_SCORE)
        yield
        person.save(page, {"enabled": None})

    @pytest.mark.usefixtures("switched_on")
    def test_that_is_switched_on_runs_the_flow_without_a_hand(
        self, client: Client, person: Person, drop: Peer, derms: Peer
    ) -> None:
        file = "SDCSE_0070_00.csv"
        drop.change(files={f"drop/{file}": score_file(70)})

        wait_until("the renaming", lambda: list(drop.state()["files"]) == [f"drop/Sent-{file}"], seconds=90)

        assert list(derms.state()["scoreFiles"]) == [file]
        details = [
            client.read(f"/api/v1/flow-runs/{run['id']}/")
            for run in client.all("/api/v1/flow-runs/", flow="device_score")
        ]
        begun = [(run["transitions"][0]["by"], run["transitions"][0]["reason"]) for run in details]
        assert ("schedule", "due by its schedule") in begun, details


class TestRetention:
    @pytest.fixture
    def kept_for_no_time(self, person: Person) -> Iterator[None]:
        """Runs and payloads of enrollments may go as soon as they are there."""
        page = person.page_of(FLOWS, ENROLLMENT)
        before = {field: person.form(page).fields[field] for field in ("run_retention_days", "payload_retention_days")}
        person.save(page, dict.fromkeys(before, "0"))
        yield
        person.save(page, before)

    @pytest.mark.usefixtures("kept_for_no_time")
    def test_old_runs_and_payloads_go_and_statistics_stay(self, client: Client, person: Person, dacs: Peer) -> None:
        record, kept = enrollment(), fourteen_digits()
        client.enroll(record)
        dacs.change(statusChecks=[kept])
        client.post(STATUS_CHECK, json=status_check(kept))
        client.post(STATUS_ACK, json={"dacsMessageId": kept, "responseCode": "SUCCESS"})
        (run,) = client.runs_of(record["messageId"])
        address = f"/api/v1/flow-runs/{run['id']}/"
        counted = statistics(client)
        assert counted["succeeded"] > 0
        assert record["customerInfo"]["name"] in shown_payloads(person, run["id"])

        with every_second(person, "Retention: payloads"):
            wait_until(
                "the end of the payloads",
                lambda: record["customerInfo"]["name"] not in shown_payloads(person, run["id"]),
                seconds=60,
            )
        assert client.read(address)["steps"], "The run went with its payloads."
        with every_second(person, "Retention: everything"):
            wait_until("the end of the run", lambda: client.get(address).status_code == 404, seconds=60)

        assert client.runs_of(record["messageId"]) == []
        assert statistics(client) == counted
        others = {other["flow"] for other in client.runs_of(kept)}
        assert others == {"device_status_check", "device_status_ack"}, "Another flow's run went."


def statistics(client: Client) -> dict[str, Any]:
    """What the enrollment flow ever did, by its only version."""
    (found,) = client.read("/api/v1/flow-statistics/", flow="enrollment_request")
    return found


def shown_payloads(person: Person, run: str) -> str:
    """The page of a run with its payloads, unmasked, as a reader sees the text."""
    return re.sub(r"&quot;", '"', person.get(f"/admin/integration/flowrun/{run}/change/?unmasked=1").text)
