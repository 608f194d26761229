"""
The DACS side tells the DERMS what changed: capture, batch on beat, queue, hub, DERMS, acknowledgement, all running.

The customer and later edits are written beside the product, by commands of their own: the web, the worker and the
scheduler see them as they would see anybody's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.harness.client import Client
from tests.functional.harness.configuration import properties
from tests.functional.harness.events import fourteen_digits
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.schedules import every_second


BATCH = "Sync requests: F1-SYNRQ"
SYNC_REQUESTS = "/api/v1/sync-requests/"
ENROLL = "/enroll$"
MORE_WOULD_HAVE_COME_SECONDS = 2.5
WAY_TO_THE_HUB = {
    "connections": {
        "DACS": {"transport": "rest", "base_url": "tieline:///dacs", "username": "tieline"},
        "HUB": {
            "transport": "rest",
            "base_url": "tieline:///ic/api/integration/v1/flows/oracleutilities",
            "username": "tieline",
        },
    },
    "external_systems": {"HUB": {"connection": "HUB"}},
    "outbound_message_types": {
        "X1-NMSDASMSG": {"path": "/OUTL-BA-DACS_DRMS_ENROLL_SYNC/1.0/enroll"},
    },
}
CUSTOMER = """
from django.db import transaction
from django.utils import timezone
from tests.factories.assets import make_program, make_subscription
with transaction.atomic():
    make_subscription({number}, program=make_program("SYNC-{number}"), at=timezone.now())
"""
# In one transaction: the batch is to see a change and its reversal together, however it falls.
RENAME = """
from django.db import transaction
from assets.models import Contact
with transaction.atomic():
    for person in {persons}:
        contact = Contact.objects.get(subscriptions__usage_subscription__identifier="US-{number}")
        contact.cis_person_id = person
        contact.save()
"""


class Site:
    """A site without a DACS of its own, with one customer."""

    def __init__(self, product: Product, derms: Peer) -> None:
        self.product, self.client, self.derms = product, product.client(), derms
        self.number = int(fourteen_digits()[-9:])
        self.run(CUSTOMER)

    def run(self, code: str, **values: Any) -> None:
        self.product.manage("shell", "-v", "0", "-c", code.format(number=self.number, **values))

    def rename(self, *persons: str) -> None:
        self.run(RENAME, persons=persons)

    def requests(self) -> list[dict[str, Any]]:
        return self.client.all(SYNC_REQUESTS, subscription=f"US-{self.number}")

    def statuses(self) -> list[str]:
        return [row["status"] for row in reversed(self.requests())]

    def told(self) -> list[str]:
        """The persons that the DERMS was told of this subscription."""
        bodies = [json.loads(str(entry["body"])) for entry in self.derms.requests(ENROLL)]
        return [
            body["contactInfo"]["cisPersonId"]
            for body in bodies
            if body["subscriptionInfo"]["subscriptionId"] == f"US-{self.number}"
        ]

    def until(self, *statuses: str) -> None:
        wait_until(f"statuses {statuses}", lambda: self.statuses() == list(statuses), seconds=150)


@pytest.fixture
def site(product: Product, client: Client, dacs: Peer, derms: Peer) -> Iterator[Site]:
    product.apply(WAY_TO_THE_HUB)
    with (
        properties(client, dacsSide__enabled="true", enrollmentSyncAckDelay="1"),
        every_second(product.person(), BATCH),
    ):
        yield Site(product, derms)
    product.apply(
        {
            "connections": {
                "DACS": {
                    "transport": "rest",
                    "base_url": dacs.url,
                    "username": "OICUSER",
                    "password_env": "DACS_PASSWORD",
                }
            }
        }
    )


def test_a_contact_change_synchronizes_once_and_a_change_with_its_reversal_not_at_all(site: Site) -> None:
    first, second = f"PER-{site.number}", f"PER-{site.number}-B"
    site.until("SYNCHRONIZED")
    assert site.told() == [first]

    site.rename(second)
    site.until("SYNCHRONIZED", "SYNCHRONIZED")
    time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
    assert site.told() == [first, second]
    (request, *_) = site.requests()
    detail = site.client.read(f"{SYNC_REQUESTS}{request['sync_request_id']}/")
    assert detail["external_ids"] == [{"entity": "DERMS-ENROLLMENT", "externalPk1": f"NMS1:US-{site.number}"}]
    assert [step["to_status"] for step in detail["status_changes"]] == [
        *("PENDING", "DETERMINE", "SENDREQUEST", "AWAITINGACK", "SYNCHRONIZED")
    ]
    assert [change["fields"] for change in detail["captured_changes"]] == [["cis_person_id"]]

    site.rename("PER-X", second)
    site.until("SYNCHRONIZED", "SYNCHRONIZED", "DISCARDED")
    time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
    assert site.told() == [first, second]


def test_changes_gather_while_one_is_under_way_and_a_refusal_is_retried(site: Site) -> None:
    refusal = {
        "ackType": "ERROR",
        "whenISO": "2023-06-01T17:20:05.000Z",
        "responses": [{"id": "1", "value": "CIS person is not known", "responseCode": "ERROR"}],
    }
    site.until("SYNCHRONIZED")
    site.derms.fault(match={"path": ENROLL, "body": f"PER-{site.number}-B"}, status=200, body=refusal)

    site.rename(f"PER-{site.number}-B")
    site.until("SYNCHRONIZED", "ERROR")
    (request, *_) = site.requests()
    assert (request["fault"], "CIS person is not known" in request["fault_text"]) == ("REFUSED", True)

    site.derms.reset()
    answer = site.client.post(f"{SYNC_REQUESTS}{request['sync_request_id']}/retry/", json={"reason": "entered there"})
    assert answer.status_code == 200, answer.text
    site.until("SYNCHRONIZED", "SYNCHRONIZED")
    assert site.told() == [f"PER-{site.number}-B"]
