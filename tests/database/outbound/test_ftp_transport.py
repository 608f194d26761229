"""What FTP and FTPS have of their own, against a real server; the rest is in `test_drop_transports`."""

from __future__ import annotations

import contextlib
import datetime as dt
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from outbound.operations.connection_tests import test_connection
from outbound.transports.base import (
    ConnectionNotUsable,
    TargetTimedOut,
    TargetUnreachable,
)
from outbound.transports.ftp import FtpStore
from outbound.transports.store import (
    FileChanged,
    NameTaken,
    RemoteFile,
    StoreRefused,
    open_store,
)
from tests.database.outbound.drops import RunningDrop, ftp_drop
from tests.factories.outbound import NOW


pytestmark = pytest.mark.django_db

MEGABYTE = 1024 * 1024


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[RunningDrop]:
    with ftp_drop(tmp_path) as running:
        yield running


@pytest.fixture
def secure_drop(tmp_path: Path, authority: trustme.CA) -> Iterator[RunningDrop]:
    certificate = tmp_path / "server.pem"
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    with ftp_drop(tmp_path / "files", certificate=certificate, require_tls=True) as running:
        yield running


class TestOpen:
    def test_logs_in(self, drop: RunningDrop) -> None:
        with open_store(drop.connection()) as store:
            assert isinstance(store, FtpStore)
            assert store.tls_version == ""

    def test_a_missing_directory_is_a_fault_of_the_connection(self, drop: RunningDrop) -> None:
        with pytest.raises(ConnectionNotUsable, match="no directory /nowhere"):
            open_store(drop.connection(), directory="/nowhere")

    def test_a_server_that_never_ends_a_line_is_given_up_at_the_deadline(self, drop: RunningDrop) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            stop = threading.Event()

            def drip() -> None:
                sock, _ = listening.accept()
                with sock:
                    while not stop.wait(0.1):
                        sock.sendall(b"2")

            thread = threading.Thread(target=drip)
            thread.start()
            connection = drop.connection(port=listening.getsockname()[1], read_timeout="0.6")
            with pytest.raises(TargetTimedOut):
                open_store(connection)
            stop.set()
            thread.join()


class TestSecured:
    def test_both_channels_are_encrypted_and_verified(self, secure_drop: RunningDrop, authority_pem: str) -> None:
        connection = secure_drop.connection(transport="ftps", ca_bundle=authority_pem)
        with open_store(connection) as store:
            assert isinstance(store, FtpStore)
            assert store.tls_version.startswith("TLSv1.")
            store.put("SDCSE_1.csv", [b"content"])
            assert [file.name for file in store.list()] == ["SDCSE_1.csv"]
            assert b"".join(store.open_read("SDCSE_1.csv")) == b"content"

    def test_a_certificate_of_an_unknown_authority_is_refused(self, secure_drop: RunningDrop) -> None:
        connection = secure_drop.connection(transport="ftps")
        with pytest.raises(TargetUnreachable, match="certificate is refused"):
            open_store(connection)

    def test_plain_ftp_is_not_taken_for_ftps(self, drop: RunningDrop) -> None:
        with pytest.raises(ConnectionNotUsable, match="offers no explicit TLS"):
            open_store(drop.connection(transport="ftps"))
        assert drop.drop.operations == []


