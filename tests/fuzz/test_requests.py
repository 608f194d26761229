"""No request that can be made up from the schema is a defect: it gets an answer, or a problem document."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpResponse
from rest_framework.test import APIClient

from integration.models import FlowRun
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


pytestmark = pytest.mark.django_db
SLOWEST_SECONDS = 15.0
PROBLEM = "application/problem+json"


@pytest.fixture
def caller(settings: Any, tmp_path: Any) -> APIClient:
    settings.MEDIA_ROOT = str(tmp_path)
    setup(at=AT, username="operator", password="a-long-password")
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.get(username="operator"))
    return client


@pytest.fixture
def derms() -> Iterator[file_flows.Peer]:
    """
    A DERMS that answers. DACS is not configured: it is called from threads with database connections of their own,
    which see nothing of a transaction that is put back.
    """
    with file_flows.peer() as answering:
        file_flows.connect("DERMS", answering.base_url)
        yield answering


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


def put_back(call: Callable[[], HttpResponse]) -> HttpResponse:
    """Make a call of which nothing stays, so that each meets the same world."""
    with transaction.atomic():
        answer = call()
        transaction.set_rollback(True)
    return answer


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


def test_no_request_is_a_defect(caller: APIClient, derms: file_flows.Peer) -> None:
    complaints = []
    with noted(on_database("Requests made up from the OpenAPI schema")) as figures:
        for sent in send_all(sizes().requests, client=caller, known=world(), around=put_back):
            figures.count(f"answered {sent.answer.status_code}")
            complaints.append(complaint(sent))
            figures.wrong += bool(complaints[-1])

    assert len(complaints) >= sizes().requests
    wrong = [each for each in complaints if each]
    assert wrong == [], "\n".join(wrong)
