"""OCI Object Storage: list with paging, get, put and rename with ETag guards, over the product's HTTP client."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import IO, Any, NoReturn, Self
from urllib.parse import quote, urlencode

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from outbound.choices import Transport
from outbound.guard import deployment_guard
from outbound.models import Connection
from outbound.transports.base import (
    Answer,
    AnswerUnreadable,
    ConnectionNotUsable,
    CredentialsRefused,
    TargetBroke,
)
from outbound.transports.oci_signature import signature_of
from outbound.transports.rest import RestClient
from outbound.transports.store import (
    FileChanged,
    FileVanished,
    Listing,
    NameTaken,
    RemoteFile,
    StoreRefused,
    check_name,
    is_safe,
    oldest_first,
    shown,
)
from outbound.transports.streams import CHUNK_BYTES, Download
from outbound.transports.usable import usable


PAGE_SIZE = 1_000
MAX_PAGES = 1_000
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
_SPOOLED_BYTES = 1024 * 1024
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class ObjectStore:
    """A bucket. Holds no connection of its own: the client's sockets are pooled per process."""

    def __init__(
        self, connection: Connection, *, client: RestClient, bucket: str, namespace: str, by_hand: bool = False
    ) -> None:
        self.name = connection.name
        self.bucket = bucket
        self._client = client
        self._by_hand = by_hand
        self._host = connection.base_url
        self._namespace = namespace

    def __repr__(self) -> str:
        return f"<ObjectStore {self.name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is held."""

    @property
    def namespace(self) -> str:
        """
        The namespace: the configured one, else the one that the signing key belongs to.

        :raises TransportError: when it has to be asked for and is not told.
        """
        if not self._namespace:
            answer = self._ask("GET", "/n/")
            named = answer.json() if answer.status == 200 else self._refuse(answer, "its namespace")
            if not isinstance(named, str) or not named:
                raise AnswerUnreadable(f"{self._host} does not tell its namespace.")
            self._namespace = named
        return self._namespace

    def list(self, prefix: str = "") -> Listing:
        """
        Give the objects whose name starts so, oldest first, page after page; unsafe names are left out.

        :raises ConnectionNotUsable: when there is no such bucket, or the key may not see it.
        :raises TransportError: when it cannot be listed.
        """
        found: list[RemoteFile] = []
        start = ""
        for _ in range(MAX_PAGES):
            asked = {"prefix": prefix, "fields": "name,size,etag,timeCreated,md5", "limit": str(PAGE_SIZE)}
            if start:
                asked["start"] = start
            answer = self._ask(
                "GET", f"{self._place()}/o?{urlencode({k: v for k, v in asked.items() if v}, quote_via=quote)}"
            )
            if answer.status == 404:
                raise ConnectionNotUsable(f"{self._host} has no bucket {self.bucket}, or the key may not see it.")
            if answer.status != 200:
                self._refuse(answer, f"the bucket {self.bucket}")
            page = answer.json()
            objects = page.get("objects") if isinstance(page, dict) else None
            if not isinstance(objects, list):
                raise AnswerUnreadable(f"{self._host} answered a list with something else.")
            found += [_file(each) for each in objects if _is_wanted(each, prefix)]
            following = page.get("nextStartWith")
            if not following:
                return oldest_first(found)
            if not isinstance(following, str) or following <= start:
                break
            start = following
        raise TargetBroke(f"{self._host} gives pages of {self.bucket} without an end.")

    def open_read(self, name: str) -> Iterator[bytes]:
        """
        Open an object and give its bytes in chunks; the last one only when all arrived and the digest is right.

        :raises FileVanished: when there is none of this name.
        :raises TransportError: when it cannot be read to its end; also from the iterator.
        """
        held = contextlib.ExitStack()
        download = held.enter_context(self._client.stream_download(self._object(name)))
        if download.answer.status != 200:
            held.close()
            if download.answer.status == 404:
                raise FileVanished(f"{shown(name)} is no longer in {self.bucket}.")
            self._refuse(download.answer, shown(name))
        return self._chunks(name, held, download)

    def rename(self, old: str, new: str, if_etag: str | None = None) -> None:
        """
        Rename an object, in one step at the store, never over another one.

        :raises NameTaken: when an object of the new name exists.
        :raises FileVanished: when there is none of the old name.
        :raises FileChanged: when the etag is another one.
        """
        document = {
            "sourceName": check_name(old),
            "newName": check_name(new),
            **({"srcObjIfMatchETag": if_etag} if if_etag else {}),
            "newObjIfNoneMatchETag": "*",
        }
        answer = self._ask("POST", f"{self._place()}/actions/renameObject", json=document)
        if answer.status == 404:
            raise FileVanished(f"{shown(old)} is no longer in {self.bucket}.")
        if answer.status == 412:
            if "NoneMatch" in _code(answer) or (if_etag is None):
                raise NameTaken(f"{self.bucket} has an object {shown(new)} already: {shown(old)} keeps its name.")
            raise FileChanged(f"{shown(old)} in {self.bucket} is not the object that was listed.")
        if answer.status not in (200, 204):
            self._refuse(answer, shown(old))

    def put(self, name: str, chunks: Iterable[bytes], size: int | None = None) -> None:
        """
        Store a new object; the store shows it when it is whole. Chunks of unknown length are counted on disk first.

        :raises NameTaken: when an object of this name exists.
        """
        path = self._object(name)
        if size is None:
            with tempfile.SpooledTemporaryFile(max_size=_SPOOLED_BYTES) as spooled:
                for chunk in chunks:
                    spooled.write(chunk)
                counted = spooled.tell()
                spooled.seek(0)
                self._put(name, path, _read(spooled), counted)
        else:
            self._put(name, path, chunks, size)

    def _put(self, name: str, path: str, chunks: Iterable[bytes], size: int) -> None:
        headers = {"Content-Type": "application/octet-stream", "if-none-match": "*"}
        answer = self._client.stream_upload("PUT", path, chunks, size, headers)
        if answer.status == 412:
            raise NameTaken(f"{self.bucket} has an object {shown(name)} already.")
        if answer.status != 200:
            self._refuse(answer, shown(name))

    def _chunks(self, name: str, held: contextlib.ExitStack, download: Download) -> Iterator[bytes]:
        digest = hashlib.md5(usedforsecurity=False)
        expected = download.answer.headers.get("Content-MD5", "")
        last = b""
        with held:
            for chunk in download.chunks:
                digest.update(chunk)
                if last:
                    yield last
                last = chunk
            if expected and base64.b64encode(digest.digest()).decode() != expected:
                raise TargetBroke(f"{shown(name)} from {self.bucket} does not match its digest.")
            if last:
                yield last

    def _ask(self, method: str, path: str, *, json: Any = None) -> Answer:
        if self._by_hand and json is None:
            return self._client.request_unguarded_by_breaker(method, path)
        return self._client.request(method, path, json=json)

    def _place(self) -> str:
        if not self.bucket:
            raise ConnectionNotUsable(f"Connection {self.name} names no bucket: it is the connection's directory.")
        return f"/n/{quote(self.namespace, safe='')}/b/{quote(self.bucket, safe='')}"

    def _object(self, name: str) -> str:
        return f"{self._place()}/o/{quote(check_name(name), safe='')}"

    def _refuse(self, answer: Answer, what: str) -> NoReturn:
        said = f"HTTP {answer.status} {_code(answer)}".strip()
        if answer.status in (401, 403):
            raise CredentialsRefused(f"{self._host} refused the signature of {self.name} ({said}).")
        if answer.status in (408, 409, 425, 429) or answer.status >= 500:
            raise TargetBroke(f"{self._host} cannot serve {what} now ({said}).")
        raise StoreRefused(f"{self._host} refused {what} ({said}): {answer.excerpt()}")


