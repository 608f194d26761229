"""Peers on real sockets, each on a free port for one test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from sandbox.server import PeerServer
from sandbox.service import Service


Serve = Callable[..., PeerServer]


@pytest.fixture
def serve(socket_enabled: None) -> Iterator[Serve]:
    servers: list[PeerServer] = []

    def start(service: Service, **options: object) -> PeerServer:
        server = PeerServer(service=service, port=0, **options)  # type: ignore[arg-type]
        threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
