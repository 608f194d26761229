from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection as database

from foundation.crypto import UnableToDecrypt
from outbound.models import Connection
from outbound.operations.secrets import rotate_secrets
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db


def _stored() -> str:
    with database.cursor() as cursor:
        cursor.execute("SELECT password FROM outbound_connection")
        return str(cursor.fetchone()[0])


class TestRotateSecrets:
    def test_after_it_the_old_key_is_not_needed_any_more(self, settings: Any) -> None:
        make_connection(password="s3cret")
        old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
        settings.FIELD_ENCRYPTION_KEYS = [new, old]
        before = _stored()

        done = {(each.table, each.column): each for each in rotate_secrets()}

        assert done["outbound_connection", "password"].rotated == 1
        assert done["outbound_connection", "private_key"].rotated == 0
        assert _stored() != before
        settings.FIELD_ENCRYPTION_KEYS = [new]
        assert Connection.objects.get().password == "s3cret"
        settings.FIELD_ENCRYPTION_KEYS = [old]
        with pytest.raises(UnableToDecrypt, match="not in FIELD_ENCRYPTION_KEYS"):
            Connection.objects.get()


class TestCommand:
    def test_says_what_it_did(self) -> None:
        make_connection(password="s3cret", private_key="key")
        out = StringIO()
        call_command("rotate_secrets", stdout=out)
        assert "outbound_connection.password: 1 re-encrypted" in out.getvalue()
        assert "outbound_connection.private_key: 1 re-encrypted" in out.getvalue()
        assert "older keys can be removed" in out.getvalue()
        assert "s3cret" not in out.getvalue()

    def test_a_lost_key_is_named_and_nothing_is_spoiled(self, settings: Any) -> None:
        make_connection(password="s3cret")
        old = settings.FIELD_ENCRYPTION_KEYS
        before = _stored()
        settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        out = StringIO()
        with pytest.raises(
            CommandError, match="1 secrets were encrypted with a key that FIELD_ENCRYPTION_KEYS does not"
        ):
            call_command("rotate_secrets", stdout=out)
        assert "outbound_connection.password: 0 re-encrypted, 1 unreadable" in out.getvalue()
        assert _stored() == before
        settings.FIELD_ENCRYPTION_KEYS = old
        assert Connection.objects.get().password == "s3cret"
