"""Object storage against a server that verifies every signature."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from outbound.choices import BreakerState
from outbound.models import ConnectionHealth
from outbound.operations.connection_tests import test_connection
from outbound.transports import object_storage as transport
from outbound.transports.base import (
    AnswerUnreadable,
    ConnectionNotUsable,
    CredentialsRefused,
    TargetBroke,
    TargetNotAllowed,
    TransportError,
)
from outbound.transports.store import FileChanged, FileVanished, NameTaken, RemoteFile, UnsafeName, open_store
from sandbox.objects import Objects
from sandbox.server import PeerServer
from tests.database.outbound.drops import object_connection, object_storage, pem, signing_key
from tests.factories.outbound import NOW


pytestmark = pytest.mark.django_db

MEGABYTE = 1024 * 1024
AT = dt.datetime(2024, 3, 10, 12, 0, tzinfo=dt.UTC)


@pytest.fixture
def running() -> Iterator[tuple[Objects, PeerServer]]:
    with object_storage() as started:
        yield started


@pytest.fixture
def objects(running: tuple[Objects, PeerServer]) -> Objects:
    return running[0]


@pytest.fixture
def server(running: tuple[Objects, PeerServer]) -> PeerServer:
    return running[1]


def _put(objects: Objects, name: str, content: bytes = b"1", *, age: int = 0) -> str:
    return objects.store("scores", name, content, at=AT - dt.timedelta(seconds=age)).etag


def _names(objects: Objects) -> list[str]:
    return sorted(objects.buckets.get("scores", {}))


class TestOpen:
    def test_asks_for_the_namespace_only_when_it_is_not_configured(self, server: PeerServer) -> None:
        with open_store(object_connection(server, namespace="")) as store:
            assert store.list() == []
        assert [entry["path"].partition("?")[0] for entry in server.log.entries()] == ["/n/", "/n/ns/b/scores/o"]

    def test_a_wrong_key_is_a_refusal_of_the_credentials(self, server: PeerServer) -> None:
        connection = object_connection(server, private_key=pem(signing_key("theirs")))
        with open_store(connection) as store, pytest.raises(CredentialsRefused, match="HTTP 401 NotAuthenticated"):
            store.list()
        health = ConnectionHealth.objects.get()
        assert (health.state, health.credentials_refused) == (BreakerState.OPEN, True)

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"enabled": False}, "switched off"),
            ({"key_id": ""}, "names no key id"),
            ({"key_id": 'a/b/c"'}, "names no key id"),
            ({"private_key": ""}, "no private key to sign with"),
            ({"private_key": "nonsense"}, "neither PEM nor OpenSSH"),
        ],
    )
    def test_an_incomplete_connection_says_what_is_missing(
        self, server: PeerServer, values: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ConnectionNotUsable, match=message):
            open_store(object_connection(server, **values))

    def test_signs_with_rsa_alone(self, server: PeerServer) -> None:
        other = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        with pytest.raises(ConnectionNotUsable, match="signed with an RSA key"):
            open_store(object_connection(server, private_key=other.decode()))

    def test_without_a_bucket_nothing_is_asked(self, server: PeerServer) -> None:
        with open_store(object_connection(server, directory="")) as store, pytest.raises(ConnectionNotUsable):
            store.list()
        assert server.log.total == 0

    def test_an_address_that_may_not_be_called_is_not(self, server: PeerServer, settings: Any) -> None:
        connection = object_connection(server)
        settings.OUTBOUND_ALLOWED_NETWORKS = []
        with open_store(connection) as store, pytest.raises(TargetNotAllowed):
            store.list()


class TestList:
    def test_gives_the_objects_of_the_prefix_oldest_first(self, server: PeerServer, objects: Objects) -> None:
        _put(objects, "SDCSE_1", b"1", age=1)
        etag = _put(objects, "SDCSE_2", b"22", age=2)
        _put(objects, "Sent-SDCSE_0")
        with open_store(object_connection(server)) as store:
            found = store.list("SDCSE")
        assert found[0] == RemoteFile("SDCSE_2", 2, AT - dt.timedelta(seconds=2), etag)
        assert [file.name for file in found] == ["SDCSE_2", "SDCSE_1"]

    def test_follows_the_pages_over_more_than_a_thousand(self, server: PeerServer, objects: Objects) -> None:
        for number in range(2_345):
            _put(objects, f"SDCSE_{number:04}", age=number)
        with open_store(object_connection(server)) as store:
            found = store.list("SDCSE")
        assert len(found) == 2_345
        assert (found[0].name, found[-1].name) == ("SDCSE_2344", "SDCSE_0000")
        assert server.log.total == 3

    def test_leaves_out_names_that_are_paths(self, server: PeerServer, objects: Objects) -> None:
        for name in ("SDCSE_ok", "SDCSE/../../x", "SDCSE\n", "SDCSE\\x", "SDCSE" + "x" * 300):
            _put(objects, name)
        with open_store(object_connection(server)) as store:
            assert [file.name for file in store.list("SDCSE")] == ["SDCSE_ok"]

    def test_pages_without_an_end_are_an_error(self, server: PeerServer) -> None:
        server.faults.add({"match": "/o", "body": {"objects": [], "nextStartWith": "a"}})
        with open_store(object_connection(server)) as store, pytest.raises(TargetBroke, match="without an end"):
            store.list()
        assert server.log.total == 2

    @pytest.mark.parametrize("body", [{"objects": "none"}, ["x"]])
    def test_another_document_is_an_error(self, server: PeerServer, body: Any) -> None:
        server.faults.add({"match": "/o", "body": body})
        with open_store(object_connection(server)) as store, pytest.raises(AnswerUnreadable):
            store.list()

    def test_a_missing_bucket_is_a_fault_of_the_connection(self, server: PeerServer) -> None:
        server.faults.add({"match": "/o", "status": 404, "body": {"code": "BucketNotFound"}})
        with (
            open_store(object_connection(server)) as store,
            pytest.raises(ConnectionNotUsable, match="no bucket scores"),
        ):
            store.list()

    def test_a_store_that_cannot_serve_is_a_remote_fault(self, server: PeerServer) -> None:
        server.faults.add({"match": "/o", "status": 503})
        with open_store(object_connection(server)) as store, pytest.raises(TargetBroke, match="HTTP 503"):
            store.list()
        assert ConnectionHealth.objects.get().consecutive_failures == 1


class TestTransfer:
    @pytest.mark.parametrize("size", [20 * MEGABYTE, None])
    def test_twenty_megabytes_go_up_and_down_in_constant_memory(
        self, server: PeerServer, objects: Objects, size: int | None
    ) -> None:
        block = os.urandom(MEGABYTE)
        with open_store(object_connection(server, read_timeout=60)) as store:
            store.put("SDCSE_big", (block for _ in range(20)), size)
            seen, largest = hashlib.sha256(), 0
            for chunk in store.open_read("SDCSE_big"):
                seen.update(chunk)
                largest = max(largest, len(chunk))
        assert seen.digest() == hashlib.sha256(block * 20).digest()
        assert largest <= 256 * 1024

    def test_reading_holds_no_more_than_some_chunks(self, server: PeerServer, objects: Objects) -> None:
        _put(objects, "SDCSE_big", os.urandom(8 * MEGABYTE))
        with open_store(object_connection(server)) as store:
            chunks = store.open_read("SDCSE_big")
            next(chunks)
            tracemalloc.start()
            total = sum(len(chunk) for chunk in chunks)
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
        assert total > 7 * MEGABYTE
        assert peak < 4 * MEGABYTE

    def test_a_name_is_sent_percent_encoded_and_signed_so(self, server: PeerServer, objects: Objects) -> None:
        with open_store(object_connection(server)) as store:
            store.put("a b+ü~%20", [b"content"])
            assert b"".join(store.open_read("a b+ü~%20")) == b"content"
        assert _names(objects) == ["a b+ü~%20"]

    def test_an_empty_object_is_an_object(self, server: PeerServer) -> None:
        with open_store(object_connection(server)) as store:
            store.put("empty", [], 0)
            assert list(store.open_read("empty")) == []

    def test_a_download_cut_in_the_middle_gives_no_whole_object(self, server: PeerServer, objects: Objects) -> None:
        _put(objects, "SDCSE_1", os.urandom(2 * MEGABYTE))
        server.faults.add({"match": "SDCSE_1", "half_answer": True})
        got: list[bytes] = []
        with open_store(object_connection(server)) as store, pytest.raises(TargetBroke):
            got.extend(store.open_read("SDCSE_1"))
        assert sum(map(len, got)) < 2 * MEGABYTE
        assert ConnectionHealth.objects.get().consecutive_failures == 1

    def test_content_that_does_not_match_its_digest_never_arrives_whole(
        self, server: PeerServer, objects: Objects
    ) -> None:
        _put(objects, "SDCSE_1", b"content")
        server.faults.add({"match": "SDCSE_1", "headers": {"Content-MD5": "AAAA"}})
        with open_store(object_connection(server)) as store, pytest.raises(TargetBroke, match="digest"):
            list(store.open_read("SDCSE_1"))

    def test_an_object_that_is_gone_has_vanished(self, server: PeerServer) -> None:
        with open_store(object_connection(server)) as store, pytest.raises(FileVanished):
            store.open_read("SDCSE_1")

    def test_a_source_that_fails_stores_nothing_and_blames_nobody(self, server: PeerServer, objects: Objects) -> None:
        def source() -> Iterator[bytes]:
            yield b"x" * 1000
            raise RuntimeError("the source broke")

        with open_store(object_connection(server)) as store, pytest.raises(RuntimeError, match="the source broke"):
            store.put("SDCSE_1", source(), 5_000)
        assert _names(objects) == []
        assert ConnectionHealth.objects.get().consecutive_failures == 0

    def test_a_new_object_replaces_none(self, server: PeerServer, objects: Objects) -> None:
        _put(objects, "a", b"old")
        with open_store(object_connection(server)) as store, pytest.raises(NameTaken):
            store.put("a", [b"new"])
        assert objects.buckets["scores"]["a"].content == b"old"


class TestRename:
    def test_sends_the_guards_and_gives_the_object_its_new_name(self, server: PeerServer, objects: Objects) -> None:
        etag = _put(objects, "SDCSE_1")
        with open_store(object_connection(server)) as store:
            (file,) = store.list("SDCSE")
            store.rename(file.name, f"Sent-{file.name}", if_etag=file.etag)
        assert _names(objects) == ["Sent-SDCSE_1"]
        assert requests.models.complexjson.loads(server.log.entries()[-1]["body"]) == {
            "sourceName": "SDCSE_1",
            "newName": "Sent-SDCSE_1",
            "srcObjIfMatchETag": etag,
            "newObjIfNoneMatchETag": "*",
        }

    @pytest.mark.parametrize("with_etag", [True, False])
    def test_overwrites_nothing(self, server: PeerServer, objects: Objects, with_etag: bool) -> None:
        etag = _put(objects, "a", b"1")
        _put(objects, "b", b"2")
        with open_store(object_connection(server)) as store, pytest.raises(NameTaken):
            store.rename("a", "b", if_etag=etag if with_etag else None)
        assert _names(objects) == ["a", "b"]

    def test_another_object_of_the_name_is_left_alone(self, server: PeerServer, objects: Objects) -> None:
        etag = _put(objects, "a", b"1")
        _put(objects, "a", b"other")
        with open_store(object_connection(server)) as store, pytest.raises(FileChanged):
            store.rename("a", "b", if_etag=etag)

    def test_an_object_that_is_gone_has_vanished(self, server: PeerServer) -> None:
        with open_store(object_connection(server)) as store, pytest.raises(FileVanished):
            store.rename("a", "b")

    @pytest.mark.parametrize("name", ["../x", "a/b", "", "..", "a\r\nb", "a\0"])
    def test_nothing_but_a_label_is_a_name(self, server: PeerServer, objects: Objects, name: str) -> None:
        _put(objects, "a")
        with open_store(object_connection(server)) as store:
            for attempt in (
                lambda: store.rename("a", name),
                lambda: store.rename(name, "b"),
                lambda: store.open_read(name),
                lambda: store.put(name, [b"x"]),
            ):
                with pytest.raises(UnsafeName):
                    attempt()
        assert (server.log.total, _names(objects)) == (0, ["a"])

    @pytest.mark.django_db(transaction=True)
    def test_of_several_at_once_exactly_one_wins(self, server: PeerServer, objects: Objects) -> None:
        etag = _put(objects, "a")
        store = open_store(object_connection(server, max_concurrency=4))
        store._client.breaker = _Silent()  # type: ignore[assignment]  # about the race alone
        outcomes: list[str] = []
        barrier = threading.Barrier(4)

        def work() -> None:
            barrier.wait()
            try:
                store.rename("a", "Sent-a", if_etag=etag)
                outcomes.append("renamed")
            except TransportError as error:
                outcomes.append(type(error).__name__)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(outcomes) == ["FileVanished", "FileVanished", "FileVanished", "renamed"]
        assert _names(objects) == ["Sent-a"]


class _Silent:
    def __getattr__(self, name: str) -> Any:
        return lambda *args, **values: None


class TestPool:
    def test_a_connection_has_one_client_and_a_new_key_another(self, server: PeerServer) -> None:
        connection = object_connection(server)
        first = transport.open(connection)._client
        again = transport.open(connection)._client
        connection.private_key = pem(signing_key("theirs"))
        assert first is again
        assert transport.open(connection)._client is not first


class TestTestConnection:
    def test_says_what_was_seen(self, server: PeerServer, objects: Objects) -> None:
        _put(objects, "a")
        _put(objects, "b")
        object_connection(server)
        outcome = test_connection(name="DACS_OS", by=None, at=NOW)
        assert outcome.ok is True
        assert [(step.name, step.seen) for step in outcome.steps[3:]] == [
            ("Namespace", "ns: the signature is accepted"),
            ("Bucket", "bucket scores: 2 objects"),
        ]

    def test_a_wrong_key_pauses_nothing_and_says_what_to_check(self, server: PeerServer) -> None:
        object_connection(server, private_key=pem(signing_key("theirs")))
        outcome = test_connection(name="DACS_OS", by=None, at=NOW)
        assert outcome.ok is False
        assert outcome.advice == "Check key id and private key, and the clock of this machine."
        assert ConnectionHealth.objects.get().state == BreakerState.CLOSED

    def test_without_a_bucket_the_signature_is_tried(self, server: PeerServer) -> None:
        object_connection(server, directory="", namespace="")
        outcome = test_connection(name="DACS_OS", by=None, at=NOW)
        assert outcome.ok is True
        assert "name a bucket" in outcome.summary
