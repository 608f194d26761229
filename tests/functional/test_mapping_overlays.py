"""Mapping overlays through the running product: one outgoing field changes, for new messages only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.functional.harness.client import Client, problem
from tests.functional.harness.peers import Peer
from tests.functional.harness.product import Product
from tests.functional.harness.records import enrollment


MAPPING = "enrollment_request"
MAPPINGS = "/admin/integration/mappingoverlay/mappings/"


@pytest.fixture(autouse=True)
def _as_packaged(product: Product) -> Iterator[None]:
    yield
    product.apply({"mapping_overlays": {MAPPING: {"fields": [], "next": None}}})


def with_unit(**changes: Any) -> dict[str, Any]:
    record = enrollment(**changes)
    record["locationInfo"]["address2"] = "Unit 4"
    return record


def sent(dacs: Peer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(dacs.requests("programEnrollments/enroll")[-1]["body"])
    return found


def run_of(client: Client, record: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = client.read(f"/api/v1/flow-runs/{client.runs_of(record['messageId'])[0]['id']}/")
    return found


def test_an_overlay_changes_one_outgoing_field_for_new_messages_only(
    client: Client, product: Product, dacs: Peer
) -> None:
    earlier, later, latest = with_unit(), with_unit(), with_unit()
    client.enroll(earlier)
    as_packaged = sent(dacs)

    product.apply(
        {
            "mapping_overlays": {
                MAPPING: {
                    "note": "second line of the address",
                    "fields": [{"target": "locationInfo.address2", "expression": "locationInfo.address2"}],
                }
            }
        }
    )
    assert client.enroll(later).json()["ackType"] == "SUCCESS"
    overlaid = sent(dacs)

    assert overlaid["locationInfo"].pop("address2") == "Unit 4"
    assert {**overlaid, "transactionId": as_packaged["transactionId"]} == as_packaged
    (version,) = client.all("/api/v1/mapping-overlays/", mapping=MAPPING)[:1]
    assert (version["state"], version["fields"][0]["target"]) == ("ACTIVE", "locationInfo.address2")
    assert run_of(client, earlier)["overlay_versions"] == {}
    run = run_of(client, later)
    assert run["overlay_versions"] == {MAPPING: version["version"]}
    translated = next(step for step in run["steps"] if step["name"] == "Translate to DACS")
    assert f"overlay {MAPPING} version {version['version']}" in translated["detail"][0]["text"]
    # The earlier message again: DERMS gets the original answer, and nothing is sent anew.
    calls = len(dacs.requests("programEnrollments/enroll"))
    client.enroll(earlier)
    assert len(dacs.requests("programEnrollments/enroll")) == calls

    product.apply({"mapping_overlays": {MAPPING: {"fields": []}}})
    client.enroll(latest)
    assert "address2" not in sent(dacs)["locationInfo"]
    assert run_of(client, later)["overlay_versions"] == {MAPPING: version["version"]}


def test_a_person_drafts_previews_and_activates_an_overlay_from_an_unmapped_element(
    client: Client, product: Product, dacs: Peer
) -> None:
    first = with_unit()
    first["locationInfo"]["gateCode"] = "B-7"
    client.enroll(first)
    (mapping,) = [each for each in client.read("/api/v1/mappings/") if each["name"] == MAPPING]
    assert "locationInfo.gateCode" in [each["path"] for each in mapping["unmapped"]]
    person = product.person()

    draft = person.submit(
        f"{MAPPINGS}{MAPPING}/new/",
        person.get(f"{MAPPINGS}{MAPPING}/"),
        {"use": "locationInfo.gateCode"},
        form_id="new-version-form",
    )
    address = draft.url.removeprefix(product.url).split("?")[0]
    refused = person.submit(address, draft, {"field-0-expression": "gateCode["}, form_id="overlay-form").text
    assert "This is no JMESPath: the expression ends too early." in refused
    preview = person.submit(address, draft, {"preview": "1"}, form_id="overlay-form").text
    assert "/locationInfo/gateCode" in preview
    assert "&quot;gateCode&quot;: &quot;B-7&quot;" in preview
    client.enroll(with_unit())
    assert "gateCode" not in sent(dacs)["locationInfo"]

    person.submit(f"{address}activate/", person.get(f"{address}activate/"), {}, form_id="activate-form")
    second = with_unit()
    second["locationInfo"]["gateCode"] = "C-1"
    client.enroll(second)

    assert sent(dacs)["locationInfo"]["gateCode"] == "C-1"
    (version,) = client.all("/api/v1/mapping-overlays/", mapping=MAPPING)[:1]
    assert version["fields"] == [
        {
            "target": "locationInfo.gateCode",
            "expression": "locationInfo.gateCode",
            "when_empty": "KEEP",
            "extra": True,
            "note": "",
        }
    ]
    run = run_of(client, second)
    page = person.get(f"/admin/integration/flowrun/{run['id']}/change/").text
    assert f"{MAPPING} v{version['version']}" in page


def test_a_bad_overlay_is_refused_and_nothing_changes(client: Client, product: Product, dacs: Peer) -> None:
    before = client.all("/api/v1/mapping-overlays/", mapping=MAPPING)
    file = product.var / "bad.yaml"
    file.write_text(
        json.dumps(
            {
                "mapping_overlays": {
                    MAPPING: {
                        "fields": [
                            {"target": "transactionId", "expression": "messageId"},
                            {"target": "locationInfo.gateCode", "expression": "locationInfo.gateCode"},
                            {"target": "customerInfo.name", "expression": "customerInfo.name["},
                        ]
                    }
                }
            }
        )
    )

    done = product.manage("config", "apply", str(file), check=False)

    assert done.returncode != 0
    for place in ("fields/0/target", "fields/1/target", "fields/2/expression"):
        assert f"/mapping_overlays/{MAPPING}/{place}" in done.stderr
    assert client.all("/api/v1/mapping-overlays/", mapping=MAPPING) == before
    client.enroll(with_unit())
    assert "address2" not in sent(dacs)["locationInfo"]


def test_an_overlay_that_fails_on_a_message_is_told_and_never_passed_over(
    client: Client, product: Product, dacs: Peer
) -> None:
    product.apply(
        {
            "mapping_overlays": {
                MAPPING: {
                    "fields": [
                        {
                            "target": "customerInfo.name",
                            "expression": "join(' ', [customerInfo.title, customerInfo.name])",
                        }
                    ]
                }
            }
        }
    )
    calls = len(dacs.requests("programEnrollments/enroll"))

    answer = client.enroll(enrollment()).json()

    assert answer["ackType"] == "FAILURE"
    (entry,) = answer["responses"]
    assert "field customerInfo.name: join() takes a list of texts, it got nothing" in entry["value"]
    assert entry["errors"][0]["pointer"] == "/params/0/customerInfo/name"
    assert len(dacs.requests("programEnrollments/enroll")) == calls


def test_the_api_is_for_those_who_may_see_overlays(client: Client) -> None:
    problem(client.request("POST", "/api/v1/mapping-overlays/", json={}), 405)
