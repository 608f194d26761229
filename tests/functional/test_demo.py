"""The demo goes through the running product and finds every label treated as it should be."""

from __future__ import annotations

import re

from tests.functional.harness.client import Client
from tests.functional.harness.peers import Peer
from tests.functional.harness.product import Product


def test_a_small_day_is_sent_and_every_label_is_caught(
    client: Client, product: Product, dacs: Peer, derms: Peer
) -> None:
    done = product.manage("demo", "--meters", "40", "--enrollments", "30", "--seed", "3")

    assert f"The product answers at {product.url}." in done.stdout
    run = done.stdout.split("Run ", 1)[1][:5]
    assert len(client.all("/api/v1/todos/", search=run)) > 0
    assert "An event's life" in done.stdout
    assert [entry["state"] for entry in client.runs_of(f"{run}-RSV-1")] == ["SUCCEEDED"]
    assert dacs.state()["events"][f"{run}-EVT-2"]["state"] == "CANCELED"
    assert len([key for key in dacs.state()["outcomes"] if key.startswith(f"{run}-EVT-1/")]) == 600
    assert client.runs_of(f"{run}-ENR-000000")[0]["flow"] == "enrollment_request"
    known = [transaction for transaction in dacs.state()["enrollments"] if transaction.startswith(run)]
    # 30 records but two without a translation, and the event's; the two that were answered too late did arrive.
    assert len(known) == 29
    assert f"SDCSE_{run}_00.csv" in derms.state()["scoreFiles"]
    links = [line for line in done.stdout.splitlines() if "/admin/" in line]
    assert len(links) == 5
    person = product.person()
    for line in links:
        page = person.get(line.partition(product.url)[2].strip()).text
        assert re.search(rf"{run}(-M\d|_\d|-ENR-\d|-RSV-\d)", page), f"Nothing of the demo stands at {line}"


def test_a_second_demo_stands_beside_the_first(product: Product, dacs: Peer) -> None:
    runs = set()
    for _ in range(2):
        done = product.manage("demo", "--meters", "20", "--enrollments", "0")
        runs.add(done.stdout.split("Run ", 1)[1][:5])

    assert len(runs) == 2


def test_a_dacs_that_is_not_the_sandbox_gets_no_enrollments(product: Product, dacs: Peer) -> None:
    dacs.stop()

    done = product.manage("demo", "--meters", "20", "--enrollments", "30")

    assert "does not lead to the sandbox" in done.stdout
    dacs.start()
    assert dacs.requests() == []


def test_a_number_of_meters_that_makes_no_sense_is_refused(product: Product) -> None:
    done = product.manage("demo", "--meters", "3", check=False)

    assert done.returncode != 0
    assert "--meters is a number from 20" in done.stderr
