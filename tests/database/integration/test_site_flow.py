"""A flow of the site's own: the module, the document and the test of the how-to page, as they stand there."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from integration.flows import registry
from integration.models import Flow, FlowRun, Incident
from integration.operations import configuration
from integration.operations.flows import install_flows
from tests.database.integration import peers
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db(transaction=True)

PAGE = (Path(__file__).parents[3] / "docs/how-to/add-a-flow.md").read_text(encoding="utf-8")
MODULE, TEST = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
[DOCUMENT] = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
MESSAGE = {"messageId": "EX-2", "servicePoint": "SP-1", "removed": "M-1", "installed": "M-2", "reason": "DEFECT"}
ANSWER = {"messageId": "EX-2", "ackType": "SUCCESS"}

Send = Callable[..., Any]


@pytest.fixture
def billing() -> Iterator[peers.Peer]:
    with peers.serving() as peer:
        yield peer


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The page's module, declared as a start with TIELINE_FLOWS declares it."""
    package = tmp_path / "site_flows"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "meter_exchange.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    registry.load(["site_flows.meter_exchange"])
    yield
    registry.declare(registry.PACKAGED)
    for name in ("site_flows", "site_flows.meter_exchange"):
        sys.modules.pop(name, None)


@pytest.fixture
def site_flow(declared: None, billing: peers.Peer, monkeypatch: pytest.MonkeyPatch) -> Flow:
    """The flow after the page's document was applied; its target is on loopback."""
    monkeypatch.setenv("BILLING_PASSWORD", "a-password")
    factory.prepare()
    document = DOCUMENT.replace("https://billing.example.org", billing.base_url)
    configuration.apply_document(document=configuration.read_text(document), by=None, at=factory.AT)
    return Flow.objects.get(name="meter_exchange")


@pytest.fixture
def send(db: None) -> Send:
    client = APIClient()
    client.force_authenticate(factory.user("field", rights=["integration.call_flow"]))

    def post(flow: str, message: Any) -> Any:
        return client.post(f"/api/v1/flows/{flow}/meter-exchange", message, format="json")

    return post


class TestThePage:
    def test_shows_a_module_of_under_60_lines(self) -> None:
        assert len(MODULE.splitlines()) < 60

    def test_holds_a_test_that_passes(self, site_flow: Flow, billing: peers.Peer, send: Send) -> None:
        names: dict[str, Any] = {}
        exec(compile(TEST, "add-a-flow.md", "exec"), names)  # noqa: S102  (our own page)

        names["test_a_meter_exchange_is_mapped_sent_and_traced"](site_flow, billing, send)

        assert billing.seen[0].path == "/api/meter-exchanges"
        assert billing.seen[0].headers["Idempotency-Key"] == "EX-1"
        assert billing.seen[0].headers["Authorization"].startswith("Basic ")


class TestASiteFlow:
    def test_is_off_until_somebody_switches_it_on(self, declared: None, billing: peers.Peer, send: Send) -> None:
        install_flows(at=factory.AT)

        answer = send("meter_exchange", MESSAGE)

        assert answer.status_code == 404
        assert "not active" in answer.json()["detail"]
        assert Flow.objects.get(name="meter_exchange").connections_used == "BILLING"
        assert Flow.objects.get(name="enrollment_request").active

    def test_gives_the_same_answer_to_the_same_message_and_refuses_another(
        self, site_flow: Flow, billing: peers.Peer, send: Send
    ) -> None:
        answers = [send("meter_exchange", MESSAGE) for _ in range(2)]
        other = send("meter_exchange", {**MESSAGE, "installed": "M-3"})

        assert [(answer.status_code, answer.json()) for answer in answers] == [(200, ANSWER)] * 2
        assert (other.status_code, other.json()["errors"][0]["pointer"]) == (409, "/messageId")
        assert len(billing.seen) == 1
        assert site_flow.runs.count() == 1

    def test_says_what_is_missing(self, site_flow: Flow, send: Send) -> None:
        answer = send("meter_exchange", {"messageId": "EX-2", "servicePoint": " ", "removed": 7})

        assert answer.status_code == 400
        assert [error["pointer"] for error in answer.json()["errors"]] == [
            *("/servicePoint", "/removed", "/installed", "/reason"),
        ]
        assert not FlowRun.objects.exists()

    def test_fails_in_its_step_where_the_lookup_has_no_counterpart(
        self, site_flow: Flow, billing: peers.Peer, send: Send
    ) -> None:
        answer = send("meter_exchange", {**MESSAGE, "reason": "WHIM"})

        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "/reason")
        run = site_flow.runs.get()
        assert (run.state, run.fault_code) == ("FAILED", "not_in_lookup")
        assert [(step.name, step.outcome) for step in run.steps.all()] == [("Map the message", "FAILED")]
        assert billing.seen == []

    @pytest.mark.parametrize(("status", "expected", "told"), [(422, 400, False), (500, 502, True), (302, 502, True)])
    def test_tells_its_caller_and_people_what_the_target_said(
        self, site_flow: Flow, billing: peers.Peer, send: Send, status: int, expected: int, told: bool
    ) -> None:
        billing.status = status

        answer = send("meter_exchange", MESSAGE)

        assert answer.status_code == expected
        assert site_flow.runs.get().steps.get(name="Send to BILLING").outcome == "FAILED"
        assert Incident.objects.exists() is told

    def test_sends_again_what_failed(self, site_flow: Flow, billing: peers.Peer, send: Send) -> None:
        billing.status = 503
        first = send("meter_exchange", MESSAGE)
        billing.status = 200

        again = send("meter_exchange", MESSAGE)

        assert first.status_code == 502
        assert (again.status_code, again.json()) == (200, ANSWER)
        assert site_flow.runs.count() == 2

    def test_is_shown_like_any_other(self, site_flow: Flow, client: Client) -> None:
        client.force_login(factory.user("admin", is_superuser=True, is_staff=True))

        page = client.get(reverse("admin:integration_flow_change", args=[site_flow.pk])).content.decode()

        assert "Meter exchange" in page
        assert "/api/v1/flows/meter_exchange/meter-exchange" in page
