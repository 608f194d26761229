"""Searches of lists that grow are answered by indexes, in the API and in the admin, and find what they say."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model, Q
from django.test import Client

from assets import models as dacs
from assets import search_queries as dacs_side
from assets.api import control_scores, programs
from foundation import audit, search_queries
from foundation.models import AuditEntry
from tests.factories import days, many
from vee import search_queries as meter_data
from vee.api import filters
from vee.models import (
    Device,
    InitialMeasurement,
    MeasuringComponent,
    ReadingFile,
    ServicePoint,
    ToDo,
    UsageSubscription,
    UsageTransaction,
    VeeException,
)


pytestmark = pytest.mark.django_db
ROWS = 1_000


def _audited(number: int) -> dict[str, Any]:
    return {
        "by": f"person{number}", "name": f"Rule {number}", "reason": f"CHG-{number}", "position": number + 10_000,
        "record": str(number),
    }  # fmt: skip


VALUES: dict[type[Model], Callable[[int], dict[str, Any]]] = {
    AuditEntry: _audited,
    ServicePoint: lambda number: {"identifier": f"SP-{number}"},
    Device: lambda number: {"identifier": f"DEV-{number}"},
    UsageSubscription: lambda number: {"identifier": f"US-{number}"},
    UsageTransaction: lambda number: {"identifier": f"UT-{number}"},
    ReadingFile: lambda number: {"id": uuid.uuid4(), "name": f"readings-{number}.csv", "sha256": f"{number:064x}"},
    dacs.Contact: lambda number: {
        "identifier": f"C-{number}", "cis_person_id": f"P-{number}", "name": f"Rivera {number}",
    },
    dacs.Enrollment: lambda number: {"identifier": f"E-{number}", "transaction_id": f"T-{number}"},
}  # fmt: skip


SEARCHES: list[tuple[type[Model], Callable[[str], Q], str, list[str]]] = [
    (
        AuditEntry, search_queries.audit_entries, "CHG-7",
        ["audit_entry_by_start", "audit_entry_name_start", "audit_entry_reason_start"],
    ),
    (ServicePoint, meter_data.service_points, "SP-77", ["vee_servicepoint_identifier"]),
    (Device, meter_data.devices, "DEV-77", ["vee_device_identifier", "vee_servicepoint_identifier"]),
    (
        UsageSubscription, meter_data.usage_subscriptions, "US-77",
        ["vee_usagesubscription_identifier", "vee_servicepoint_identifier"],
    ),
    (
        UsageTransaction, meter_data.usage_transactions, "UT-77",
        ["vee_usagetransaction_identifier", "vee_usagesubscription_identifier", "usage_period"],
    ),
    (ReadingFile, meter_data.reading_files, "readings-77", ["reading_file_name_start", "vee_readingfile_sha256"]),
    (
        dacs.Contact, dacs_side.contacts, "Rivera 7",
        ["assets_contact_identifier", "assets_contact_cis_person_id", "contact_name_start"],
    ),
    (
        dacs.ControllableDevice, dacs_side.devices, "DEV-77",
        ["vee_device_identifier", "controllable_device_nic_start", "controllable_device_serial"],
    ),
    (
        dacs.ProgramSubscription, dacs_side.subscriptions, "US-77",
        ["vee_usagesubscription_identifier", "assets_contact_cis_person_id", "device_location_cis_start"],
    ),
    (
        dacs.Enrollment, dacs_side.enrollments, "T-77",
        ["assets_enrollment_identifier", "assets_enrollment_transaction_id"],
    ),
    (
        dacs.ControlScore, dacs_side.control_scores, "DEV-77",
        ["vee_device_identifier", "controllable_device_nic_start", "vee_usagesubscription_identifier"],
    ),
]  # fmt: skip


@pytest.mark.postgres
@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="it is PostgreSQL's planner that is asked")
def test_searches_are_answered_by_indexes() -> None:
    # The planner judges by thousands of rows of which it has statistics; one table at a time takes long to fill.
    many.one_of_each(*VALUES, *(model for model, *_ in SEARCHES))
    for model, values in VALUES.items():
        many.copies(model, ROWS, values)
    with connection.cursor() as cursor:
        # Of a few thousand rows reading all of them would still do.
        cursor.execute("SET LOCAL enable_seqscan = off")

    plans = {model: model._default_manager.filter(condition(text)).explain() for model, condition, text, _ in SEARCHES}

    for model, _condition, _text, indexes in SEARCHES:
        assert [name for name in indexes if name not in plans[model]] == [], plans[model]
        assert "Seq Scan" not in plans[model]


@pytest.mark.parametrize(
    ("filters_of", "model", "condition"),
    [
        (filters.ImdFilter, InitialMeasurement, meter_data.imds),
        (filters.VeeExceptionFilter, VeeException, meter_data.exceptions),
        (filters.ToDoFilter, ToDo, meter_data.todos),
        (filters.ReadingFileFilter, ReadingFile, meter_data.reading_files),
        (filters.UsageTransactionFilter, UsageTransaction, meter_data.usage_transactions),
        (filters.ServicePointFilter, ServicePoint, meter_data.service_points),
        (filters.DeviceFilter, Device, meter_data.devices),
        (filters.MeasuringComponentFilter, MeasuringComponent, meter_data.placed_components),
        (filters.UsageSubscriptionFilter, UsageSubscription, meter_data.usage_subscriptions),
        (programs.ContactFilter, dacs.Contact, dacs_side.contacts),
        (programs.DeviceFilter, dacs.ControllableDevice, dacs_side.devices),
        (programs.SubscriptionFilter, dacs.ProgramSubscription, dacs_side.subscriptions),
        (programs.EnrollmentFilter, dacs.Enrollment, dacs_side.enrollments),
        (control_scores.ControlScoreFilter, dacs.ControlScore, dacs_side.control_scores),
    ],
)
def test_the_api_searches_a_list_that_grows_as_the_admin_does(filters_of: Any, model: Any, condition: Any) -> None:
    asked = filters_of({"search": "SP-1"}, queryset=model.objects.all()).qs

    assert str(asked.query) == str(model.objects.filter(condition("SP-1")).query)
    folded = (ToDo, ReadingFile, dacs.Contact, dacs.ControllableDevice, dacs.ProgramSubscription, dacs.ControlScore)
    assert "UPPER" not in str(asked.query) or model in folded or connection.vendor != "postgresql"


def test_usage_is_found_by_its_own_name_and_by_those_of_its_subscription_and_place() -> None:
    many.one_of_each(UsageTransaction)
    ServicePoint.objects.update(identifier="Place-1")
    UsageSubscription.objects.update(identifier="SUB-1", service_point=ServicePoint.objects.get())
    UsageTransaction.objects.update(identifier="UT-1")

    def found(condition: Callable[[str], Q], model: Any, *texts: str) -> list[int]:
        return [model.objects.filter(condition(text)).count() for text in texts]

    assert found(meter_data.usage_transactions, UsageTransaction, "ut", " SUB", "Place") == [1, 1, 1]
    assert found(meter_data.usage_transactions, UsageTransaction, "lace", "T-1", "%") == [0, 0, 0]
    assert found(meter_data.usage_subscriptions, UsageSubscription, "sub-1", "Pla", "UB") == [1, 1, 0]
    assert found(meter_data.service_points, ServicePoint, "Place", "lace-1") == [1, 0]


def test_reading_files_are_found_by_the_start_of_their_name_or_checksum() -> None:
    ReadingFile.objects.create(name="Meters-May.csv", sha256="ab" * 32, size=1)

    def found(text: str) -> int:
        return ReadingFile.objects.filter(meter_data.reading_files(text)).count()

    assert [found(text) for text in ("meters", " METERS-May ", "ABAB", "May", "%", "ba")] == [1, 1, 1, 0, 0, 0]


class TestAuditTrail:
    @pytest.fixture(autouse=True)
    def _entries(self) -> None:
        for number, (by, reason) in enumerate([("Rivera", "CHG-1: new tariff"), ("chan", "CHG-22: as agreed")]):
            audit.note(
                component="vee.veerule", record=number, name=f"Rule {number}", action="CHANGE", at=days.AT, by=by,
                reason=reason,
            )  # fmt: skip

    def found(self, text: str) -> list[str]:
        return list(AuditEntry.objects.filter(search_queries.audit_entries(text)).values_list("by", flat=True))

    def test_is_searched_by_starts_whatever_the_case(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(search_queries, "LATEST", 0)

        assert self.found(" rivera ") == ["Rivera"]
        assert self.found("chg-2") == ["chan"]
        assert sorted(self.found("rule")) == ["Rivera", "chan"]
        assert self.found("tariff") == []

    def test_of_the_latest_a_part_is_enough(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.found("TARIFF") == ["Rivera"]
        monkeypatch.setattr(search_queries, "LATEST", 1)
        assert self.found("tariff") == []
        assert self.found("agreed") == ["chan"]

    def test_its_page_says_how(self, client: Client) -> None:
        client.force_login(User.objects.create_superuser("admin", "admin@example.org", "a-long-password-1"))

        page = client.get("/admin/foundation/auditentry/?q=chg-22")

        assert [row.by for row in page.context["cl"].result_list] == ["chan"]
        assert "of the latest entries also a part of them" in page.content.decode()

    @pytest.mark.postgres
    @pytest.mark.skipif("connection.vendor != 'postgresql'", reason="it is PostgreSQL's planner that is asked")
    def test_reads_the_latest_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(search_queries, "LATEST", 20)
        many.copies(AuditEntry, 5 * ROWS, _audited)

        plan = AuditEntry.objects.filter(search_queries.audit_entries("nothing-at-all")).explain()

        # Without being told to: five thousand rows are too many to read for twenty.
        assert "Seq Scan" not in plan, plan
        assert plan.count("foundation_auditentry_pkey") >= 1
