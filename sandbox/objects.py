"""
Object storage: the part of OCI's API that file transfer uses, with Signature Version 1 verified on every request.

List with `prefix`, `start`, `limit` and `nextStartWith`, get with `Range`, put, delete, and `renameObject` with ETag
guards: as the real one does, a rename overwrites unless `newObjIfNoneMatchETag` forbids it.
"""

from __future__ import annotations

import base64
import email.utils
import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from sandbox.exchange import PeerAnswer, PeerRequest, UnableToReadJson, iso
from sandbox.service import Action, Service, UnableToChangeState


MAX_SKEW = timedelta(minutes=5)
MAX_PAGE = 1_000
_FIELD = re.compile(r'(\w+)="([^"]*)"')
_BUCKET = re.compile(r"/n/([^/]+)/b/([^/]+)(/.*)?")
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


class SignatureRefused(Exception):
    """The request is not signed as it must be; the message says why."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object; every change of its content gives another etag."""

    content: bytes
    etag: str
    made_at: datetime

    @property
    def md5(self) -> str:
        """The digest of the content, as the API shows it."""
        return base64.b64encode(hashlib.md5(self.content, usedforsecurity=False).digest()).decode()


class Objects(Service):
    """Buckets of one namespace. A bucket is there as soon as it is used."""

    name = "objects"
    title = "Sandbox: object storage"

    def __init__(self, *, key_id: str, public_key: RSAPublicKey, namespace: str = "sandbox") -> None:
        super().__init__()
        self._key_id = key_id
        self._public_key = public_key
        self.namespace = namespace
        self.buckets: dict[str, dict[str, StoredObject]] = {}

    def actions(self) -> tuple[tuple[str, str, Action], ...]:
        """Paths are matched whole, see `answer`."""
        return ()

    def answer(self, request: PeerRequest) -> PeerAnswer:
        """Check the signature, then do what is asked."""
        try:
            verify(request, key_id=self._key_id, public_key=self._public_key)
        except SignatureRefused as refusal:
            return _refused(401, "NotAuthenticated", str(refusal))
        path = urlsplit(request.path).path
        if request.method == "GET" and path.rstrip("/") == "/n":
            return PeerAnswer(status=200, document=f'"{self.namespace}"')
        found = _BUCKET.fullmatch(path)
        if found is None or unquote(found[1]) != self.namespace:
            return _refused(404, "NamespaceNotFound", "There is no such namespace or path.")
        with self.lock:
            bucket = self.buckets.setdefault(unquote(found[2]), {})
            return self._in_bucket(request, bucket, found[3] or "")

    def _in_bucket(self, request: PeerRequest, bucket: dict[str, StoredObject], rest: str) -> PeerAnswer:
        match (request.method, rest):
            case ("GET", "/o"):
                return _page(request, bucket)
            case ("POST", "/actions/renameObject"):
                return _rename(request, bucket)
            case ("GET" | "HEAD", _) if rest.startswith("/o/"):
                return _get(request, bucket.get(unquote(rest[3:])))
            case ("PUT", _) if rest.startswith("/o/"):
                return _put(request, bucket, unquote(rest[3:]))
            case ("DELETE", _) if rest.startswith("/o/"):
                gone = bucket.pop(unquote(rest[3:]), None)
                return PeerAnswer(status=204) if gone else _refused(404, "ObjectNotFound", "There is no such object.")
        return _refused(404, "NotFound", "There is no such operation.")

    def store(self, bucket: str, name: str, content: bytes, *, at: datetime) -> StoredObject:
        """Put an object as another system would have."""
        made = StoredObject(content, str(uuid.uuid4()), at)
        with self.lock:
            self.buckets.setdefault(bucket, {})[name] = made
        return made

    def state(self) -> dict[str, Any]:
        """Give the buckets with the sizes of their objects."""
        with self.lock:
            return {
                "namespace": self.namespace,
                "keyId": self._key_id,
                "buckets": {
                    bucket: {name: len(found.content) for name, found in sorted(objects.items())}
                    for bucket, objects in self.buckets.items()
                },
            }

    def change(self, document: dict[str, Any]) -> None:
        """
        Put objects by hand: `{"objects": {"bucket": {"name": "content"}}}`; null deletes one.

        :raises UnableToChangeState: when it is anything else.
        """
        given = document.get("objects")
        if set(document) != {"objects"} or not isinstance(given, dict):
            raise UnableToChangeState('Set {"objects": {"bucket": {"name": "content"}}}.')
        for bucket, objects in given.items():
            for name, content in objects.items() if isinstance(objects, dict) else ():
                if content is None:
                    with self.lock:
                        self.buckets.get(bucket, {}).pop(name, None)
                else:
                    self.store(bucket, name, str(content).encode(), at=datetime.now().astimezone())

    def reset(self) -> None:
        """Forget all objects."""
        with self.lock:
            super().reset()
            self.buckets.clear()


