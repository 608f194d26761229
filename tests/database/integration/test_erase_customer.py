"""`manage.py erase_customer`: who somebody is goes everywhere, what was done stays."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.utils import timezone

from assets.choices import EnrollmentStatus, SubscriptionStatus, SyncStatus
from assets.models import Contact, DeviceLocation, Enrollment, ProgramSubscription, SyncRequest
from foundation import audit
from foundation.models import AuditEntry
from integration.models import Flow, FlowRun, Payload
from outbound.choices import MessageStatus
from outbound.models import Mail, OutboundMessage
from tests.factories import assets, messages


pytestmark = pytest.mark.django_db

# All that says who customer 1 is.
SECRETS = ("PER-1", "Dana Rivera", "c1@example.org", "0101", "1 Alder Way", "PREM-1", "CIS-SP-1", "ACC-1", "SA-1")


def customer(number: int, program: Any, **values: Any) -> ProgramSubscription:
    """Store one that has left, with everything that a customer leaves behind."""
    now = timezone.now()
    contact = assets.make_contact(
        number, name="Dana Rivera" if number == 1 else "Kim Lee", home_phone=f"+1-010{number}"
    )
    contact.name += " "
    contact.save()
    own = {"cis_account_id": f"ACC-{number}", "cis_service_agreement_id": f"SA-{number}"}
    given = {"contact": contact, "status": SubscriptionStatus.INACTIVE, **own, **values}
    subscription = assets.make_subscription(number, program=program, **given)
    request = assets.enrollment_request(number, customerInfo={"cisPersonId": f"PER-{number}", "name": contact.name})
    Enrollment.objects.create(
        transaction_id=f"T-{number}", request=request, status=EnrollmentStatus.COMPLETE, received_at=now, digest="d"
    )
    SyncRequest.objects.create(
        subscription=subscription,
        status=SyncStatus.SYNCHRONIZED,
        created_at=now,
        final_snapshot={"name": contact.name, "address": f"{number} Alder Way"},
    )
    flow, _ = Flow.objects.get_or_create(name="enrollment_request", defaults={"display_name": "Enrollment"})
    run = FlowRun.objects.create(flow=flow, state="SUCCEEDED", correlation_id="c", started_at=now)
    Payload.objects.create(
        run=run, direction="REQUEST_IN", size=1, created_at=now, retained_until=now, content=str(request).encode()
    )
    message = messages.make_message(
        message_id=f"M-{number}", payload={"cisPersonId": f"PER-{number}", "name": contact.name}
    )
    OutboundMessage.objects.filter(pk=message.pk).update(status=MessageStatus.SUCCESS, next_attempt_at=None)
    Mail.objects.create(
        to=["ops@example.org"], sender="t@example.org", subject="Fault", text=f"c{number}@example.org is unknown",
        message_id=f"mail-{number}", status="SENT", created_at=now, sent_at=now,
    )  # fmt: skip
    return subscription


@pytest.fixture
def program() -> Any:
    return assets.make_program()


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("erase_customer", *arguments, stdout=out)
    return out.getvalue()


def everything() -> dict[str, str]:
    """Give what stands in every table, decrypted, as one text each."""
    models = [model for model in apps.get_models() if model._meta.managed and not model._meta.proxy]
    return {model._meta.label: repr(list(model._base_manager.order_by("pk").values_list())) for model in models}


def where(text: str) -> set[str]:
    return {label for label, rows in everything().items() if text in rows}


class TestErased:
    def test_nothing_that_says_who_it_was_is_left_in_any_table(self, program: Any) -> None:
        customer(1, program)
        assert [secret for secret in SECRETS if not where(secret)] == []
        assert where("PER-1") >= {"assets.Contact", "assets.HistoricalContact", "integration.Payload"}
        assert where("Dana Rivera") >= {"assets.Enrollment", "assets.SyncRequest", "outbound.OutboundMessage"}
        assert where("c1@example.org") >= {"outbound.Mail"}

        said = run("PER-1", "--really", "--reason", "request 4711")

        assert {secret: where(secret) for secret in SECRETS if where(secret)} == {}
        assert "1  contacts" in said

    def test_others_are_left_as_they_are(self, program: Any) -> None:
        customer(1, program)
        customer(10, program)
        before = {secret: where(secret) for secret in ("PER-10", "Kim Lee", "10 Alder Way", "ACC-10", "c10@")}

        run("PER-1", "--really", "--reason", "request 4711")

        assert {secret: where(secret) for secret in before} == before

    def test_the_place_of_somebody_else_keeps_its_address(self, program: Any) -> None:
        first = customer(1, program)
        assets.make_subscription(2, program=assets.make_program("OTHER"), location=first.location, devices=0)

        run("PER-1", "--really", "--reason", "request 4711")

        assert DeviceLocation.objects.get(pk=first.location_id).address1 == "1 Alder Way"
        assert where("PER-1") == set()

    def test_what_was_done_stays(self, program: Any) -> None:
        subscription = customer(1, program)

        run("PER-1", "--really", "--reason", "request 4711")

        kept = ProgramSubscription.objects.get(pk=subscription.pk)
        assert (kept.status, kept.usage_subscription.identifier) == (SubscriptionStatus.INACTIVE, "US-1")
        assert kept.contact.cis_person_id.startswith("erased-")
        assert FlowRun.objects.filter(state="SUCCEEDED").count() == 1
        assert bytes(OutboundMessage.objects.get(message_id="M-1").payload) == b'{"erased":true}'

    def test_the_audit_trail_says_when_by_whom_and_why_and_not_who(self, program: Any) -> None:
        customer(1, program)

        run("PER-1", "--really", "--reason", "request 4711")

        entry = AuditEntry.objects.get(action="ERASE")
        assert (entry.reason, entry.component) == ("request 4711", "assets.contact")
        assert entry.name == Contact.objects.get().cis_person_id
        assert entry.changes["payloads"] == ["1", "0"]
        audit.seal()
        assert audit.verify().broken == ""

    def test_a_second_time_there_is_nobody(self, program: Any) -> None:
        customer(1, program)
        run("PER-1", "--really", "--reason", "request 4711")

        with pytest.raises(CommandError, match=r"Nothing was changed\. There is no customer PER-1\."):
            run("PER-1", "--really", "--reason", "request 4711")


class TestDryRun:
    def test_is_what_happens_without_really_and_changes_nothing(self, program: Any) -> None:
        customer(1, program)
        before = everything()

        told = run("PER-1")

        assert everything() == before
        assert "Nothing was changed." in told
        assert told.splitlines()[:-1] == run("PER-1", "--really", "--reason", "r").splitlines()[:-1]


class TestRefused:
    def test_while_anything_is_under_way_with_each_reason(self, program: Any) -> None:
        subscription = customer(1, program, status=SubscriptionStatus.ACTIVE)
        Enrollment.objects.update(status=EnrollmentStatus.ERROR)
        SyncRequest.objects.filter(subscription=subscription).update(status=SyncStatus.AWAITING_ACKNOWLEDGEMENT)
        OutboundMessage.objects.update(status=MessageStatus.PENDING, next_attempt_at=timezone.now())
        FlowRun.objects.update(state="IN_PROGRESS")
        Mail.objects.update(status="PENDING")
        before = everything()

        with pytest.raises(CommandError) as refused:
            run("PER-1", "--really", "--reason", "request 4711")

        assert str(refused.value).count(" 1 ") == 6
        assert "unenroll them first" in str(refused.value)
        assert everything() == before

    def test_without_a_reason(self, program: Any) -> None:
        customer(1, program)

        with pytest.raises(CommandError, match="Say why"):
            run("PER-1", "--really")

        assert where("PER-1")
