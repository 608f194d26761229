"""What is shipped for the DACS side, and what of it a site keeps."""

from __future__ import annotations

import pytest

from assets import models
from assets.operations import defaults
from outbound.models import Connection, ExternalSystem, OutboundMessageType
from outbound.operations.configuration import install_defaults as install_shipped_messages
from tests.factories.assets import NOW, own_account


pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def shipped() -> list[str]:
    own_account()
    install_shipped_messages(at=NOW)
    return defaults.install_defaults(at=NOW)


def test_the_types_of_chapter_3_are_there():
    assert list(models.ActivityType.objects.values_list("description", flat=True)) == [
        "Controllable Device Status Check"
    ]
    assert list(models.CommunicationType.objects.values_list("description", "business_object")) == [
        ("Controllable Device: Device Status Check", "X1-CtrlDvcStatusCheckComm"),
        ("Controllable Device: Device Status Check Response", "X1-CtrlDvcStatusCheckResp"),
    ]
    assert list(models.ServiceTaskType.objects.values_list("description", flat=True)) == [
        "Digital Asset Enrollment Request Task Type",
        "Digital Asset Unenrollment Request Task Type",
    ]


def test_messages_go_to_the_hub_at_the_addresses_of_its_flows():
    assert ExternalSystem.objects.get(name="HUB").processing_method == "REAL_TIME"
    connection = Connection.objects.get(name="HUB")
    assert (connection.base_url, connection.username) == (
        "tieline:///ic/api/integration/v1/flows/oracleutilities",
        "tieline",
    )
    paths = dict(OutboundMessageType.objects.filter(code__startswith="X1-").values_list("code", "path"))
    assert paths == {
        "X1-CTRLDVCS": "/OUTL-BA-DACS_DRMS_DEVICE_STATUS/1.0/status-check",
        "X1-NMSDASMSG": "/OUTL-BA-DACS_DRMS_ENROLL_SYNC/1.0/enroll",
    }


def test_again_nothing_is_installed_and_what_a_site_has_set_stays():
    OutboundMessageType.objects.filter(code="X1-CTRLDVCS").update(path="/of-the-site")
    Connection.objects.filter(name="HUB").update(base_url="https://hub.example/flows")
    models.ActivityType.objects.update(description="Ours")

    assert defaults.install_defaults(at=NOW) == []

    assert OutboundMessageType.objects.get(code="X1-CTRLDVCS").path == "/of-the-site"
    assert Connection.objects.get(name="HUB").base_url == "https://hub.example/flows"
    assert models.ActivityType.objects.get().description == "Ours"