def _is_wanted(found: Any, prefix: str) -> bool:
    name = found.get("name") if isinstance(found, dict) else None
    return isinstance(name, str) and name.startswith(prefix) and is_safe(name)


def _file(found: dict[str, Any]) -> RemoteFile:
    size = found.get("size")
    made = parse_datetime(str(found.get("timeCreated") or "")) or _EPOCH
    if made.tzinfo is None:
        made = made.replace(tzinfo=dt.UTC)
    return RemoteFile(found["name"], size if isinstance(size, int) else 0, made, str(found.get("etag") or ""))


def _code(answer: Answer) -> str:
    try:
        document = answer.json()
    except AnswerUnreadable:
        return ""
    return str(document.get("code") or "")[:100] if isinstance(document, dict) else ""


def _read(stream: IO[bytes]) -> Iterator[bytes]:
    while chunk := stream.read(CHUNK_BYTES):
        yield chunk


_clients: dict[tuple[int, Any], tuple[tuple[Any, ...], RestClient]] = {}
_lock = threading.Lock()


def _client(connection: Connection) -> RestClient:
    guard = deployment_guard()
    identity = (connection.pk, connection.name)
    fingerprint = (*connection.wire_settings(), connection.key_id, connection.private_key, guard)
    with _lock:
        kept = _clients.get(identity)
        if kept is not None and kept[0] == fingerprint:
            return kept[1]
        signature = signature_of(
            name=connection.name, key_id=connection.key_id, private_key=connection.private_key, clock=timezone.now
        )
        made = RestClient(connection, guard=guard, auth=signature, max_body_bytes=_MAX_ANSWER_BYTES)
        _clients[identity] = (fingerprint, made)
    return made


def open(  # noqa: A001  the port's verb
    connection: Connection, *, directory: str = "", namespace: str = "", by_hand: bool = False
) -> ObjectStore:
    """
    Give the bucket of a connection of transport `object_storage`; nothing is sent yet.

    :param directory: the bucket, in place of the connection's directory.
    :raises ConnectionNotUsable: when the connection is off, incomplete or of another transport.
    """
    usable(connection, Transport.OBJECT_STORAGE)
    return ObjectStore(
        connection,
        client=_client(connection),
        bucket=directory or connection.directory,
        namespace=namespace or connection.namespace,
        by_hand=by_hand,
    )


def _forget_inherited_clients() -> None:
    # A child process must not share its parent's sockets; they are dropped, not shut down.
    global _lock
    _lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_forget_inherited_clients)