class TestList:
    def test_tells_size_time_and_etag_of_each_file(self, drop: RunningDrop) -> None:
        drop.put("SDCSE_2.csv", b"22", age=10)
        drop.put("SDCSE_1.csv", b"1", age=5)
        drop.put("Sent-SDCSE_0.csv", b"")
        (drop.inbox / "SDCSE_dir").mkdir()
        with open_store(drop.connection()) as store:
            found = store.list("SDCSE")
        assert found[0] == RemoteFile(
            "SDCSE_2.csv", 2, dt.datetime.fromtimestamp(1_700_000_000 - 10, dt.UTC), "2-20231114221310"
        )
        assert [file.name for file in found] == ["SDCSE_2.csv", "SDCSE_1.csv"]

    def test_a_server_without_mlsd_is_asked_one_by_one(
        self, drop: RunningDrop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from pyftpdlib.handlers.ftp.control import proto_cmds

        for command in ("MLSD", "MLST"):
            monkeypatch.delitem(proto_cmds, command)
        drop.put("SDCSE_2.csv", b"22", age=10)
        drop.put("SDCSE_1.csv", b"1", age=5)
        (drop.inbox / "SDCSE_dir").mkdir()
        with open_store(drop.connection()) as store:
            found = store.list("SDCSE")
            store.rename("SDCSE_2.csv", "Sent-SDCSE_2.csv", if_etag=found[0].etag)
            with pytest.raises(NameTaken):
                store.rename("SDCSE_1.csv", "Sent-SDCSE_2.csv")
        assert [(file.name, file.size) for file in found] == [("SDCSE_2.csv", 2), ("SDCSE_1.csv", 1)]
        assert drop.names() == ["SDCSE_1.csv", "SDCSE_dir", "Sent-SDCSE_2.csv"]


class TestTransfer:
    def test_the_address_of_the_data_connection_is_never_the_servers_word(self, drop: RunningDrop) -> None:
        drop.put("a", b"1")
        with open_store(drop.connection()) as store:
            assert isinstance(store, FtpStore)
            told = store._client().sendcmd
            store._client().sendcmd = (  # type: ignore[method-assign]
                lambda command: (
                    told(command).replace("127,0,0,1", "169,254,169,254") if command == "PASV" else told(command)
                )
            )
            assert b"".join(store.open_read("a")) == b"1"

    def test_a_file_that_grows_meanwhile_never_arrives_whole(
        self, drop: RunningDrop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        drop.put("SDCSE_1.csv", b"x" * MEGABYTE)
        with open_store(drop.connection()) as store:
            # As if it had been shorter when its size was asked for.
            monkeypatch.setattr(FtpStore, "_size", lambda *_: MEGABYTE - 10)
            with pytest.raises(FileChanged, match="grew while it was read"):
                list(store.open_read("SDCSE_1.csv"))

    def test_a_refusal_of_the_server_is_told(self, drop: RunningDrop) -> None:
        drop.faults.add({"match": {"method": "PUT"}, "status": 552, "body": "The disk is full"})
        with open_store(drop.connection()) as store, pytest.raises(StoreRefused, match="552 The disk is full"):
            store.put("SDCSE_1.csv", [b"x"])


def _scripted(listening: socket.socket, data: socket.socket, stop: threading.Event) -> None:
    """A server that agrees to everything, names a data port, and then sends a byte now and then for ever."""
    sock, _ = listening.accept()
    port = data.getsockname()[1]
    replies = {"USER": "331 go on", "PASS": "230 in", "PASV": f"227 at (10,0,0,1,{port // 256},{port % 256})"}
    with sock, sock.makefile("r", newline="") as lines:
        sock.sendall(b"220 hello\r\n")
        for line in lines:
            command = line.split()[0]
            if command in ("MLSD", "RETR"):
                sock.sendall(b"150 here\r\n")
                break
            sock.sendall((replies.get(command) or ("213 1000" if command == "SIZE" else "200 ok")).encode() + b"\r\n")
        channel, _ = data.accept()
        with channel, contextlib.suppress(OSError):
            while not stop.wait(0.05):
                channel.sendall(b"x")


class TestServersThatDrip:
    @pytest.mark.parametrize("ask", ["list", "read"])
    def test_are_given_up_at_the_deadline(self, drop: RunningDrop, ask: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_server(("127.0.0.1", 0)) as data:
            stop = threading.Event()
            thread = threading.Thread(target=_scripted, args=(listening, data, stop))
            thread.start()
            store = open_store(drop.connection(port=listening.getsockname()[1], read_timeout="0.6"))
            started = time.monotonic()
            with pytest.raises(TargetTimedOut):
                store.list() if ask == "list" else list(store.open_read("a"))
            stop.set()
            thread.join()
            store.close()
        assert time.monotonic() - started < 12


class TestTestConnection:
    def test_says_what_was_seen(self, drop: RunningDrop) -> None:
        drop.connection()
        outcome = test_connection(name="DACS_FILES", by=None, at=NOW)
        assert outcome.ok is True
        assert [(step.name, step.seen) for step in outcome.steps[1:]] == [
            ("TLS", "none: this is plain FTP, password and files travel in clear"),
            ("Login", "logged in as dacs"),
            ("Directory", "/drop: 0 files"),
        ]

    def test_names_the_tls_of_a_secured_server(self, secure_drop: RunningDrop, authority_pem: str) -> None:
        secure_drop.connection(transport="ftps", ca_bundle=authority_pem)
        outcome = test_connection(name="DACS_FILES", by=None, at=NOW)
        assert outcome.steps[1].seen.startswith("TLSv1.")
