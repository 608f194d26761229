"""A site without a DACS: what devices did in events becomes scores, and the scores reach DERMS, number by number."""

from __future__ import annotations

import calendar
import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.functional.harness.client import Client
from tests.functional.harness.configuration import (
    DACS_CANARY,
    DERMS_CANARY,
    DROP_CANARY,
    OPERATOR_CANARY,
    PROPERTIES,
    document,
    file_connections,
)
from tests.functional.harness.events import (
    CANCEL,
    OUTCOME,
    accepted,
    acknowledged,
    cancellation,
    outcome,
    reservation,
    reserve,
    send_with_file,
    table,
)
from tests.functional.harness.peers import Peer
from tests.functional.harness.processes import wait_until
from tests.functional.harness.product import Product
from tests.functional.harness.records import iso
from tests.functional.test_device_scores import BY_FILE_DROP, SCORE_AT_DERMS, run_by_hand


_DEVICES = """
import datetime as dt
from django.utils import timezone
from assets.models import ControllableDevice
from tests.factories import assets

at = timezone.now()
program = assets.make_program(time_zone="{zone}")
for number in range(1, 7):
    kw = "1.4" if number == 6 else "3.5"
    subscription = assets.make_subscription(number, program=program, at=at - dt.timedelta(days=700))
    ControllableDevice.objects.filter(memberships__subscription=subscription).update(
        specification=assets.make_specification(f"SPEC-{{kw}}", kw), reach="ONLINE", reach_checked_at=at
    )
"""
OUTCOME_COLUMNS = (
    *("recordId", "eventId", "nicId", "headEndSystemId", "eventOutcome"),
    *("participationStartDateTime", "participationEndDateTime", "errorMessage"),
)
SUCCESSFUL, OVERRIDDEN = "0", "3"
"""What DERMS calls the outcomes."""


@pytest.fixture(scope="module")
def site(
    logs: Path, dacs_process: Peer, derms_process: Peer, mail_process: Peer, drop_process: Peer, objects_process: Peer
) -> Iterator[Product]:
    """A product of its own whose connection DACS leads to itself."""
    for peer in (derms_process, mail_process, drop_process):
        peer.restart_if_stopped()
        peer.reset()
    files = file_connections(drop=drop_process, objects=objects_process)
    settings = document(dacs=dacs_process, derms=derms_process, mail=mail_process, files=files)
    settings["connections"]["DACS"] = {"transport": "rest", "base_url": "tieline:///dacs", "username": "tieline"}
    for name in ("DACS", "DERMS"):
        settings["connections"][name] |= {"connect_timeout": 5, "read_timeout": 20}
    settings["lookups"][PROPERTIES] = {"dacsSide.enabled": "true"}
    del settings["external_systems"]
    config = logs / "site.yaml"
    config.write_text(yaml.safe_dump(settings))
    product = Product(
        var=logs / "site",
        config=config,
        password=OPERATOR_CANARY,
        environment={"DACS_PASSWORD": DACS_CANARY, "DERMS_PASSWORD": DERMS_CANARY, "DROP_PASSWORD": DROP_CANARY},
    )
    try:
        product.start()
        yield product
    finally:
        product.stop()


def nic(number: int) -> str:
    return f"41191234{100 * number:04d}"


def reserved(client: Client, derms: Peer, numbers: list[int], **fields: Any) -> str:
    """Reserve devices for a new event through the hub; give the event."""
    request = reservation(**fields)
    columns = ("recordId", "nicId", "headEndSystemId")
    reserve(client, request, table(columns, [(number, nic(number), "ECOBEE") for number in numbers]))
    ack = acknowledged(derms, request["messageId"])
    assert (ack["ackType"], ack["successCount"]) == ("SUCCESS", len(numbers)), ack
    return str(request["eventId"])


