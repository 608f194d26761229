"""`manage.py erase_customer --mentioned`: a person of whom only messages speak, on a site without the DACS side."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from foundation.models import AuditEntry
from integration.models import (
    DeviceStatusCheck,
    EnrollmentRecord,
    Flow,
    FlowRun,
    Incident,
    Payload,
    RunIdentifier,
    RunStep,
)
from outbound.choices import MessageStatus
from outbound.models import DeliveryAttempt, Mail, OutboundMessage
from tests.database.integration.test_erase_customer import where
from tests.factories import assets, messages


pytestmark = pytest.mark.django_db

WORDS = ("ACC-1", "411912340001", "dana@example.org", "Zoë-0101")


def traces(account: str, nic_id: str, email: str, name: str, *, number: int) -> FlowRun:
    """Leave what an enrollment and a status check leave on a site that is the hub alone."""
    now = timezone.now()
    flow, _ = Flow.objects.get_or_create(name="enrollment_request", defaults={"display_name": "Enrollment"})
    document = {"cisAccountId": account, "nicId": nic_id, "email": email, "names": [{"name": name}]}
    run = FlowRun.objects.create(
        flow=flow,
        state="SUCCEEDED",
        correlation_id="c",
        started_at=now,
        identifiers_shown=f"nicId {nic_id}",
        fault_reason=f"{name} is unknown",
    )
    Payload.objects.create(
        run=run, direction="REQUEST_IN", size=1, created_at=now, retained_until=now, content=str(document).encode()
    )
    RunIdentifier.objects.create(run=run, name="nicId", value=nic_id)
    RunStep.objects.create(run=run, name="Map", sequence=1, started_at=now, detail=[document], message=email)
    EnrollmentRecord.objects.create(
        flow=flow, message_id=f"E-{number}", digest="d", run=run, position=0, answer=document, answer_value=account
    )
    DeviceStatusCheck.objects.create(communication_id=f"C-{number}", nic_id=nic_id, reply={"id": nic_id})
    Incident.objects.create(
        flow=flow, source="x", fault_type="BUSINESS", fault_code=f"f{number}", fault_reason=f"{email} bounced",
        opened_at=now, last_seen_at=now,
    )  # fmt: skip
    message = messages.make_message(message_id=f"M-{number}", payload=document, key=nic_id, context={"who": name})
    OutboundMessage.objects.filter(pk=message.pk).update(status=MessageStatus.SUCCESS, next_attempt_at=None)
    DeliveryAttempt.objects.create(message=message, number=1, target=f"/devices/{nic_id}", started_at=now, error=email)
    Mail.objects.create(
        to=[email], sender="t@example.org", subject="Fault", text=f"{name}", message_id=f"mail-{number}",
        status="SENT", created_at=now, sent_at=now,
    )  # fmt: skip
    return run


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("erase_customer", *arguments, stdout=out)
    return out.getvalue()


def erase(*words: str) -> str:
    return run("--mentioned", *words, "--really", "--reason", "request 4711")


class TestErased:
    def test_no_word_is_left_in_any_table(self) -> None:
        traces(*WORDS, number=1)
        assert {word for word in WORDS if not where(word)} == set()

        said = erase(*WORDS)

        assert {word: where(word) for word in WORDS if where(word)} == {}
        assert "1  payloads" in said
        assert "1  device status checks" in said

    def test_what_stays_leads_to_one_pseudonym_everywhere(self) -> None:
        mine = traces(*WORDS, number=1)

        erase(*WORDS)

        pseudonym = AuditEntry.objects.get(action="ERASE").name
        assert pseudonym.startswith("erased-")
        assert DeviceStatusCheck.objects.get().nic_id == pseudonym
        assert DeviceStatusCheck.objects.get().reply == {"id": pseudonym}
        assert mine.identifiers.get().value == pseudonym
        assert OutboundMessage.objects.get().key == pseudonym
        assert EnrollmentRecord.objects.get().answer["names"] == [{"name": pseudonym}]
        assert FlowRun.objects.get().fault_reason == f"{pseudonym} is unknown"

    def test_others_are_left_as_they_are(self) -> None:
        traces(*WORDS, number=1)
        other = ("ACC-10", "4119123400011", "xdana@example.org", "Zoë-01012")
        traces(*other, number=2)
        before = {word: where(word) for word in other}

        erase(*WORDS)

        assert {word: where(word) for word in other} == before

    def test_upper_and_lower_case_are_the_same(self) -> None:
        traces(*WORDS, number=1)

        erase("acc-1", "DANA@EXAMPLE.ORG", "411912340001", "ZOË-0101")

        assert {word: where(word) for word in WORDS if where(word)} == {}

    def test_without_really_everything_is_counted_and_nothing_changed(self) -> None:
        traces(*WORDS, number=1)
        before = {word: where(word) for word in WORDS}

        said = run("--mentioned", *WORDS)

        assert "1  mails" in said
        assert "Nothing was changed" in said
        assert {word: where(word) for word in WORDS} == before
        assert not AuditEntry.objects.filter(action="ERASE").exists()


class TestRefused:
    def test_while_a_message_is_on_its_way(self) -> None:
        messages.make_message(payload={"cisAccountId": "ACC-1"})

        with pytest.raises(CommandError, match=r"Nothing was changed\. 1 outbound messages are not at their end"):
            erase("ACC-1")

    def test_when_the_dacs_side_keeps_the_person(self) -> None:
        assets.make_contact(1)

        with pytest.raises(CommandError, match="1 contacts of the DACS side are this person"):
            erase("PER-1")

    @pytest.mark.parametrize("words", [["A-1"], ["ACC-1", "x"], ["   "]])
    def test_by_words_that_would_hit_others(self, words: list[str]) -> None:
        with pytest.raises(CommandError, match="at least 4 characters"):
            erase(*words)

    @pytest.mark.parametrize("arguments", [[], ["PER-1", "--mentioned", "ACC-1"]])
    def test_without_saying_whom_or_twice(self, arguments: list[Any]) -> None:
        with pytest.raises(CommandError, match="and not both"):
            run(*arguments)
