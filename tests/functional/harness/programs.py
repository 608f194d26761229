"""A site without a DACS: the product with its DACS side on, and a DERMS that enrolls and answers status checks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tests.functional.harness.client import GUIDE_ENROLL
from tests.functional.harness.configuration import OPERATOR_CANARY, document
from tests.functional.harness.events import STATUS_ACK
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import USERNAME, Product
from tests.functional.harness.records import enrollment


ROOT = Path(__file__).resolve().parents[3]
ENROLLMENTS = "/dacs/rest/apis/cross/digitalAssets/programEnrollments"


def settings(*, dacs: Peer, derms: Peer, mail: Peer) -> dict[str, Any]:
    """The document of the functional tests, with that of the how-to over it."""
    base = document(dacs=dacs, derms=derms, mail=mail)
    switch: dict[str, Any] = yaml.safe_load((ROOT / "docs/how-to/run-without-dacs.yaml").read_text())
    for section, values in switch.items():
        base[section] = {**base.get(section, {}), **values} if isinstance(values, dict) else values
    return base


def connect(derms: Peer, product: Product, *, answers: str = "SUCCESS") -> None:
    """Tell DERMS where Tieline is, and what it says to status checks (empty: nothing)."""
    derms.change(
        parameters={
            "OIC_ENROLL_URL": product.url + GUIDE_ENROLL,
            "OIC_STATUS_ACK_URL": product.url + STATUS_ACK,
            "OIC_USER": USERNAME,
            "OIC_PASS": OPERATOR_CANARY,
        },
        answerStatusChecks=answers,
    )


def record(number: int, message_id: str, *, nic: str, asset_id: str = "", method: str = "X1SI") -> dict[str, Any]:
    """An enrollment record of DERMS: customer and place by number, one device."""
    found = enrollment(message_id, person=f"66120{number:05d}")
    found["locationInfo"] |= {"cisPremiseId": f"3341{number:06d}", "cisServicePointId": f"9874{number:06d}"}
    found["assetInfo"]["installationMethod"] = method
    found["assetInfo"]["assetList"][0] |= {"nicId": nic, "assetId": asset_id, "serialNo": f"S-{nic}"}
    return found


def send(derms: Peer, *records: dict[str, Any], key: str) -> None:
    """Have DERMS send a collection of enrollments."""
    derms.change(send=[{"messageId": key, "messageType": "ENROLL", "payload": {"params": list(records)}}])


def subscription(product: Product, person: str, status: str, *, devices: int | None = None) -> dict[str, Any]:
    """The subscription of a person, once it has a status and so many devices."""

    def look() -> dict[str, Any] | None:
        found = product.client().all("/api/v1/program-subscriptions/", cis_person_id=person, status=status)
        fits = [row for row in found if devices is None or len(taking_part(row)) == devices]
        return fits[0] if fits else None

    return wait_until(f"a subscription of {person} in {status}", look, seconds=60)


def taking_part(row: dict[str, Any]) -> list[str]:
    """The NIC ids of the devices that take part in a subscription."""
    return [device["nic_id"] for device in row["devices"] if device["removed_at"] is None]


def synchronised(product: Product, subscription_id: str, *, count: int) -> list[dict[str, Any]]:
    """The sync requests of a subscription, once so many of them are synchronized and none is open."""

    def look() -> list[dict[str, Any]] | None:
        found = product.client().all("/api/v1/sync-requests/", subscription=subscription_id)
        done = [row for row in found if row["status"] == "SYNCHRONIZED"]
        return done if len(done) == count and all(row["status"] in _ENDED for row in found) else None

    return wait_until(f"{count} synchronized requests of {subscription_id}", look, seconds=90)


_ENDED = ("SYNCHRONIZED", "DISCARDED", "CANCELED")


def told(derms: Peer, subscription_id: str) -> list[dict[str, Any]]:
    """What DERMS was told of a subscription, in order."""
    bodies = [json.loads(str(entry["body"])) for entry in derms.requests("/enroll$")]
    return [body for body in bodies if body.get("subscriptionInfo", {}).get("subscriptionId") == subscription_id]
