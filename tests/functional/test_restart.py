"""A worker that dies takes no work with it."""

from __future__ import annotations

from datetime import timedelta

from tests.functional.harness.client import DUE, Client
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.records import DAY, day, iso, meter, name


def test_imds_that_were_pending_when_the_worker_was_killed_complete(client: Client, product: Product) -> None:
    components = [name("MC-KILL") for _ in range(20)]
    assert client.master_data(*(line for component in components for line in meter(component))).status_code == 200
    killed = product.kill_workers()
    days = [day(component, start=DAY + timedelta(days=offset)) for component in components for offset in range(5)]

    results = client.send_imds(*days)

    states = [client.imd(result["id"])["state"] for result in results[:5]]
    assert set(states) <= DUE, "They were done before the new worker could be there."
    wait_until("a new worker", lambda: set(product.workers()) - set(killed), seconds=60)
    product.kill_workers()
    for result in results:
        assert client.settled_imd(result["id"], seconds=90)["state"] == "COMPLETE"
    for component in components:
        assert len(client.measurements(component, iso(DAY), iso(DAY + timedelta(days=5)))) == 5 * 96
