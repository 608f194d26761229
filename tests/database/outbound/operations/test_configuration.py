from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from outbound import queries
from outbound.models import Connection, Parameter
from outbound.operations.configuration import (
    UnableToApplyConfiguration,
    apply_connections,
    apply_parameters,
    install_defaults,
)
from outbound.operations.message_configuration import SHIPPED_SYSTEMS, SHIPPED_TYPES
from outbound.parameters import DECLARED
from outbound.transports import rest
from outbound.transports.base import ConnectionNotUsable
from tests.factories.outbound import NOW


pytestmark = pytest.mark.django_db


@pytest.fixture
def environ() -> dict[str, str]:
    return {"DACS_PASSWORD": "one", "DERMS_PASSWORD": "two", "FTP_PASSWORD": "three", "EMPTY": ""}


class TestApplyConnections:
    def test_accepts_the_document_of_the_contract(self, environ: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "dacs").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nxx\n-----END OPENSSH PRIVATE KEY-----\n")
        section = {
            "DACS": {
                "transport": "rest",
                "base_url": "http://127.0.0.1:9001",
                "username": "OICUSER",
                "password_env": "DACS_PASSWORD",
                "connect_timeout": 3,
                "read_timeout": 60,
                "target_release": "23A",
            },
            "DERMS": {
                "transport": "rest",
                "base_url": "http://127.0.0.1:9002/nms-drms/rest/v1",
                "username": "DERMSUSER",
                "password_env": "DERMS_PASSWORD",
            },
            "DACS_SFTP": {
                "transport": "sftp",
                "host": "127.0.0.1",
                "port": 2222,
                "username": "dacs",
                "private_key_file": str(tmp_path / "dacs"),
                "known_host_key": "ssh-ed25519 AAAA…",
                "directory": "/drop",
            },
            "DACS_FTP": {
                "transport": "ftp",
                "host": "127.0.0.1",
                "port": 2121,
                "username": "dacs",
                "password_env": "FTP_PASSWORD",
                "directory": "/",
            },
            "DACS_OS": {
                "transport": "object_storage",
                "base_url": "http://127.0.0.1:9003",
                "key_id": "tenancy/user/fingerprint",
                "private_key_file": str(tmp_path / "dacs"),
                "namespace": "ns",
            },
            "MAIL": {"transport": "email", "host": "127.0.0.1", "port": 1025},
        }
        changes = apply_connections(section=section, by=None, at=NOW, environ=environ)

        assert {change.name: (change.outcome, change.note) for change in changes} == {
            "DACS": ("created", ""),
            "DERMS": ("created", ""),
            "DACS_SFTP": ("created", ""),
            "DACS_FTP": ("created", ""),
            "DACS_OS": ("created", ""),
            "MAIL": ("created", ""),
        }
        dacs = Connection.objects.get(name="DACS")
        assert (dacs.username, dacs.password, dacs.target_release) == ("OICUSER", "one", "23A")
        assert Connection.objects.get(name="DACS_SFTP").private_key.startswith("-----BEGIN OPENSSH PRIVATE KEY-----\n")
        with pytest.raises(ConnectionNotUsable, match="uses sftp, not rest"):
            rest.client(Connection.objects.get(name="DACS_SFTP"))
        assert {change.outcome for change in apply_connections(section=section, at=NOW, environ=environ)} == {
            "unchanged"
        }
        assert Connection.history.count() == 6

    def test_what_a_document_does_not_name_stays(self, environ: dict[str, str]) -> None:
        apply_connections(
            section={"DACS": {"base_url": "http://127.0.0.1:1", "username": "u", "password_env": "DACS_PASSWORD"}},
            at=NOW,
            environ=environ,
        )
        (change,) = apply_connections(section={"DACS": {"read_timeout": 0.5}}, at=NOW, environ=environ)
        assert (change.outcome, change.fields) == ("changed", ("read_timeout",))
        dacs = Connection.objects.get()
        assert (dacs.username, dacs.password, dacs.read_timeout) == ("u", "one", Decimal("0.50"))

    @pytest.mark.parametrize(
        ("values", "pointer", "code", "message"),
        [
            ({"base_ulr": "x"}, "/DACS/base_ulr", "unknown_key", "base_ulr is not a known key; known are base_url"),
            ({"password": "x"}, "/DACS/password", "secret_in_document", "password_env"),
            ({"private_key": "x"}, "/DACS/private_key", "secret_in_document", "private_key_file"),
            ({"password_env": "NOT_THERE"}, "/DACS/password_env", "missing_variable", "NOT_THERE"),
            ({"password_env": "EMPTY"}, "/DACS/password_env", "missing_variable", "EMPTY"),
            ({"password_file": "/nowhere/key"}, "/DACS/password_file", "missing_file", "/nowhere/key"),
            ({"transport": "telnet"}, "/DACS/transport", "invalid", "one of rest, sftp"),
            ({"port": "80"}, "/DACS/port", "invalid", "whole number"),
            ({"read_timeout": "x"}, "/DACS/read_timeout", "invalid", "number"),
            ({"read_timeout": float("nan")}, "/DACS/read_timeout", "invalid", "finite"),
            ({"read_timeout": 301}, "/DACS/read_timeout", "invalid", "300"),
            ({"enabled": "yes"}, "/DACS/enabled", "invalid", "true or false"),
            ({"target_release": 23}, "/DACS/target_release", "invalid", "between quotes"),
            ({"options": {"health": "x"}}, "/DACS/options/health", "invalid", "not a known option"),
            ({"base_url": "http://10.0.0.1"}, "/DACS/base_url", "not_allowed", "OUTBOUND_ALLOWED_NETWORKS"),
        ],
    )
    def test_what_is_wrong_is_named_and_nothing_is_applied(
        self, environ: dict[str, str], values: dict[str, Any], pointer: str, code: str, message: str
    ) -> None:
        section = {"GOOD": {"base_url": "http://127.0.0.1:1"}, "DACS": {"base_url": "http://127.0.0.1:1", **values}}
        with pytest.raises(UnableToApplyConfiguration) as caught:
            apply_connections(section=section, at=NOW, environ=environ)
        (error,) = caught.value.errors
        assert (error["pointer"], error["code"]) == (pointer, code)
        assert message in error["message"]
        assert not Connection.objects.exists()

    def test_all_errors_are_named_at_once(self, environ: dict[str, str]) -> None:
        section = {"A": {"x": 1, "y": 2}, "B": 5}
        with pytest.raises(UnableToApplyConfiguration) as caught:
            apply_connections(section=section, at=NOW, environ=environ)
        assert [error["pointer"] for error in caught.value.errors] == ["/A/x", "/A/y", "/B"]

    def test_a_dry_run_says_what_would_change_and_changes_nothing(self, environ: dict[str, str]) -> None:
        section = {"DACS": {"base_url": "http://127.0.0.1:1"}}
        (change,) = apply_connections(section=section, at=NOW, environ=environ, dry_run=True)
        assert str(change) == "connection DACS: created"
        assert not Connection.objects.exists()

    def test_a_secret_file_loses_its_last_line_break(self, tmp_path: Path) -> None:
        (tmp_path / "word").write_text(" p w \n")
        section = {"DACS": {"base_url": "http://127.0.0.1:1", "password_file": str(tmp_path / "word")}}
        apply_connections(section=section, at=NOW)
        assert Connection.objects.get().password == " p w "

    def test_a_section_that_is_no_mapping_is_refused(self) -> None:
        with pytest.raises(UnableToApplyConfiguration, match="mapping of names"):
            apply_connections(section=["DACS"], at=NOW)  # type: ignore[arg-type]


