"""What SFTP has of its own, against a real server; the rest is in `test_drop_transports`."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.db import connection as database

from outbound.models import ConnectionHealth
from outbound.operations.connection_tests import test_connection
from outbound.transports import sftp
from outbound.transports.base import (
    ConnectionNotUsable,
    CredentialsRefused,
    TargetTimedOut,
    TransportError,
)
from outbound.transports.store import (
    FileChanged,
    RemoteFile,
    StoreRefused,
    open_store,
)
from tests.database.outbound.drops import RunningDrop, sftp_drop, ssh_key
from tests.factories.outbound import NOW


pytestmark = pytest.mark.django_db

MEGABYTE = 1024 * 1024


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[RunningDrop]:
    with sftp_drop(tmp_path) as running:
        yield running


def _health() -> ConnectionHealth:
    return ConnectionHealth.objects.get()


class TestOpen:
    def test_logs_in_with_a_password(self, drop: RunningDrop) -> None:
        with open_store(drop.connection()) as store:
            assert repr(store) == "<SftpStore DACS_FILES>"
        assert _health().last_success_at is not None

    @pytest.mark.parametrize("kind", ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-nistp256"])
    @pytest.mark.parametrize("form", ["openssh", "pkcs8-pem"])
    def test_logs_in_with_a_private_key(self, tmp_path: Path, kind: str, form: str) -> None:
        key = ssh_key(kind)
        public = key.export_public_key().decode()
        with sftp_drop(tmp_path, authorized_key=public) as drop:
            connection = drop.connection(password="", private_key=key.export_private_key(form).decode())
            with open_store(connection) as store:
                assert store.list() == []

    def test_another_private_key_is_refused(self, tmp_path: Path) -> None:
        with sftp_drop(tmp_path, authorized_key=ssh_key("ssh-rsa").export_public_key().decode()) as drop:
            key = ssh_key("ecdsa-sha2-nistp256").export_private_key("openssh").decode()
            with pytest.raises(CredentialsRefused):
                open_store(drop.connection(password="", private_key=key))

    @pytest.mark.parametrize("form", [serialization.PrivateFormat.OpenSSH, serialization.PrivateFormat.PKCS8])
    def test_a_key_with_a_passphrase_is_refused_in_words(
        self, drop: RunningDrop, form: serialization.PrivateFormat
    ) -> None:
        locked = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(b"pass")
        )
        with pytest.raises(ConnectionNotUsable, match="protected by a passphrase"):
            open_store(drop.connection(private_key=locked.decode()))

    def test_another_host_key_is_refused_with_both_fingerprints_and_nothing_is_sent(self, drop: RunningDrop) -> None:
        other = ssh_key("ecdsa-sha2-nistp256")
        connection = drop.connection(known_host_key=other.export_public_key().decode())
        with pytest.raises(sftp.HostKeyRefused) as refused:
            open_store(connection)
        assert other.get_fingerprint() in str(refused.value)
        assert ssh_key().get_fingerprint() in str(refused.value)
        assert "Nothing was sent" in str(refused.value)

    def test_one_of_several_known_keys_is_enough(self, drop: RunningDrop) -> None:
        other = ssh_key("ssh-rsa").export_public_key().decode().strip()
        known = f"# two\n{other}\n[127.0.0.1]:{drop.port} {drop.host_key} comment\n"
        with open_store(drop.connection(known_host_key=known)) as store:
            assert isinstance(store, sftp.SftpStore)
            assert store.host_key == f"ssh-ed25519 {ssh_key().get_fingerprint()}"

    @pytest.mark.parametrize("known", ["nonsense", "ssh-ed25519 A", "ssh-ed25519 QUFBQQ=="])
    def test_a_known_host_key_that_is_none_is_refused(self, drop: RunningDrop, known: str) -> None:
        with pytest.raises(ConnectionNotUsable, match="known host key cannot be read"):
            open_store(drop.connection(known_host_key=known))

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"enabled": False}, "switched off"),
            ({"username": ""}, "names no user"),
            ({"password": ""}, "neither a password nor a private key"),
            ({"directory": "a\nb"}, "no place in a path"),
        ],
    )
    def test_an_incomplete_connection_says_what_is_missing(
        self, drop: RunningDrop, values: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ConnectionNotUsable, match=message):
            open_store(drop.connection(**values))


class TestList:
    def test_tells_size_time_and_etag_of_each_file(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_2.csv", b"22", age=10)
        drop.put("SDCSE_1.csv", b"1", age=5)
        drop.put("SDCSE_3.csv.filepart", b"333", age=1)
        drop.put("Sent-SDCSE_0.csv", b"")
        with open_store(drop.connection()) as store:
            found = store.list("SDCSE")

        modified = dt.datetime.fromtimestamp(1_700_000_000 - 10, dt.UTC)
        assert found[0] == RemoteFile("SDCSE_2.csv", 2, modified, "2-1699999990")
        assert [(file.name, file.size, file.is_partial) for file in found] == [
            ("SDCSE_2.csv", 2, False),
            ("SDCSE_1.csv", 1, False),
            ("SDCSE_3.csv.filepart", 3, True),
        ]

    def test_leaves_out_links_directories_and_unsafe_names(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_ok", b"")
        (drop.inbox / "SDCSE_dir").mkdir()
        (drop.inbox / "SDCSE_link").symlink_to("/etc/passwd")
        for name in (b"SDCSE_\n", b"SDCSE_\xff", "SDCSE_\u202e".encode(), b"SDCSE_\\x"):
            (Path(os.fsdecode(os.fsencode(drop.inbox) + b"/" + name))).write_bytes(b"")
        with open_store(drop.connection()) as store:
            assert [file.name for file in store.list("SDCSE")] == ["SDCSE_ok"]

    def test_a_missing_directory_is_a_fault_of_the_connection(self, drop: RunningDrop) -> None:
        with (
            open_store(drop.connection(), directory="/nowhere") as store,
            pytest.raises(ConnectionNotUsable, match="no directory /nowhere"),
        ):
            store.list()


class TestTransfer:
    def test_a_file_that_grows_meanwhile_never_arrives_whole(self, drop: RunningDrop) -> None:
        path = drop.put("SDCSE_1.csv", b"x" * MEGABYTE)
        with open_store(drop.connection()) as store:
            chunks = store.open_read("SDCSE_1.csv")
            got = [next(chunks)]
            with path.open("ab") as growing:
                growing.write(b"more")
            with pytest.raises(FileChanged):
                got.extend(chunks)
        assert sum(map(len, got)) < MEGABYTE

    def test_a_link_is_not_followed(self, drop: RunningDrop) -> None:
        (drop.inbox / "SDCSE_link").symlink_to("/etc/passwd")
        with open_store(drop.connection()) as store, pytest.raises(StoreRefused, match="no plain file"):
            store.open_read("SDCSE_link")

    def test_a_refusal_of_the_server_is_told(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_1.csv", b"x")
        drop.faults.add({"match": {"method": "GET"}, "status": 403, "body": "Not yours"})
        with open_store(drop.connection()) as store, pytest.raises(StoreRefused):
            store.open_read("SDCSE_1.csv")

    def test_a_server_that_does_not_answer_is_given_up_at_the_deadline(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_1.csv", b"x")
        drop.faults.add({"match": {"method": "GET"}, "delay_seconds": 3})
        with open_store(drop.connection(read_timeout="0.5")) as store, pytest.raises(TargetTimedOut):
            store.open_read("SDCSE_1.csv")


class TestRename:
    def test_of_several_at_once_exactly_one_wins(self, drop: RunningDrop) -> None:
        connection = drop.connection(max_concurrency=10)
        for number in range(4):
            drop.put(f"a{number}", b"%d" % number)
        stores = [open_store(connection) for _ in range(4)]
        outcomes: list[str] = []
        barrier = threading.Barrier(4)

        def work(number: int) -> None:
            barrier.wait()
            try:
                stores[number].rename(f"a{number}", "Sent-a")
                outcomes.append("renamed")
            except TransportError as error:
                outcomes.append(type(error).__name__)
            finally:
                database.close()

        for store in stores:
            store._breaker = _Silent()  # type: ignore[attr-defined]  # threads do not share the test's transaction
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for store in stores:
            store.close()

        assert sorted(outcomes) == ["NameTaken", "NameTaken", "NameTaken", "renamed"]
        assert len(drop.names()) == 4


class _Silent:
    def __getattr__(self, name: str) -> Any:
        return lambda *args, **values: None


class TestNames:
    @pytest.mark.parametrize("name", ["-rf", "a b", "Ünïcode.csv", "a\uff0fb", "..a", "x" * 255])
    def test_odd_labels_are_labels(self, drop: RunningDrop, name: str) -> None:
        drop.put(name, b"1")
        with open_store(drop.connection()) as store:
            assert [file.name for file in store.list()] == [name]
            assert b"".join(store.open_read(name)) == b"1"


class TestTestConnection:
    def test_says_what_was_seen(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_1.csv", b"1")
        drop.connection()
        outcome = test_connection(name="DACS_FILES", by=None, at=NOW)

        assert (outcome.ok, outcome.advice) == (True, "")
        assert [(step.name, step.ok) for step in outcome.steps] == [
            ("Address", True),
            ("Host key", True),
            ("Login", True),
            ("Directory", True),
        ]
        assert outcome.steps[1].seen == f"ssh-ed25519 {ssh_key().get_fingerprint()}, the known one"
        assert outcome.steps[3].seen == "/drop: 1 file"

    def test_another_host_key_says_what_to_do(self, drop: RunningDrop) -> None:
        drop.connection(known_host_key=ssh_key("ssh-rsa").export_public_key().decode())
        outcome = test_connection(name="DACS_FILES", by=None, at=NOW)

        assert outcome.ok is False
        assert ssh_key().get_fingerprint() in outcome.summary
        assert "ask the server's operators" in outcome.advice
