"""A site without a DACS: customers enrolled in DERMS, through the hub, into the product's own DACS side, and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.functional.harness import programs
from tests.functional.harness.configuration import DACS_CANARY, DERMS_CANARY, OPERATOR_CANARY
from tests.functional.harness.events import STATUS_ACK
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.records import name
from tests.functional.harness.schedules import every_second


@pytest.fixture(scope="module")
def site(logs: Path, dacs_process: Peer, derms_process: Peer, mail_process: Peer) -> Iterator[Product]:
    config = logs / "programs.yaml"
    config.write_text(yaml.safe_dump(programs.settings(dacs=dacs_process, derms=derms_process, mail=mail_process)))
    product = Product(
        var=logs / "programs",
        config=config,
        password=OPERATOR_CANARY,
        environment={"DACS_PASSWORD": DACS_CANARY, "DERMS_PASSWORD": DERMS_CANARY},
    )
    try:
        product.start()
        yield product
    finally:
        product.stop()


def answered(derms: Peer, key: str) -> dict[str, object]:
    def look() -> dict[str, object] | None:
        rows = [row for row in derms.state()["outboundMessages"] if row["messageId"] == key]
        return rows[0] if rows and rows[0]["status"] in ("SUCCESS", "FAIL") else None

    return wait_until(f"the end of {key} at DERMS", look, seconds=60)


def test_a_customer_enrolled_in_derms_becomes_an_active_subscription(site: Product, dacs: Peer, derms: Peer) -> None:
    programs.connect(derms, site)
    key = name("DRMS-ENR")

    programs.send(derms, programs.record(1, key, nic="NIC-1"), key=key)

    assert answered(derms, key)["status"] == "SUCCESS"
    row = programs.subscription(site, "6612000001", "ACTIVE", devices=1)
    assert (row["program"], row["division"], row["starts_at"]) == ("SMART-COOL", "CA", "2023-06-05T07:00:00Z")
    assert programs.taking_part(row) == ["NIC-1"]
    (device,) = site.client().all("/api/v1/controllable-devices/", nic_id="NIC-1")
    assert (device["reach"], device["specification"]) == ("ONLINE", "ECOBEE-SMART5")
    # DERMS was asked through the hub, and no other DACS was spoken to.
    (check,) = derms.requests("/status-check$")
    assert '"connectionId": "NMS1_SITE_A"' in check["body"] or '"connectionId":"NMS1_SITE_A"' in check["body"]
    assert dacs.requests() == []
    (enrollment,) = site.client().all("/api/v1/enrollments/", transaction_id=key)
    assert (enrollment["status"], enrollment["message"]) == ("COMPLETE", "")
    answer = site.client().read(f"{programs.ENROLLMENTS}/enroll/{enrollment['id']}")
    assert answer["X1-DAEnroll"]["status"] == "COMPLETE"
    assert answer["X1-DAEnroll"]["relatedObjects"]["subscriptionId"] == row["id"]


def test_it_is_synchronised_back_once_and_a_contact_that_changes_once_more(site: Product, derms: Peer) -> None:
    programs.connect(derms, site)
    key = name("DRMS-ENR")
    programs.send(derms, programs.record(7, key, nic="NIC-7"), key=key)
    row = programs.subscription(site, "6612000007", "ACTIVE", devices=1)
    person = site.person()
    with every_second(person, "Sync requests: F1-SYNRQ"):
        (request,) = programs.synchronised(site, row["id"], count=1)
        (body,) = programs.told(derms, row["id"])
        assert body["dacsMessageId"] == request["sync_request_id"]
        assert body["subscriptionInfo"]["status"] == "ACTIVE"
        (device,) = body["locationInfo"]["controllableDevices"]
        assert (device["nicId"], device["specification"]) == ("NIC-7", "ECOBEE-SMART5")
        assert body["connectivityProperties"]["plugin"]["connectionId"] == "NMS1_SITE_A"

        page = person.page_of("assets/contact", "6612000007")
        person.save(page, {"cis_person_id": "6612009907"})
        programs.synchronised(site, row["id"], count=2)
    told = [one["contactInfo"]["cisPersonId"] for one in programs.told(derms, row["id"])]
    assert told == ["6612000007", "6612009907"]


def test_a_second_device_comes_later_and_one_takes_the_place_of_another(site: Product, derms: Peer) -> None:
    programs.connect(derms, site)
    first, second, third = name("DRMS-ENR"), name("DRMS-ENR"), name("DRMS-ENR")
    programs.send(derms, programs.record(2, first, nic="NIC-21"), key=first)
    row = programs.subscription(site, "6612000002", "ACTIVE", devices=1)

    programs.send(derms, programs.record(2, second, nic="NIC-22"), key=second)
    both = programs.subscription(site, "6612000002", "ACTIVE", devices=2)
    old = both["devices"][0]["device"]
    programs.send(derms, programs.record(2, third, nic="NIC-23", asset_id=old), key=third)

    def replaced() -> dict[str, object] | None:
        found = programs.subscription(site, "6612000002", "ACTIVE", devices=2)
        return found if "NIC-23" in programs.taking_part(found) else None

    after = wait_until("the replacement", replaced, seconds=60)
    assert {row["id"], both["id"], after["id"]} == {row["id"]}
    assert programs.taking_part(after) == ["NIC-22", "NIC-23"]
    (gone,) = [device for device in after["devices"] if device["removed_at"]]
    assert (gone["nic_id"], bool(gone["replaced_by"])) == ("NIC-21", True)


def test_a_device_that_cannot_be_reached_is_retried_by_a_person(site: Product, derms: Peer) -> None:
    programs.connect(derms, site, answers="FAILURE")
    key = name("DRMS-ENR")
    programs.send(derms, programs.record(3, key, nic="NIC-3"), key=key)

    def failed() -> dict[str, object] | None:
        found = site.client().all("/api/v1/enrollments/", transaction_id=key, status="ERROR")
        return found[0] if found else None

    enrollment = wait_until("the enrollment in error", failed, seconds=60)
    assert "could not be reached" in str(enrollment["message"])
    person = site.person()
    assert "could not be reached" in person.get("/admin/assets/assettodo/").text
    derms.change(answerStatusChecks="SUCCESS")

    retry = person.page_of("assets/enrollment", key).replace("/change/", "/retry/")
    person.submit(retry, person.get(retry), {"reason": "rebooted"}, form_id="data-form")

    row = programs.subscription(site, "6612000003", "ACTIVE", devices=1)
    assert programs.taking_part(row) == ["NIC-3"]
    assert key not in person.get("/admin/assets/assettodo/").text
    timeline = person.get(person.page_of("assets/programsubscription", row["id"])).text
    assert "rebooted" in timeline


def test_a_refused_enrollment_is_told_to_derms_and_kept_for_a_person(site: Product, derms: Peer) -> None:
    programs.connect(derms, site)
    key = name("DRMS-ENR")
    record = programs.record(4, key, nic="NIC-4")
    record["programInfo"]["programCode"] = "NO-SUCH"

    answer = site.client().enroll(record)

    (response,) = answer.json()["responses"]
    assert (answer.json()["ackType"], response["responseCode"]) == ("ERROR", "ERROR")
    assert "There is no program NO-SUCH." in response["value"]
    (enrollment,) = site.client().all("/api/v1/enrollments/", transaction_id=key)
    assert (enrollment["status"], enrollment["message_number"]) == ("VALERROR", 11204)
    # Once more: it is there already, which is a success to DERMS.
    again = site.client().post(f"{programs.ENROLLMENTS}/enroll", json={**_as_dacs(record), "transactionId": key})
    assert again.json()["problemDetailDocument"]["serverMessage"]["number"] in (10589, 11202)


def test_a_customer_is_unenrolled_and_a_late_answer_changes_nothing(site: Product, derms: Peer) -> None:
    programs.connect(derms, site, answers="")
    first, second = name("DRMS-ENR"), name("DRMS-ENR")
    derms.change(answerStatusChecks="SUCCESS")
    programs.send(derms, programs.record(5, first, nic="NIC-5"), key=first)
    row = programs.subscription(site, "6612000005", "ACTIVE", devices=1)
    derms.change(answerStatusChecks="")
    programs.send(derms, programs.record(5, second, nic="NIC-6"), key=second)
    asked = wait_until("the second check", lambda: derms.state()["statusChecks"][1:], seconds=60)

    answer = site.client().post(
        f"{programs.ENROLLMENTS}/unenroll",
        json={
            "transactionId": name("DRMS-UNE"),
            "customerInfo": {"cisPersonId": "6612000005"},
            "programInfo": {"programCode": "SMART-COOL"},
            "assetInfo": {"removalMethod": "X1UR"},
        },
    )

    assert answer.status_code == 200, answer.text
    assert answer.json()["X1-DAUnenrol"]["status"] == "COMPLETE"
    ended = programs.subscription(site, "6612000005", "INACTIVE", devices=0)
    assert (ended["id"], bool(ended["ends_at"])) == (row["id"], True)
    (canceled,) = site.client().all("/api/v1/enrollments/", transaction_id=second)
    assert canceled["status"] == "CANCELED"
    late = site.client().post(STATUS_ACK, json={"dacsMessageId": asked[0], "responseCode": "SUCCESS"})
    assert late.json()["ackType"] == "SUCCESS"
    assert programs.subscription(site, "6612000005", "INACTIVE", devices=0)["id"] == row["id"]
    (device,) = site.client().all("/api/v1/controllable-devices/", nic_id="NIC-5")
    assert device["service_point"] is None


def _as_dacs(record: dict[str, object]) -> dict[str, object]:
    """The parts of a DERMS record that the DACS side takes under the same names."""
    kept = {part: record[part] for part in ("customerInfo", "locationInfo", "assetInfo")}
    return {**kept, "programInfo": {"programCode": "NO-SUCH", "startDate": "2023-06-05"}}
