"""Readings in, usage calculated and sent, and exactly one correction when readings change afterwards."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from tests.functional.harness.client import Client, problem
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.records import DAY, day, iso, meter, name, values


LIST = "/api/v1/usage-transactions/"
MORE_WOULD_HAVE_COME_SECONDS = 2.0
TOTAL = 24.48
"""The sum of `values()`: 96 readings of 0.2 plus eight times 0.01 × (0 + … + 11)."""


@pytest.fixture
def component(client: Client) -> str:
    """A new meter's channel."""
    identifier = name("MC")
    assert client.master_data(*meter(identifier)).status_code == 200
    return identifier


def subscribe(client: Client, component: str, **fields: Any) -> str:
    """A usage transaction of the day of the tests; gives its identifier."""
    subscription, transaction = f"US-{component}", name("UT")
    answer = client.master_data(
        {
            "kind": "usage_subscription",
            "id": subscription,
            "service_point": f"SP-{component}",
            "recipient": "CIS",
            **fields,
        },
        {
            "kind": "usage_transaction",
            "id": transaction,
            "usage_subscription": subscription,
            "start": iso(DAY),
            "end": iso(DAY + timedelta(days=1)),
        },
    )
    assert answer.status_code == 200, answer.text
    return transaction


def load(client: Client, component: str, readings: list[float | None] | None = None) -> int:
    """A day of readings through VEE; gives the IMD's id."""
    result = client.send_imds(day(component, readings=readings))[0]
    assert client.settled_imd(result["id"])["state"] == "COMPLETE"
    return int(result["id"])


def act(client: Client, transaction: str, action: str) -> dict[str, Any]:
    answer = client.post(f"{LIST}{transaction}/{action}/", json={"reason": "month end"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def in_status(client: Client, transaction: str, status: str) -> dict[str, Any]:
    def look() -> dict[str, Any] | None:
        found = client.read(f"{LIST}{transaction}/")
        return found if found["status"] == status else None

    return wait_until(f"{status} of {transaction}", look, seconds=30)


def arrived(dacs: Peer, kind: str, transaction: str, *, seconds: float = 30) -> list[dict[str, Any]]:
    """What the recipient has of a transaction, once something came."""
    return wait_until(f"{kind} of {transaction}", lambda: dacs.state()[kind].get(transaction), seconds=seconds)


def changed() -> list[float | None]:
    """The day with one reading a little higher: still no spike."""
    return [0.21, *values()[1:]]


class TestUsage:
    def test_goes_from_readings_to_the_recipient_and_is_corrected_once(
        self, client: Client, component: str, dacs: Peer
    ) -> None:
        transaction = subscribe(client, component)
        load(client, component)

        assert act(client, transaction, "calculate")["status"] == "CALCULATED"
        assert act(client, transaction, "send")["status"] == "SENT"

        (usage,) = arrived(dacs, "usage", transaction)
        (total,) = usage["totals"]
        assert (total["measuring_component"], total["total"], total["expected"]) == (component, TOTAL, 96)
        wait_until("delivery", lambda: client.read(f"{LIST}{transaction}/")["delivered_at"], seconds=30)

        load(client, component)  # the same once more
        time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
        assert client.read(f"{LIST}{transaction}/")["status"] == "SENT"
        first = load(client, component, changed())
        load(client, component, [0.22, *values()[1:]])

        (correction,) = arrived(dacs, "usageCorrections", transaction)
        time.sleep(MORE_WOULD_HAVE_COME_SECONDS)
        assert dacs.state()["usageCorrections"][transaction] == [correction]
        assert len(dacs.state()["usage"][transaction]) == 1
        assert correction["imds"] == [first]
        assert (correction["old_totals"][0]["total"], correction["new_totals"][0]["total"]) == (TOTAL, 24.49)
        found = in_status(client, transaction, "SUBSEQUENT_CORRECTION")
        assert found["totals"][0]["total"] == TOTAL
        assert [step["to_status"] for step in found["transitions"]][-2:] == ["SENT", "SUBSEQUENT_CORRECTION"]

    def test_waits_for_missing_data_and_leaves_by_itself_when_it_has_come(
        self, client: Client, component: str, dacs: Peer
    ) -> None:
        transaction = subscribe(client, component, defer_until_complete=True, send_automatically=True)
        load(client, component, values()[:48])
        assert act(client, transaction, "calculate")["status"] == "CALCULATION_DEFERRED"

        load(client, component)

        (usage,) = arrived(dacs, "usage", transaction, seconds=45)
        assert (usage["version"], usage["totals"][0]["total"]) == (2, TOTAL)
        in_status(client, transaction, "SENT")

    def test_without_its_external_system_it_is_an_issue_that_says_so(self, client: Client, component: str) -> None:
        transaction = subscribe(client, component, recipient="NOBODY")
        load(client, component)
        act(client, transaction, "calculate")

        found = act(client, transaction, "send")

        assert (found["status"], found["issues"][0]["code"]) == ("ISSUE_DETECTED", "NOT_SENT")
        assert "There is no external system NOBODY." in found["issues"][0]["message"]
        problem(client.post(f"{LIST}{transaction}/send/", json={}), 400)
