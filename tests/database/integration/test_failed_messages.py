from __future__ import annotations

import pytest

from integration.models import Incident
from integration.operations import failed_messages
from outbound.choices import MessageStatus
from outbound.models import OutboundMessage
from outbound.operations.message_configuration import apply_external_systems, apply_outbound_message_types
from outbound.operations.messages import queue_message
from tests.factories.integration import AT, prepare


pytestmark = pytest.mark.django_db


@pytest.fixture
def message() -> OutboundMessage:
    prepare(base_url="http://127.0.0.1:9")
    apply_external_systems(section={"ELSEWHERE": {"connection": "DACS"}}, at=AT)
    apply_outbound_message_types(section={"NOTICE": {"path": "/notices"}}, at=AT)
    return queue_message(message_type="NOTICE", external_system="ELSEWHERE", payload={"a": 1}, message_id="N-1", at=AT)


class TestMessageSettled:
    def test_a_message_that_failed_for_good_opens_an_incident_of_its_type(self, message: OutboundMessage) -> None:
        message.last_error = "503 from the target"

        failed_messages.message_settled(message=message, status=MessageStatus.FAIL, at=AT)

        incident = Incident.objects.get()
        assert (incident.source, incident.fault_code, incident.occurrences) == ("NOTICE", "message_failed", 1)
        assert "N-1" in incident.fault_reason

    @pytest.mark.parametrize("status", [MessageStatus.SUCCESS, MessageStatus.CANCELED])
    def test_any_other_end_is_nobodys_trouble(self, message: OutboundMessage, status: str) -> None:
        failed_messages.message_settled(message=message, status=status, at=AT)

        assert not Incident.objects.exists()
