from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from outbound import queries
from outbound.choices import BreakerState, MailStatus
from outbound.models import ConnectionHealth
from outbound.parameters import UnknownParameter
from tests.factories.outbound import NOW, make_connection, make_mail


pytestmark = pytest.mark.django_db


class TestConnection:
    def test_gives_it_by_name(self) -> None:
        made = make_connection("DERMS")
        assert queries.connection("DERMS") == made

    def test_an_unknown_name_is_an_error(self) -> None:
        with pytest.raises(queries.UnknownConnection, match="There is no connection named DERMS"):
            queries.connection("DERMS")


class TestParameter:
    def test_gives_the_declared_default_when_nothing_is_stored(self) -> None:
        assert queries.parameter("MAX_RETRIES") == 3
        assert queries.parameter("ERROR_DIGEST_SECONDS") == Decimal(900)

    def test_an_unknown_name_is_an_error(self) -> None:
        with pytest.raises(UnknownParameter):
            queries.parameter("NOPE")


class TestConnectionsToLookAt:
    def test_names_those_that_need_a_look(self) -> None:
        for name in ("GOOD", "NEVER", "OLD", "OPEN", "OFF"):
            make_connection(name, enabled=name != "OFF")
        health = ConnectionHealth.objects
        fresh, old = NOW - dt.timedelta(hours=24), NOW - dt.timedelta(hours=24, seconds=1)
        health.filter(connection__name__in=["GOOD", "OPEN"]).update(last_success_at=fresh)
        health.filter(connection__name="OLD").update(last_success_at=old)
        health.filter(connection__name="OPEN").update(state=BreakerState.OPEN)
        assert [each.name for each in queries.connections_to_look_at(at=NOW)] == ["NEVER", "OLD", "OPEN"]


class TestMailCounts:
    def test_counts_what_waits_and_what_failed(self) -> None:
        make_mail()
        make_mail(status=MailStatus.FAIL)
        make_mail(status=MailStatus.FAIL)
        make_mail(status=MailStatus.SENT)
        assert queries.mail_counts() == {"PENDING": 1, "FAIL": 2}
