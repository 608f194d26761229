"""The sandbox's file drop and object storage on free ports, for one test."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import asyncssh
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from outbound.models import Connection
from sandbox.drop import Drop
from sandbox.drop_ftp import FtpDoor
from sandbox.drop_sftp import SftpDoor
from sandbox.faults import FaultBook
from sandbox.objects import Objects
from sandbox.server import PeerServer
from tests.factories.outbound import make_connection


HOST = "127.0.0.1"
CREDENTIALS = ("dacs", "s3cret")
KEY_ID = "ocid1.tenancy/ocid1.user/aa:bb"


@cache
def ssh_key(kind: str = "ssh-ed25519") -> asyncssh.SSHKey:
    return asyncssh.generate_private_key(kind)


@cache
def signing_key(name: str = "ours") -> rsa.RSAPrivateKey:
    del name  # each name is another key
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@dataclass
class RunningDrop:
    """A drop with its open door."""

    drop: Drop
    faults: FaultBook
    port: int
    host_key: str = ""
    inbox: Path = field(default_factory=Path)
    settings: dict[str, Any] = field(default_factory=dict)
    """What its connection has besides, such as another transport."""

    def put(self, name: str, content: bytes, *, age: int = 0) -> Path:
        import os

        path = self.inbox / name
        path.write_bytes(content)
        os.utime(path, (1_700_000_000 - age, 1_700_000_000 - age))
        return path

    def names(self) -> list[str]:
        return sorted(path.name for path in self.inbox.iterdir())

    def connection(self, **values: Any) -> Connection:
        defaults: dict[str, Any] = {
            "transport": "sftp" if self.host_key else "ftp",
            "host": HOST,
            "port": self.port,
            "username": CREDENTIALS[0],
            "password": CREDENTIALS[1],
            "known_host_key": self.host_key,
            "directory": "/drop",
            "read_timeout": 10,
        }
        return make_connection("DACS_FILES", **{**defaults, **self.settings, **values})


@contextlib.contextmanager
def sftp_drop(root: Path, **options: Any) -> Iterator[RunningDrop]:
    drop, faults = Drop(root=root), FaultBook()
    options.setdefault("credentials", CREDENTIALS)
    door = SftpDoor(
        drop=drop, faults=faults, host=HOST, port=0, host_key=ssh_key().export_private_key("openssh"), **options
    )
    door.start()
    try:
        yield RunningDrop(drop, faults, door.port, door.host_key, drop.root / "drop")
    finally:
        door.stop()


@contextlib.contextmanager
def ftp_drop(root: Path, **options: Any) -> Iterator[RunningDrop]:
    drop, faults = Drop(root=root), FaultBook()
    options.setdefault("credentials", CREDENTIALS)
    door = FtpDoor(drop=drop, faults=faults, host=HOST, port=0, **options)
    door.start()
    try:
        yield RunningDrop(drop, faults, door.port, "", drop.root / "drop")
    finally:
        door.stop()


@contextlib.contextmanager
def object_storage() -> Iterator[tuple[Objects, PeerServer]]:
    objects = Objects(key_id=KEY_ID, public_key=signing_key().public_key(), namespace="ns")
    server = PeerServer(service=objects, port=0)
    threading.Thread(target=lambda: server.serve_forever(poll_interval=0.01), daemon=True).start()
    try:
        yield objects, server
    finally:
        server.shutdown()
        server.server_close()


def object_connection(server: PeerServer, **values: Any) -> Connection:
    defaults: dict[str, Any] = {
        "transport": "object_storage",
        "base_url": server.url,
        "key_id": KEY_ID,
        "private_key": pem(signing_key()),
        "namespace": "ns",
        "directory": "scores",
        "read_timeout": 10,
    }
    return make_connection("DACS_OS", **{**defaults, **values})
