"""Common Error Handler from the reporting integration's side."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from integration.models import FlowRun, Incident
from outbound.models import Mail
from tests.factories import integration as factory
from tests.unit.integration.flows.test_error_message import REPORT


pytestmark = pytest.mark.django_db


class TestReceiveMessage:
    @pytest.fixture
    def peer(self) -> Any:
        client = APIClient()
        client.force_authenticate(factory.user("peer", rights=["integration.call_flow"]))
        return client

    def test_stores_acknowledges_and_tells(self, peer: APIClient) -> None:
        factory.prepare()

        answer = peer.post("/api/v1/flows/error_handler/receiveMessage", REPORT, format="json")

        assert answer.status_code == 202
        run = FlowRun.objects.get()
        assert answer.json() == {"instanceId": str(run.pk), "ackType": "SUCCESS"}
        assert (run.state, run.flow.name) == ("SUCCEEDED", "error_handler")
        incident = Incident.objects.get()
        assert incident.flow is not None
        assert (incident.flow.name, incident.fault_code) == ("event_device_reservation", "503")
        mail = Mail.objects.get()
        assert mail.subject == "[Tieline] OU DERMS DACS Event Device Reserve: DACS is not accessible"
        assert "eventId: EVT-2023-0417" in mail.text
        assert sorted(run.identifiers.values_list("name", "value")) == [
            ("eventId", "EVT-2023-0417"),
            ("instanceId", "01HZX3"),
            ("messageId", "DRMS-RSV-20230601-0007"),
        ]

    def test_refuses_what_does_not_fit_and_stores_nothing(self, peer: APIClient) -> None:
        factory.prepare()

        answer = peer.post(
            "/ic/api/integration/v1/flows/oracleutilities/OUTL-BA-DACS_DRMS_ERROR/1.0/receivemessage",
            {**REPORT, "faultType": "LOCAL"},
            format="json",
        )

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "/faultType"
        assert FlowRun.objects.count() == 0
        assert Incident.objects.count() == 0

    def test_sends_no_mail_of_a_business_fault(self, peer: APIClient) -> None:
        factory.prepare()

        answer = peer.post(
            "/api/v1/flows/error_handler/receiveMessage", {**REPORT, "faultType": "BUSINESS"}, format="json"
        )

        assert answer.status_code == 202
        assert Incident.objects.count() == 0
        assert Mail.objects.count() == 0
