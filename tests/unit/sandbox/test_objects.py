from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from outbound.transports.oci_signature import OciSignature, signature_of
from sandbox.objects import Objects
from sandbox.server import PeerServer


KEY_ID = "ocid1.tenancy/ocid1.user/aa:bb"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
AT = dt.datetime(2024, 3, 10, 12, 0, tzinfo=dt.UTC)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _signer(*, clock: Callable[[], dt.datetime] = _now, key: str = PEM, key_id: str = KEY_ID) -> OciSignature:
    return signature_of(name="DACS_OS", key_id=key_id, private_key=key, clock=clock)


@pytest.fixture
def objects() -> Objects:
    return Objects(key_id=KEY_ID, public_key=KEY.public_key(), namespace="ns")


@pytest.fixture
def server(serve: Callable[..., PeerServer], objects: Objects) -> Iterator[PeerServer]:
    return serve(objects)


Call = Callable[..., requests.Response]


@pytest.fixture
def call(server: PeerServer) -> Call:
    def made(method: str, path: str, *, auth: Any = None, **options: Any) -> requests.Response:
        return requests.request(method, f"{server.url}{path}", auth=auth or _signer(), timeout=10, **options)

    return made


class TestSignature:
    def test_a_signed_request_is_answered(self, call: Call) -> None:
        assert call("GET", "/n/").json() == "ns"

    def test_an_unsigned_request_is_refused(self, server: PeerServer) -> None:
        answer = requests.get(f"{server.url}/n", timeout=10)

        assert (answer.status_code, answer.json()["code"]) == (401, "NotAuthenticated")

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_a_date_that_is_too_far_away_is_refused(self, call: Call, minutes: int) -> None:
        answer = call("GET", "/n", auth=_signer(clock=lambda: _now() + dt.timedelta(minutes=minutes)))

        assert answer.status_code == 401
        assert answer.json()["message"] == "The date is more than 5 minutes away."

    def test_an_unknown_key_id_is_refused(self, call: Call) -> None:
        assert call("GET", "/n", auth=_signer(key_id="a/b/c")).json()["message"] == "The key id is not known."

    def test_another_key_is_refused(self, call: Call) -> None:
        other = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
        answer = call("GET", "/n", auth=_signer(key=other.decode()))

        assert (answer.status_code, answer.json()["message"]) == (401, "The signature does not fit the request.")

    def test_a_body_that_was_changed_on_the_way_is_refused(self, server: PeerServer) -> None:
        prepared = requests.Request(
            "POST", f"{server.url}/n/ns/b/scores/actions/renameObject", json={"sourceName": "a"}, auth=_signer()
        ).prepare()
        prepared.body = b'{"sourceName": "b"}'
        with requests.Session() as session:
            answer = session.send(prepared, timeout=10)

        assert (answer.status_code, answer.json()["message"]) == (401, "The digest of the body is wrong.")

    def test_a_post_whose_body_is_not_signed_is_refused(self, call: Call) -> None:
        class WithoutBody(OciSignature):
            def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
                signed = super().__call__(request)
                text = signed.headers["authorization"]
                signed.headers["authorization"] = text.replace(" content-length content-type x-content-sha256", "")
                return signed

        auth = WithoutBody(key_id=KEY_ID, private_key=KEY, clock=_now)
        answer = call("POST", "/n/ns/b/scores/actions/renameObject", auth=auth, json={})

        assert "content-length, content-type, x-content-sha256" in answer.json()["message"]


class TestList:
    def test_pages_follow_each_other(self, call: Call, objects: Objects) -> None:
        for number in range(5):
            objects.store("scores", f"SDCSE_{number}", b"x" * number, at=AT)
        objects.store("scores", "other", b"", at=AT)
        first = call("GET", "/n/ns/b/scores/o?prefix=SDCSE&limit=3&fields=name,size,etag,timeCreated,md5").json()
        second = call("GET", f"/n/ns/b/scores/o?prefix=SDCSE&start={first['nextStartWith']}").json()

        assert [found["name"] for found in first["objects"]] == ["SDCSE_0", "SDCSE_1", "SDCSE_2"]
        assert first["objects"][2]["size"] == 2
        assert first["objects"][2]["timeCreated"] == "2024-03-10T12:00:00.000Z"
        assert second == {"objects": [{"name": "SDCSE_3"}, {"name": "SDCSE_4"}]}

    def test_another_namespace_is_not_there(self, call: Call) -> None:
        assert call("GET", "/n/other/b/scores/o").status_code == 404


