"""No request that can be made up from the schema is a defect: it gets an answer, or a problem document."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from integration.models import FlowRun
from integration.operations import configuration
from integration.operations.setup import setup
from tests.database.integration import file_flows
from tests.factories import meter_data
from tests.factories import vee as make
from tests.factories.integration import AT
from tests.factories.messages import make_message
from tests.fuzz.figures import noted, on_database
from tests.fuzz.made_up import Sent, send_all
from tests.fuzz.sizes import sizes
from vee.operations import processing


# Committed, as the server does: flows call their peers from threads that see nothing of an open transaction.
pytestmark = pytest.mark.django_db(transaction=True)
SLOWEST_SECONDS = 15.0
PROBLEM = "application/problem+json"


WITHOUT_DACS = settings.BASE_DIR / "docs" / "how-to" / "run-without-dacs.yaml"


@pytest.fixture
def caller(settings: Any, tmp_path: Any) -> APIClient:
    settings.MEDIA_ROOT = str(tmp_path)
    setup(at=AT, username="operator", password="a-long-password")
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.get(username="operator"))
    return client


@pytest.fixture(params=["a DACS elsewhere", "the own DACS side"])
def neighbours(request: Any, caller: APIClient) -> Iterator[str]:
    """A DERMS that answers, and either a DACS that does, or the DACS side of the house, called in process."""
    with file_flows.peer() as answering:
        file_flows.connect("DERMS", answering.base_url)
        if request.param == "the own DACS side":
            configuration.apply_file(path=WITHOUT_DACS, by=None, at=AT)
        else:
            file_flows.connect("DACS", answering.base_url)
        yield request.param


def world() -> dict[str, Sequence[Any]]:
    """Make one of most things, and give by which values of parameters they are found."""
    component = meter_data.component("MC-1", type=meter_data.component_type("FUZZED"))
    group = make.vee_group("G1", {"rule": "negative_consumption_check", "severity": "ISSUE"})
    component.type.initial_load_group = group
    component.type.save()
    imds = [make.interval_imd(component, ["1", "-5"], seconds=900), make.interval_imd(component, ["1"], seconds=900)]
    processing.process_due(at=make.AT)
    message = make_message(message_type="EVENT", external_system="ELSEWHERE")
    return {
        "measuring_component": ["MC-1"],
        "identifier": ["MC-1", component.type.identifier, component.service_point.identifier],
        "id": [each.pk for each in imds],
        "message_pk": [message.pk],
        "name": ["DERMS", "OUTL-BRT-DACS_DRMS_ConfigProps"],
        "run_id": [str(each) for each in FlowRun.objects.values_list("pk", flat=True)] or ["0" * 32],
        "start": ["2026-03-08T00:00:00Z"],
        "end": ["2026-03-09T00:00:00Z"],
    }


def complaint(sent: Sent) -> str:
    """What is wrong with an answer, '' when nothing is."""
    status = sent.answer.status_code
    kind = sent.answer.headers.get("Content-Type", "")
    if sent.seconds > SLOWEST_SECONDS:
        return f"{sent}: {sent.seconds:.0f} s"
    # 503 says that something is switched off or not configured, and when to come again.
    if status >= 500 and not (status == 503 and "Retry-After" in sent.answer.headers):
        return f"{sent} {sent.answer.content[:300]!r}"
    # The services of the DACS side answer in their own form.
    if status >= 400 and not kind.startswith(PROBLEM) and "/rest/apis/" not in sent.path:
        return f"{sent} as {kind}"
    return ""


def test_no_request_is_a_defect(caller: APIClient, neighbours: str) -> None:
    complaints, wanted = [], sizes().requests // 2
    with noted(on_database(f"Requests made up from the OpenAPI schema, with {neighbours}")) as figures:
        for sent in send_all(wanted, client=caller, known=world()):
            figures.count(f"answered {sent.answer.status_code}")
            complaints.append(complaint(sent))
            figures.wrong += bool(complaints[-1])

    assert len(complaints) >= wanted
    wrong = [each for each in complaints if each]
    assert wrong == [], "\n".join(wrong)
