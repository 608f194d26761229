"""The audit trail: what is noted, that it is chained, and that a change of it by SQL is found."""

from __future__ import annotations

import datetime as dt
import threading
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from foundation import audit
from foundation.models import AuditEntry, AuditHead


AT = dt.datetime(2026, 3, 2, 10, 0, 0, 123456, tzinfo=dt.UTC)


def note(number: int, **more: Any) -> None:
    audit.note(component="outbound.connection", action="CHANGE", at=AT, name=f"DACS {number}", **more)


def chain(count: int) -> None:
    for number in range(1, count + 1):
        note(number, by="olga", reason="because", changes={"base_url": ("http://a", f"http://b/{number}")})
    audit.seal()


def by_sql(statement: str) -> None:
    """Do what only the owner of the database can do: without its triggers."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE foundation_auditentry DISABLE TRIGGER USER")
        else:
            cursor.execute("DROP TRIGGER IF EXISTS foundation_audit_update")
        cursor.execute(statement)
        if connection.vendor == "postgresql":
            cursor.execute("ALTER TABLE foundation_auditentry ENABLE TRIGGER USER")


def verify(**options: Any) -> str:
    out = StringIO()
    call_command("verify_audit", stdout=out, **options)
    return out.getvalue()


@pytest.mark.django_db
class TestTheChain:
    def test_holds_what_was_noted(self) -> None:
        chain(3)

        head = AuditHead.objects.get()
        assert list(AuditEntry.objects.order_by("pk").values_list("position", flat=True)) == [1, 2, 3]
        assert verify() == f"3 entries, none changed. The chain ends with 3:{head.digest}\n"

    def test_of_nothing_is_whole(self) -> None:
        assert verify().startswith("0 entries, none changed.")

    def test_keeps_texts_and_cuts_long_ones(self) -> None:
        note(1, changes={"rows": (None, ["ü" * 5000]), "port": (22, 2222), "held": (True, None)})
        audit.seal()

        changes = AuditEntry.objects.get().changes
        assert changes["port"] == ["22", "2222"]
        assert changes["held"] == ["True", None]
        assert len(changes["rows"][1]) == 1000
        assert AuditEntry.objects.get().by == "system"
        verify()

    @pytest.mark.parametrize(
        ("statement", "complaint"),
        [
            (
                "UPDATE foundation_auditentry SET reason = 'other' WHERE position = 2",
                r"entry 2 \(row \d+, .*DACS 2\) was changed",
            ),
            ("UPDATE foundation_auditentry SET by = 'otto' WHERE position = 3", "entry 3 .* was changed"),
            (
                "UPDATE foundation_auditentry SET at = '2020-01-01 00:00:00+00:00' WHERE position = 1",
                "entry 1 .* was changed",
            ),
            ("UPDATE foundation_auditentry SET changes = '{}' WHERE position = 4", "entry 4 .* was changed"),
            ("UPDATE foundation_auditentry SET digest = repeat('0', 64) WHERE position = 2", "entry 2 .* was changed"),
            ("DELETE FROM foundation_auditentry WHERE position = 2", r"entry 2 is missing \(after it comes 3\)"),
            ("DELETE FROM foundation_auditentry WHERE position >= 4", "entries 4 to 5 are missing at the end"),
            ("DELETE FROM foundation_auditentry", "entries 1 to 5 are missing at the end"),
        ],
    )
    def test_shows_the_first_row_that_was_changed_by_sql(self, statement: str, complaint: str) -> None:
        chain(5)
        if connection.vendor == "sqlite":
            statement = statement.replace("repeat('0', 64)", f"'{'0' * 64}'")
        by_sql(statement)

        with pytest.raises(CommandError, match=complaint):
            verify()

    def test_that_was_computed_anew_is_found_by_what_the_log_keeps(self) -> None:
        chain(5)
        anchor = f"3:{AuditEntry.objects.get(position=3).digest}"
        by_sql("UPDATE foundation_auditentry SET reason = 'other', position = NULL, digest = '' WHERE position >= 2")
        AuditHead.objects.update(position=1, digest=AuditEntry.objects.get(position=1).digest)

        assert verify().startswith("5 entries, none changed.")
        with pytest.raises(CommandError, match="entry 3 does not have the digest that was noted elsewhere"):
            verify(anchor=anchor)
        with pytest.raises(CommandError, match="64 hexadecimal digits"):
            verify(anchor="3")

    def test_cannot_be_changed_through_the_product(self) -> None:
        chain(2)

        with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
            AuditEntry.objects.update(reason="other")
        if connection.vendor == "postgresql":
            with pytest.raises(DatabaseError, match="never changed"), transaction.atomic():
                AuditEntry.objects.all().delete()
        verify()


@pytest.mark.django_db(transaction=True)
class TestSealing:
    def test_follows_the_commit_and_not_a_rollback(self) -> None:
        with transaction.atomic():
            note(1)
            note(2)
            assert AuditEntry.objects.filter(position=None).count() == 2
        with transaction.atomic():
            note(3)
            transaction.set_rollback(True)

        assert list(AuditEntry.objects.order_by("position").values_list("name", flat=True)) == ["DACS 1", "DACS 2"]
        assert AuditHead.objects.get().position == 2

    def test_by_several_at_once_gives_one_chain(self) -> None:
        def work(start: int) -> None:
            try:
                for number in range(start, start + 5):
                    with transaction.atomic():
                        note(number)
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(start,)) for start in (100, 200, 300, 400)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        audit.seal()
        assert audit.verify().entries == 20
        assert audit.verify().broken == ""