def noon_zone(now: datetime) -> tuple[str, datetime]:
    """A zone where it is about noon, so that no cycle ends while the test runs, and the time there."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}", now + timedelta(hours=ahead)


def expected_score(*, day: int, days: int, events: int = 0, elapsed: int | None = None, **past: Any) -> Decimal:
    """The default of the specification (`integration.md` 9.2), written down once more."""
    burn = [Decimal(1), Decimal(1), Decimal("1.5"), Decimal(2)][min(events, 3)]
    factor = [100, 90, 70, 40][min(events, 3)]
    if events >= 4:
        return Decimal("0.00")
    cost = burn * (Decimal(events) / 4) / (Decimal(day) / days)
    since = Decimal(min(days if elapsed is None else elapsed, days)) / days
    reliability = Decimal(past.get("successes", 0) + 1) / (past.get("attempts", 0) + 2)
    score = factor * (Decimal("0.5") + Decimal("0.5") * since) / (1 + cost) * reliability * past.get("capacity", 1)
    return Decimal(score).quantize(Decimal("0.01"), ROUND_HALF_EVEN)


def test_scores_are_computed_extracted_transferred_and_received_with_the_expected_numbers(
    site: Product, derms_process: Peer, drop_process: Peer
) -> None:
    client, derms = site.client(), derms_process
    now = datetime.now(tz=UTC).replace(microsecond=0)
    zone, there = noon_zone(now)
    day, days = there.day, calendar.monthrange(there.year, there.month)[1]
    site.manage("shell", "-c", _DEVICES.format(zone=zone))

    # 1 takes part once, 2 overrides, 3 is reserved for tonight, 4 for an event that is canceled, 5 has four successes.
    past = {"eventStartDateTime": iso(now - timedelta(hours=1)), "eventEndDateTime": iso(now)}
    events = [reserved(client, derms, [1, 2, 5], **past), *(reserved(client, derms, [5], **past) for _ in range(3))]
    soon = {
        "eventStartDateTime": iso(now + timedelta(hours=6)),
        "eventEndDateTime": iso(now + timedelta(hours=8)),
    }
    reserved(client, derms, [3], **soon)
    canceled = reserved(client, derms, [4], **soon)
    answer = client.post(CANCEL, json=cancellation(canceled))
    assert answer.json()["ackType"] == "SUCCESS", answer.text
    period = (iso(now - timedelta(hours=1)), iso(now))
    lines = [(events[0], nic(1), SUCCESSFUL), (events[0], nic(2), OVERRIDDEN), (events[0], "X-999", SUCCESSFUL)]
    lines += [(event, nic(5), SUCCESSFUL) for event in events]
    request = outcome()
    content = table(
        OUTCOME_COLUMNS,
        [(number, event, device, "ECOBEE", code, *period, "") for number, (event, device, code) in enumerate(lines)],
    )
    accepted(send_with_file(client, OUTCOME, request, content), request)
    assert acknowledged(derms, request["messageId"], kind="outcomeAcks")["ackType"] == "SUCCESS"

    _run_by_hand(site, "X1-CALAS")
    said = site.manage("run_batch", "X1-SDCSE").stdout
    assert "X1-SDCSE 1_0: Complete (" in said
    # PostgreSQL keeps the counts in an order of its own.
    assert {"rows 6", "eligible 4"} <= set(said.partition("(")[2].rstrip(")\n").split(", "))
    run = run_by_hand(client, BY_FILE_DROP)

    assert run["state"] == "SUCCEEDED", run
    (sent,) = derms.requests(SCORE_AT_DERMS)
    rows = {row["nicId"]: row for row in csv.DictReader(io.StringIO(sent["body"]))}
    found = {
        number: (Decimal(rows[nic(number)]["controlScore"]), rows[nic(number)]["ineligibilityReason"])
        for number in range(1, 7)
    }
    new = expected_score(day=day, days=days)
    assert found == {
        1: (expected_score(day=day, days=days, events=1, elapsed=0, successes=1, attempts=1), ""),
        2: (expected_score(day=day, days=days, attempts=1), ""),
        3: (new, "RESERVED"),
        4: (new, ""),
        5: (Decimal("0.00"), "EVENT_LIMIT_REACHED"),
        6: (expected_score(day=day, days=days, capacity=Decimal("0.4")), ""),
    }
    assert {number for number in found if rows[nic(number)]["eligible"] == "Y"} == {1, 2, 4, 6}
    assert list(drop_process.state()["files"]) == ["drop/Sent-SDCSE_0001_00.csv"]
    _explained(site, client, found[1][0])


def _run_by_hand(site: Product, batch: str) -> None:
    """Press the button of the admin and wait for the run."""
    person = site.person()
    page = person.get("/admin/assets/batchrun/run/")
    person.submit("/admin/assets/batchrun/run/", page, {"batch_code": batch}, form_id="run-batch-form")
    wait_until(
        f"the end of {batch}",
        lambda: "Complete" in person.get(f"/admin/assets/batchrun/?batch_code__exact={batch}").text,
        seconds=60,
    )


def _explained(site: Product, client: Client, score: Decimal) -> None:
    """The list of the API and the page of the score say the same, and the To Do names the stranger."""
    (listed,) = client.read(f"/api/v1/control-scores/?search={nic(1)}")["results"]
    assert Decimal(str(listed["score"])) == score
    person = site.person()
    scores = person.get(f"/admin/assets/controlscore/?q={nic(1)}").text
    address = scores[scores.index("/admin/assets/controlscore/") :]
    page = next(
        person.get(part.split('"')[0]).text
        for part in address.split('href="')[1:]
        if part.startswith("/admin/assets/controlscore/") and "/change/" in part
    )
    assert f'id="score">{score}<' in page
    assert "factor(SNn, n)" in page
