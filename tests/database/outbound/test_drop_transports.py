"""What SFTP, FTP and FTP with explicit TLS have in common, each against a real server."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from outbound.choices import BreakerState
from outbound.models import ConnectionHealth
from outbound.operations.connection_tests import test_connection
from outbound.transports.base import (
    CircuitOpen,
    ConnectionBusy,
    CredentialsRefused,
    TargetBroke,
    TargetNotAllowed,
    TargetTimedOut,
    TargetUnreachable,
)
from outbound.transports.store import FileChanged, FileVanished, NameTaken, UnsafeName, open_store
from tests.database.outbound.drops import RunningDrop, ftp_drop, sftp_drop
from tests.factories.outbound import NOW


pytestmark = pytest.mark.django_db

MEGABYTE = 1024 * 1024
TRAVERSALS = [
    "../../etc/passwd",
    "a/b",
    "/etc/passwd",
    "..\\x",
    "..",
    ".",
    "",
    "a\rb",
    "a\r\nDELE b",
    "a\nb",
    "a\0b",
    "x" * 300,
    "a\u202eb",
]


@pytest.fixture(params=["sftp", "ftp", "ftps"])
def drop(request: pytest.FixtureRequest, tmp_path: Path, authority: trustme.CA) -> Iterator[RunningDrop]:
    """A drop whose connection speaks one of the three."""
    with contextlib.ExitStack() as stack:
        if request.param == "sftp":
            running = stack.enter_context(sftp_drop(tmp_path))
        elif request.param == "ftp":
            running = stack.enter_context(ftp_drop(tmp_path))
        else:
            certificate = tmp_path / "server.pem"
            issued = authority.issue_cert("localhost", "127.0.0.1")
            issued.private_key_and_cert_chain_pem.write_to_path(str(certificate))
            running = stack.enter_context(ftp_drop(tmp_path / "files", certificate=certificate, require_tls=True))
            running.settings = {"transport": "ftps", "ca_bundle": authority.cert_pem.bytes().decode()}
        yield running


def _health() -> ConnectionHealth:
    return ConnectionHealth.objects.get()


class TestOpen:
    def test_a_login_is_an_answer(self, drop: RunningDrop) -> None:
        with open_store(drop.connection()) as store:
            assert "DACS_FILES" in repr(store)
        assert _health().last_success_at is not None

    def test_a_wrong_password_pauses_the_connection_at_once(self, drop: RunningDrop) -> None:
        connection = drop.connection(password="canary-wrong")
        with pytest.raises(CredentialsRefused, match="refused the login of dacs") as refused:
            open_store(connection)
        assert "canary" not in str(refused.value)
        assert (_health().state, _health().credentials_refused) == (BreakerState.OPEN, True)
        with pytest.raises(CircuitOpen):
            open_store(connection)

    def test_a_port_where_nobody_listens_is_unreachable(self, drop: RunningDrop) -> None:
        with pytest.raises(TargetUnreachable):
            open_store(drop.connection(port=1))
        assert _health().consecutive_failures == 1

    def test_an_address_that_may_not_be_called_is_not(self, drop: RunningDrop, settings: Any) -> None:
        connection = drop.connection()
        settings.OUTBOUND_ALLOWED_NETWORKS = []
        with pytest.raises(TargetNotAllowed):
            open_store(connection)

    def test_a_server_that_says_nothing_is_given_up_at_the_deadline(self, drop: RunningDrop) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            connection = drop.connection(port=silent.getsockname()[1], read_timeout="0.5")
            with pytest.raises(TargetTimedOut):
                open_store(connection)


class TestLimits:
    def test_logins_at_once_are_limited_but_a_persons_test_is_not(self, drop: RunningDrop) -> None:
        connection = drop.connection(max_concurrency=1, read_timeout="1")
        with open_store(connection):
            with pytest.raises(ConnectionBusy):
                open_store(connection)
            open_store(connection, by_hand=True).close()
        open_store(connection).close()
        assert _health().consecutive_failures == 0

    def test_a_closed_store_says_so_and_may_be_closed_again(self, drop: RunningDrop) -> None:
        store = open_store(drop.connection())
        store.close()
        store.close()
        with pytest.raises(TargetBroke, match="has ended"):
            store.list()


class TestList:
    def test_gives_the_files_of_the_prefix_oldest_first(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_2.csv", b"22", age=10)
        drop.put("SDCSE_1.csv", b"1", age=5)
        drop.put("Sent-SDCSE_0.csv", b"")
        (drop.inbox / "SDCSE_dir").mkdir()
        with open_store(drop.connection()) as store:
            found = store.list("SDCSE")
        assert [(file.name, file.size) for file in found] == [("SDCSE_2.csv", 2), ("SDCSE_1.csv", 1)]

    def test_unsafe_names_are_left_out(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_ok", b"")
        for name in (b"SDCSE_\\x", "SDCSE_\u202e".encode()):
            Path(os.fsdecode(os.fsencode(drop.inbox) + b"/" + name)).write_bytes(b"")
        with open_store(drop.connection()) as store:
            assert [file.name for file in store.list("SDCSE")] == ["SDCSE_ok"]


class TestTransfer:
    def test_twenty_megabytes_go_up_and_down_in_constant_memory(self, drop: RunningDrop) -> None:
        block = os.urandom(MEGABYTE)
        expected = hashlib.sha256(block * 20).hexdigest()
        with open_store(drop.connection(read_timeout=60)) as store:
            store.put("SDCSE_big.csv", (block for _ in range(20)), 20 * MEGABYTE)
            seen = hashlib.sha256()
            tracemalloc.start()
            for chunk in store.open_read("SDCSE_big.csv"):
                seen.update(chunk)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()

        assert seen.hexdigest() == expected
        assert drop.names() == ["SDCSE_big.csv"]
        assert peak < 8 * MEGABYTE

    def test_an_empty_file_is_a_file(self, drop: RunningDrop) -> None:
        with open_store(drop.connection()) as store:
            store.put("empty", [])
            assert list(store.open_read("empty")) == []

    def test_a_connection_cut_in_the_middle_gives_no_whole_file(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_1.csv", os.urandom(2 * MEGABYTE))
        drop.faults.add({"match": {"method": "GET"}, "half_answer": True})
        got: list[bytes] = []
        with open_store(drop.connection()) as store, pytest.raises(TargetBroke):
            got.extend(store.open_read("SDCSE_1.csv"))
        assert sum(map(len, got)) < 2 * MEGABYTE
        assert _health().consecutive_failures == 1

    def test_a_transfer_that_is_given_up_leaves_the_session_usable(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_1.csv", os.urandom(4 * MEGABYTE))
        with open_store(drop.connection()) as store:
            chunks = store.open_read("SDCSE_1.csv")
            next(chunks)
            chunks.close()  # type: ignore[attr-defined]
            assert [file.name for file in store.list()] == ["SDCSE_1.csv"]

    def test_a_file_that_is_gone_has_vanished_and_the_session_goes_on(self, drop: RunningDrop) -> None:
        with open_store(drop.connection()) as store:
            with pytest.raises(FileVanished, match="SDCSE_1"):
                store.open_read("SDCSE_1.csv")
            assert store.list() == []
        assert _health().consecutive_failures == 0

    def test_a_source_that_fails_leaves_nothing_behind(self, drop: RunningDrop) -> None:
        def source() -> Iterator[bytes]:
            yield b"x" * 100_000
            raise RuntimeError("the source broke")

        with open_store(drop.connection()) as store, pytest.raises(RuntimeError, match="the source broke"):
            store.put("SDCSE_1.csv", source())
        assert drop.names() == []

    def test_a_new_file_replaces_none(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_1.csv", b"old")
        with open_store(drop.connection()) as store, pytest.raises(NameTaken):
            store.put("SDCSE_1.csv", [b"new"])
        assert (drop.names(), (drop.inbox / "SDCSE_1.csv").read_bytes()) == (["SDCSE_1.csv"], b"old")


class TestRename:
    def test_gives_the_file_its_new_name(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_1.csv", b"1")
        with open_store(drop.connection()) as store:
            (file,) = store.list("SDCSE")
            store.rename(file.name, f"Sent-{file.name}", if_etag=file.etag)
        assert drop.names() == ["Sent-SDCSE_1.csv"]

    def test_overwrites_nothing(self, drop: RunningDrop) -> None:
        drop.put("a", b"1")
        drop.put("b", b"2")
        with open_store(drop.connection()) as store, pytest.raises(NameTaken, match="'b' already"):
            store.rename("a", "b")
        assert [(drop.inbox / name).read_bytes() for name in drop.names()] == [b"1", b"2"]

    def test_another_file_of_the_name_is_left_alone(self, drop: RunningDrop) -> None:
        drop.put("a", b"1")
        with open_store(drop.connection()) as store:
            (file,) = store.list("a")
            drop.put("a", b"other")
            with pytest.raises(FileChanged):
                store.rename("a", "b", if_etag=file.etag)
        assert drop.names() == ["a"]

    def test_a_file_that_is_gone_has_vanished(self, drop: RunningDrop) -> None:
        with open_store(drop.connection()) as store, pytest.raises(FileVanished):
            store.rename("a", "b")


class TestNames:
    def test_nothing_but_a_label_is_a_name(self, drop: RunningDrop) -> None:
        drop.put("a", b"1")
        before = sorted(drop.drop.root.rglob("*"))
        with open_store(drop.connection()) as store:
            for name in TRAVERSALS:
                for attempt in (
                    lambda name=name: store.open_read(name),
                    lambda name=name: store.put(name, [b"x"]),
                    lambda name=name: store.rename("a", name),
                    lambda name=name: store.rename(name, "b"),
                ):
                    with pytest.raises(UnsafeName) as refused:
                        attempt()
                    assert "\n" not in str(refused.value)
        assert sorted(drop.drop.root.rglob("*")) == before


class TestTestConnection:
    def test_a_wrong_password_pauses_nothing_and_says_what_to_do(self, drop: RunningDrop) -> None:
        drop.connection(password="wrong")
        outcome = test_connection(name="DACS_FILES", by=None, at=NOW)
        assert (outcome.ok, outcome.advice) == (False, "Check user name and password.")
        assert _health().state == BreakerState.CLOSED

    def test_a_good_test_closes_the_breaker(self, drop: RunningDrop) -> None:
        drop.connection()
        ConnectionHealth.objects.update(state=BreakerState.OPEN, opened_at=NOW, credentials_refused=True)
        assert test_connection(name="DACS_FILES", by=None, at=NOW).ok is True
        assert _health().state == BreakerState.CLOSED
