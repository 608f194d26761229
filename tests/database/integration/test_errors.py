"""The common error handler: one incident per cause, first at once, then in digests."""

from __future__ import annotations

import datetime as dt

import pytest

from integration.flows.contract import Fault
from integration.models import Incident
from integration.operations import errors
from lookups.operations import apply_configuration
from outbound.models import Mail, Parameter
from outbound.retry import FaultType
from tests.factories import integration as factory


pytestmark = pytest.mark.django_db

AT = factory.AT
DOWN = Fault(type=FaultType.REMOTE, code="target_unreachable", reason="DACS cannot be reached", detail="refused")


def report(*, at: dt.datetime = AT, fault: Fault = DOWN) -> Incident | None:
    return errors.report(flow=None, source="SOME-FLOW", fault=fault, at=at)


def later(seconds: float) -> dt.datetime:
    return AT + dt.timedelta(seconds=seconds)


class TestReport:
    def test_mails_the_first_fault_at_once(self) -> None:
        factory.prepare()

        report()

        mail = Mail.objects.get()
        assert mail.subject == "[Tieline] SOME-FLOW: DACS cannot be reached"
        assert (mail.to, mail.sender) == (["ops@example.org"], "tieline@example.org")
        assert "Fault: REMOTE target_unreachable" in mail.text
        assert "Detail: refused" in mail.text
        assert "SOME-FLOW failed" in mail.html

    def test_counts_what_follows_and_tells_it_in_one_digest_of_the_same_thread(self) -> None:
        factory.prepare()
        report()
        for second in range(1, 100):
            report(at=later(second))

        early = errors.send_digests(at=later(899))
        due = errors.send_digests(at=later(900))
        again = errors.send_digests(at=later(2000))

        assert (early, due, again) == (0, 1, 0)
        first, digest = Mail.objects.order_by("pk")
        assert "99 more times" in digest.subject
        assert "In all: 100 times" in digest.text
        assert digest.thread == first.thread == f"incident-{Incident.objects.get().pk}"
        incident = Incident.objects.get()
        assert (incident.occurrences, incident.mailed_count) == (100, 100)

    def test_mails_each_fault_at_once_when_the_window_is_nought(self) -> None:
        factory.prepare()
        Parameter.objects.update_or_create(name="ERROR_DIGEST_SECONDS", defaults={"value": "0"})

        for second in range(3):
            report(at=later(second))

        assert Mail.objects.count() == 3

    def test_keeps_other_causes_apart(self) -> None:
        factory.prepare()

        report()
        report(fault=Fault(type=FaultType.REMOTE, code="503", reason="DACS answered 503"))

        assert sorted(Incident.objects.values_list("fault_code", "occurrences")) == [
            ("503", 1),
            ("target_unreachable", 1),
        ]
        assert Mail.objects.count() == 2

    def test_says_nothing_of_a_business_fault(self) -> None:
        factory.prepare()

        assert report(fault=Fault(type=FaultType.BUSINESS, code="400", reason="No such program")) is None

        assert Incident.objects.count() == 0
        assert Mail.objects.count() == 0

    def test_opens_a_new_incident_after_the_old_one_was_closed(self) -> None:
        factory.prepare()
        first = report()
        assert first is not None
        errors.close(incident_id=first.pk, by="operator", note="target is back", at=later(10))

        second = report(at=later(20))

        assert second is not None
        assert second.pk != first.pk
        assert Mail.objects.count() == 2
        with pytest.raises(errors.IncidentAlreadyClosed):
            errors.close(incident_id=first.pk, by="operator", note="again", at=later(30))

    @pytest.mark.parametrize("to", ["", "not-an-address"])
    def test_shows_trouble_with_the_mail_and_never_raises(self, to: str) -> None:
        factory.prepare()
        from lookups.models import Lookup, LookupVersion

        lookup = Lookup.objects.get(name="OUTL-BRT-DACS_DRMS_Email_ID")
        version = LookupVersion.objects.get(revision=lookup.revision)
        version.rows = [{**row, "Email_Id": to} if row["Recipient"] == "to" else row for row in version.rows]
        LookupVersion.objects.filter(pk=version.pk).update(rows=version.rows)
        from lookups.queries import tables

        tables._remembered.clear()

        incident = report()

        assert incident is not None
        incident.refresh_from_db()
        assert incident.mail_trouble != ""
        assert (incident.mailed_count, Mail.objects.count()) == (0, 0)
        tables._remembered.clear()

    def test_survives_lookups_that_are_not_installed(self) -> None:
        incident = report()

        assert incident is not None
        incident.refresh_from_db()
        assert incident.mail_trouble.startswith("UnknownLookup")

    def test_tells_what_the_gate_held_back_once_it_is_open(self) -> None:
        factory.prepare()
        admin = factory.user("gatekeeper")
        for value, expected in (("false", 0), ("true", 1)):
            apply_configuration(
                section={"OUTL-BRT-DACS_DRMS_ConfigProps": {"notification.email.error.flag": value}}, by=admin, at=AT
            )
            report(at=later(60 if value == "true" else 0))
            assert Mail.objects.count() == expected