class TestApplyParameters:
    def test_sets_what_is_named_exactly(self) -> None:
        changes = apply_parameters(section={"MAX_RETRIES": 0, "RETRY_BASE_SECONDS": 0.25}, at=NOW)
        assert [change.outcome for change in changes] == ["created", "created"]
        assert queries.parameter("MAX_RETRIES") == 0
        assert queries.parameter("RETRY_BASE_SECONDS") == Decimal("0.25")
        assert queries.parameter("RETRY_CAP_SECONDS") == 900

    def test_what_is_wrong_is_named_and_nothing_is_applied(self) -> None:
        with pytest.raises(UnableToApplyConfiguration) as caught:
            apply_parameters(section={"MAX_RETRIES": 5, "MAX_RETRYS": 5, "BREAKER_FAILURES": 0}, at=NOW)
        assert [(error["pointer"], error["code"]) for error in caught.value.errors] == [
            ("/MAX_RETRYS", "unknown"),
            ("/BREAKER_FAILURES", "invalid"),
        ]
        assert not Parameter.objects.exists()

    def test_a_dry_run_changes_nothing(self) -> None:
        (change,) = apply_parameters(section={"MAX_RETRIES": 5}, at=NOW, dry_run=True)
        assert change.outcome == "created"
        assert not Parameter.objects.exists()


class TestInstallDefaults:
    def test_stores_what_is_missing_and_never_overwrites_a_site_s_value(self) -> None:
        apply_parameters(section={"MAX_RETRIES": 7}, at=NOW)
        shipped = len(DECLARED) - 1 + len(SHIPPED_SYSTEMS) + len(SHIPPED_TYPES)
        assert len(install_defaults(at=NOW)) == shipped
        assert install_defaults(at=NOW) == []
        assert queries.parameter("MAX_RETRIES") == 7
        assert Parameter.objects.count() == len(DECLARED)
