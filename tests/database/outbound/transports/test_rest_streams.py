"""Streamed bodies of the REST client."""

from __future__ import annotations

import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest

from outbound.models import ConnectionHealth
from outbound.transports import rest
from outbound.transports.base import TargetBroke, TargetRedirected, TargetTimedOut
from outbound.transports.store import FileVanished
from outbound.transports.streams import SourceSizeWrong
from tests.database.outbound import servers
from tests.database.outbound.servers import Peer, answer
from tests.factories.outbound import make_connection


pytestmark = pytest.mark.django_db

MEGABYTE = 1024 * 1024


def _client(peer: Peer, **values: Any) -> rest.RestClient:
    return rest.client(make_connection("DERMS", **{"base_url": peer.url, "read_timeout": 5, **values}))


def _swallow(listening: socket.socket, size: int) -> None:
    sock, _ = listening.accept()
    with sock:
        buffer = bytearray(64 * 1024)
        head = b""
        while b"\r\n\r\n" not in head:
            head += sock.recv(4096)
        got = len(head.partition(b"\r\n\r\n")[2])
        while got < size:
            got += sock.recv_into(buffer)
        sock.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


class TestStreamUpload:
    def test_announces_the_length_and_sends_the_chunks(self, peer: Peer) -> None:
        peer.behave = answer(202, b'{"ackType": "SUCCESS"}')
        got = _client(peer, username="u", password="p").stream_upload(
            "POST",
            "device-score",
            chunks=iter([b"ab", b"c"]),
            size=3,
            headers={"Content-Disposition": 'attachment; filename="a.csv"'},
            idempotency_key="key-1",
        )

        assert (got.status, got.json()) == (202, {"ackType": "SUCCESS"})
        (seen,) = peer.seen
        assert (seen.method, seen.path, seen.body) == ("POST", "/device-score", b"abc")
        assert (seen.headers["Content-Length"], seen.headers["Idempotency-Key"]) == ("3", "key-1")
        assert "Transfer-Encoding" not in seen.headers
        assert seen.headers["Authorization"].startswith("Basic ")

    def test_an_empty_body_is_a_body(self, peer: Peer) -> None:
        _client(peer).stream_upload("POST", "x", iter([]), 0)
        assert peer.seen[0].headers["Content-Length"] == "0"

    def test_takes_constant_memory(self, peer: Peer) -> None:
        size = 20 * MEGABYTE
        block = b"x" * (256 * 1024)
        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=_swallow, args=(listening, size))
            thread.start()
            client = _client(peer, base_url=f"http://127.0.0.1:{listening.getsockname()[1]}")
            tracemalloc.start()
            got = client.stream_upload("POST", "x", (block for _ in range(80)), size)
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            thread.join()
        assert got.status == 204
        assert peak < 4 * MEGABYTE

    def test_what_reading_the_source_raises_comes_through_and_blames_nobody(self, peer: Peer) -> None:
        def source() -> Iterator[bytes]:
            yield b"x" * 10
            raise FileVanished("gone")

        with pytest.raises(FileVanished, match="gone"):
            _client(peer).stream_upload("POST", "x", source(), 100)
        assert ConnectionHealth.objects.get().consecutive_failures == 0

    @pytest.mark.parametrize("size", [2, 4])
    def test_another_length_than_announced_is_an_error(self, peer: Peer, size: int) -> None:
        with pytest.raises(SourceSizeWrong):
            _client(peer).stream_upload("POST", "x", [b"abc"], size)
        assert ConnectionHealth.objects.get().consecutive_failures == 0

    def test_an_error_status_is_an_answer_and_counts(self, peer: Peer) -> None:
        peer.behave = answer(503)
        assert _client(peer).stream_upload("POST", "x", [b"abc"], 3).status == 503
        assert ConnectionHealth.objects.get().consecutive_failures == 1

    def test_a_slow_source_does_not_outlast_the_transfer(self, peer: Peer) -> None:
        def source() -> Iterator[bytes]:
            for _ in range(10):
                time.sleep(0.2)
                yield b"x"

        with pytest.raises(TargetTimedOut):
            _client(peer, read_timeout="0.5").stream_upload("POST", "x", source(), 10)


class TestStreamDownload:
    def test_gives_the_body_in_chunks(self, peer: Peer) -> None:
        peer.behave = answer(200, b"x" * MEGABYTE, ETag="e1")
        with _client(peer).stream_download("file") as download:
            chunks = list(download.chunks)
        assert (download.answer.status, download.answer.headers["etag"], download.answer.body) == (200, "e1", b"")
        assert b"".join(chunks) == b"x" * MEGABYTE
        assert len(chunks) == 4

    def test_an_error_status_has_its_body_in_the_answer(self, peer: Peer) -> None:
        peer.behave = answer(503, b"busy")
        with _client(peer).stream_download("file") as download:
            assert (download.answer.status, download.answer.body, list(download.chunks)) == (503, b"busy", [])
        assert ConnectionHealth.objects.get().consecutive_failures == 1

    def test_a_cut_body_is_an_error_and_counts(self, peer: Peer) -> None:
        peer.behave = servers.cut_body
        with (
            pytest.raises(TargetBroke, match="cut its answer short"),
            _client(peer).stream_download("file") as download,
        ):
            list(download.chunks)
        assert ConnectionHealth.objects.get().consecutive_failures == 1

    def test_a_body_that_drips_is_given_up_at_the_deadline(self, peer: Peer) -> None:
        peer.behave = servers.drip_body
        client = _client(peer, read_timeout="0.5")
        with pytest.raises(TargetTimedOut), client.stream_download("file") as download:
            list(download.chunks)

    def test_a_redirect_is_not_followed(self, peer: Peer) -> None:
        peer.behave = answer(302, b"", Location="https://elsewhere.example.org/")
        with pytest.raises(TargetRedirected), _client(peer).stream_download("file"):
            pass
        assert len(peer.seen) == 1