def verify(request: PeerRequest, *, key_id: str, public_key: RSAPublicKey) -> None:
    """
    Check a Signature Version 1.

    :raises SignatureRefused: naming what is wrong.
    """
    scheme, _, fields = request.headers.get("authorization", "").partition(" ")
    given = dict(_FIELD.findall(fields))
    if scheme != "Signature" or given.get("version") != "1" or given.get("algorithm") != "rsa-sha256":
        raise SignatureRefused("The request carries no Signature of version 1 with rsa-sha256.")
    if given.get("keyId") != key_id:
        raise SignatureRefused("The key id is not known.")
    names = given.get("headers", "").split(" ")
    required = ["date", "(request-target)", "host"]
    is_object_put = request.method == "PUT" and "/o/" in request.path
    if request.method in ("POST", "PUT", "PATCH") and not is_object_put:
        required += ["content-length", "content-type", "x-content-sha256"]
    if set(required) - set(names):
        raise SignatureRefused(f"The signature leaves out {', '.join(sorted(set(required) - set(names)))}.")
    _check_date(request)
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    if "x-content-sha256" in required and request.headers.get("x-content-sha256") != digest:
        raise SignatureRefused("The digest of the body is wrong.")
    target = f"{request.method.lower()} {request.path}"
    lines = [f"{name}: {target if name == '(request-target)' else request.headers.get(name, '')}" for name in names]
    try:
        signature = base64.b64decode(given.get("signature", ""), validate=True)
        public_key.verify(signature, "\n".join(lines).encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError) as error:
        raise SignatureRefused("The signature does not fit the request.") from error


def _check_date(request: PeerRequest) -> None:
    try:
        said = email.utils.parsedate_to_datetime(request.headers.get("date", ""))
    except ValueError as error:
        raise SignatureRefused("The date cannot be read.") from error
    if abs(said - request.received_at) > MAX_SKEW:
        raise SignatureRefused(f"The date is more than {MAX_SKEW.seconds // 60} minutes away.")


def _page(request: PeerRequest, bucket: dict[str, StoredObject]) -> PeerAnswer:
    asked = {name: values[-1] for name, values in parse_qs(urlsplit(request.path).query).items()}
    limit = min(int(asked["limit"]) if asked.get("limit", "").isdigit() else MAX_PAGE, MAX_PAGE)
    names = sorted(
        name for name in bucket if name.startswith(asked.get("prefix", "")) and name >= asked.get("start", "")
    )
    fields = {"name", *asked.get("fields", "name").split(",")}
    document: dict[str, Any] = {"objects": [_shown(name, bucket[name], fields) for name in names[:limit]]}
    if len(names) > limit:
        document["nextStartWith"] = names[limit]
    return PeerAnswer(status=200, document=document)


def _shown(name: str, found: StoredObject, fields: set[str]) -> dict[str, Any]:
    known = {
        "name": name,
        "size": len(found.content),
        "etag": found.etag,
        "md5": found.md5,
        "timeCreated": iso(found.made_at),
    }
    return {field: value for field, value in known.items() if field in fields}


def _get(request: PeerRequest, found: StoredObject | None) -> PeerAnswer:
    if found is None:
        return _refused(404, "ObjectNotFound", "There is no such object.")
    headers = {"ETag": found.etag, "Content-MD5": found.md5, "Accept-Ranges": "bytes"}
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    if asked is None:
        return PeerAnswer(status=200, document=found.content, headers=headers, content_type="application/octet-stream")
    first, last = int(asked[1]), min(int(asked[2] or len(found.content)), len(found.content) - 1)
    if first > last:
        return _refused(416, "InvalidRange", "The range lies outside the object.")
    headers["Content-Range"] = f"bytes {first}-{last}/{len(found.content)}"
    part = found.content[first : last + 1]
    return PeerAnswer(status=206, document=part, headers=headers, content_type="application/octet-stream")


def _put(request: PeerRequest, bucket: dict[str, StoredObject], name: str) -> PeerAnswer:
    if request.headers.get("if-none-match") == "*" and name in bucket:
        return _refused(412, "IfNoneMatchFailed", "An object of this name exists.")
    bucket[name] = made = StoredObject(request.body, str(uuid.uuid4()), request.received_at)
    return PeerAnswer(status=200, headers={"ETag": made.etag, "opc-content-md5": made.md5})


def _rename(request: PeerRequest, bucket: dict[str, StoredObject]) -> PeerAnswer:
    try:
        document = request.json_object()
    except UnableToReadJson as error:
        return _refused(400, "InvalidParameter", str(error))
    old, new = str(document.get("sourceName") or ""), str(document.get("newName") or "")
    found = bucket.get(old)
    if found is None or not new:
        return _refused(404, "ObjectNotFound", "There is no such object.")
    if document.get("srcObjIfMatchETag") not in (None, found.etag):
        return _refused(412, "IfMatchFailed", "The object has another etag.")
    if document.get("newObjIfNoneMatchETag") == "*" and new in bucket:
        return _refused(412, "IfNoneMatchFailed", "An object of the new name exists.")
    bucket[new] = bucket.pop(old)
    return PeerAnswer(status=200, headers={"ETag": bucket[new].etag})


def _refused(status: int, code: str, message: str) -> PeerAnswer:
    return PeerAnswer(status=status, document={"code": code, "message": message})