class TestGet:
    def test_gives_the_content_its_etag_and_its_digest(self, call: Call, objects: Objects) -> None:
        stored = objects.store("scores", "a b/ü", b"content", at=AT)
        answer = call("GET", "/n/ns/b/scores/o/a%20b%2F%C3%BC")

        assert (answer.status_code, answer.content) == (200, b"content")
        assert (answer.headers["ETag"], answer.headers["Content-MD5"]) == (stored.etag, stored.md5)

    @pytest.mark.parametrize(
        ("asked", "status", "content", "shown"),
        [
            ("bytes=0-2", 206, b"con", "bytes 0-2/7"),
            ("bytes=4-", 206, b"ent", "bytes 4-6/7"),
            ("bytes=5-99", 206, b"nt", "bytes 5-6/7"),
        ],
    )
    def test_gives_a_range(
        self, call: Call, objects: Objects, asked: str, status: int, content: bytes, shown: str
    ) -> None:
        objects.store("scores", "a", b"content", at=AT)
        answer = call("GET", "/n/ns/b/scores/o/a", headers={"Range": asked})

        assert (answer.status_code, answer.content, answer.headers["Content-Range"]) == (status, content, shown)

    def test_a_range_outside_is_refused(self, call: Call, objects: Objects) -> None:
        objects.store("scores", "a", b"content", at=AT)
        assert call("GET", "/n/ns/b/scores/o/a", headers={"Range": "bytes=9-"}).status_code == 416

    def test_a_missing_object_is_not_there(self, call: Call) -> None:
        assert call("GET", "/n/ns/b/scores/o/a").json()["code"] == "ObjectNotFound"


class TestPut:
    def test_keeps_the_body_without_a_signed_digest(self, call: Call, objects: Objects) -> None:
        body = b"0123456789" * 1000
        assert call("PUT", "/n/ns/b/scores/o/a", data=iter([body])).status_code == 200
        kept = objects.buckets["scores"]["a"].content

        assert hashlib.sha256(kept).digest() == hashlib.sha256(body).digest()

    def test_refuses_to_replace_when_asked_to(self, call: Call, objects: Objects) -> None:
        objects.store("scores", "a", b"old", at=AT)
        answer = call("PUT", "/n/ns/b/scores/o/a", data=b"new", headers={"if-none-match": "*"})

        assert (answer.status_code, objects.buckets["scores"]["a"].content) == (412, b"old")

    def test_delete_takes_it_away(self, call: Call, objects: Objects) -> None:
        objects.store("scores", "a", b"old", at=AT)
        statuses = [call("DELETE", "/n/ns/b/scores/o/a").status_code for _ in range(2)]

        assert statuses == [204, 404]


class TestRename:
    def _rename(self, call: Call, **document: str) -> requests.Response:
        return call("POST", "/n/ns/b/scores/actions/renameObject", json=document)

    def test_moves_the_object_with_its_etag(self, call: Call, objects: Objects) -> None:
        etag = objects.store("scores", "a", b"1", at=AT).etag
        answer = self._rename(call, sourceName="a", newName="Sent-a", srcObjIfMatchETag=etag, newObjIfNoneMatchETag="*")

        assert (answer.status_code, answer.headers["ETag"]) == (200, etag)
        assert set(objects.buckets["scores"]) == {"Sent-a"}

    def test_overwrites_unless_told_not_to(self, call: Call, objects: Objects) -> None:
        objects.store("scores", "a", b"1", at=AT)
        objects.store("scores", "Sent-a", b"2", at=AT)
        refused = self._rename(call, sourceName="a", newName="Sent-a", newObjIfNoneMatchETag="*")
        kept = objects.buckets["scores"]["Sent-a"].content
        done = self._rename(call, sourceName="a", newName="Sent-a")

        assert (refused.status_code, refused.json()["code"], kept) == (412, "IfNoneMatchFailed", b"2")
        assert (done.status_code, objects.buckets["scores"]["Sent-a"].content) == (200, b"1")

    def test_another_etag_is_refused(self, call: Call, objects: Objects) -> None:
        objects.store("scores", "a", b"1", at=AT)
        answer = self._rename(call, sourceName="a", newName="b", srcObjIfMatchETag="other")

        assert (answer.status_code, answer.json()["code"]) == (412, "IfMatchFailed")


class TestControl:
    def test_objects_are_put_and_deleted_by_hand_and_forgotten(self, server: PeerServer, objects: Objects) -> None:
        url = f"{server.url}/_control"
        requests.post(f"{url}/state", json={"objects": {"scores": {"a": "1", "b": "22"}}}, timeout=5)
        state = requests.post(f"{url}/state", json={"objects": {"scores": {"a": None}}}, timeout=5).json()
        requests.post(f"{url}/reset", timeout=5)

        assert state["buckets"] == {"scores": {"b": 2}}
        assert objects.buckets == {}

    def test_faults_apply(self, server: PeerServer, call: Call) -> None:
        server.faults.add({"match": "/o$", "times": 1, "status": 503})
        statuses = [call("GET", "/n/ns/b/scores/o").status_code for _ in range(2)]

        assert statuses == [503, 200]
