"""A canary in every secret field, through every way that things go out or are kept (`reliability.md` S2)."""

from __future__ import annotations

import contextlib
import logging
import pickle
from io import StringIO
from typing import Any

import pytest
from django.core import serializers
from django.core.management import call_command
from django.db import connection as database
from django.test import Client
from django.urls import reverse

from outbound.models import Connection, Mail, MailAttempt
from outbound.operations import connection_tests
from outbound.operations.mail_delivery import deliver
from outbound.transports import email as smtp
from outbound.transports import rest
from outbound.transports.base import TransportError
from tests.database.outbound import servers
from tests.database.outbound.mailboxes import mailbox
from tests.database.outbound.servers import Peer, answer
from tests.factories.outbound import NOW, make_connection, make_mail


pytestmark = pytest.mark.django_db
CANARY = "canary-5ecret"


def _database() -> str:
    found = []
    with database.cursor() as cursor:
        for table in database.introspection.table_names(cursor):
            if table.startswith("outbound_") or table == "django_admin_log":
                cursor.execute(f"SELECT * FROM {table}")  # noqa: S608  (the tables are our own)
                found += [repr(row) for row in cursor.fetchall()]
    return "\n".join(found)


def test_no_secret_is_found_anywhere(
    peer: Peer, admin_client: Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[str] = []
    dacs = make_connection("DACS", base_url=peer.url, username="u", password=CANARY, private_key=CANARY)
    client = rest.client(dacs)
    for behave in (
        answer(200),
        servers.cut_body,
        servers.reset,
        answer(302, b"", Location="http://x.example/"),
        answer(500),
    ):
        peer.behave = behave
        with contextlib.suppress(TransportError):
            client.request("POST", "x", json={})
        try:
            client.request("GET", "x")
        except TransportError as error:
            errors += [repr(error), str(error)]
    peer.behave = answer(401)
    connection_tests.test_connection(name="DACS", by=None, at=NOW)
    with mailbox(login=(b"u", b"right")) as box:
        server = make_connection(
            "MAIL",
            transport="email",
            host="127.0.0.1",
            port=box.port,
            username="u",
            password=CANARY,
            options={"starttls": "never"},
        )
        deliver(mail_id=make_mail().pk, at=NOW, clock=lambda: NOW)
        assert box.logins, "the canary was really used"
    assert any("Authorization" in seen.headers for seen in peer.seen), "the canary was really used"

    pages = [
        admin_client.get(address).content.decode()
        for address in (
            reverse("admin:outbound_connection_changelist"),
            reverse("admin:outbound_connection_change", args=[dacs.pk]),
            reverse("admin:outbound_connection_history", args=[dacs.pk]),
            reverse("admin:outbound_connection_delete", args=[dacs.pk]),
            reverse("admin:outbound_mail_changelist"),
            reverse("admin:outbound_mail_change", args=[Mail.objects.get().pk]),
            "/api/v1/connections/",
            "/api/v1/connections/DACS/",
        )
    ]
    assert all(CANARY not in page for page in pages)
    assert all("DACS" in page for page in pages[:4])
    invalid = admin_client.post(
        reverse("admin:outbound_connection_change", args=[dacs.pk]), {"name": "", "new_password": CANARY}
    )
    assert invalid.status_code == 200
    assert CANARY not in invalid.content.decode()

    assert CANARY not in _database()
    assert CANARY not in "\n".join(errors)
    assert CANARY not in "".join(repr(each) for each in (dacs, server, client, smtp.client(server)))
    assert CANARY not in "".join(str(vars(entry)) for entry in Connection.history.all())
    assert CANARY not in "".join(str(vars(attempt)) for attempt in MailAttempt.objects.all())
    assert CANARY not in caplog.text
    printed = capfd.readouterr()
    assert CANARY not in printed.out + printed.err


def test_a_dump_of_the_database_holds_it_encrypted_or_not_at_all() -> None:
    make_connection("DACS", password=CANARY)
    assert CANARY not in serializers.serialize("json", Connection.history.all())
    out = StringIO()
    call_command("rotate_secrets", stdout=out)
    assert CANARY not in out.getvalue()


def test_an_answer_that_is_kept_holds_no_secret(peer: Peer) -> None:
    client = rest.client(make_connection(base_url=peer.url, username="u", password=CANARY))
    got: Any = client.request("GET", "x")
    assert CANARY.encode() not in pickle.dumps((got.status, got.body, dict(got.headers)))
