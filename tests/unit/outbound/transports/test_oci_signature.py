from __future__ import annotations

import base64
import datetime as dt
import re

import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from outbound.transports.oci_signature import OciSignature


KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
AT = dt.datetime(2014, 1, 5, 21, 31, 40, tzinfo=dt.UTC)
HOST = "https://objectstorage.example.org"


def _signed(method: str, path: str, **options: object) -> requests.PreparedRequest:
    signer = OciSignature(key_id="ten/user/aa:bb", private_key=KEY, clock=lambda: AT)
    return requests.Request(method, f"{HOST}{path}", auth=signer, **options).prepare()  # type: ignore[arg-type]


def _check(prepared: requests.PreparedRequest, signing_string: str) -> None:
    found = re.search(r'signature="([^"]+)"', prepared.headers["authorization"])
    assert found is not None
    KEY.public_key().verify(base64.b64decode(found[1]), signing_string.encode(), padding.PKCS1v15(), hashes.SHA256())


class TestOciSignature:
    def test_a_get_signs_date_target_and_host_in_this_order(self) -> None:
        prepared = _signed("GET", "/n/ns/b/scores/o?prefix=SD%20CSE&limit=1000")

        _check(
            prepared,
            "date: Sun, 05 Jan 2014 21:31:40 GMT\n"
            "(request-target): get /n/ns/b/scores/o?prefix=SD%20CSE&limit=1000\n"
            "host: objectstorage.example.org",
        )
        assert prepared.headers["authorization"].startswith(
            'Signature algorithm="rsa-sha256",headers="date (request-target) host",keyId="ten/user/aa:bb",signature="'
        )
        assert prepared.headers["authorization"].endswith('",version="1"')

    def test_a_post_also_signs_length_type_and_digest_of_its_body(self) -> None:
        prepared = _signed("POST", "/n/ns/b/scores/actions/renameObject", json={"sourceName": "a"})

        _check(
            prepared,
            "date: Sun, 05 Jan 2014 21:31:40 GMT\n"
            "(request-target): post /n/ns/b/scores/actions/renameObject\n"
            "host: objectstorage.example.org\n"
            "content-length: 19\n"
            "content-type: application/json\n"
            "x-content-sha256: Y95X8c5BtyBT4tUQ2eU5KVQSUc2TuFHJH9dp5m7XYZA=",
        )

    def test_the_put_of_an_object_signs_no_body(self) -> None:
        prepared = _signed("PUT", "/n/ns/b/scores/o/a%2Fb", data=iter([b"x"]))

        assert "x-content-sha256" not in prepared.headers
        _check(
            prepared,
            "date: Sun, 05 Jan 2014 21:31:40 GMT\n"
            "(request-target): put /n/ns/b/scores/o/a%2Fb\n"
            "host: objectstorage.example.org",
        )

    def test_another_put_does(self) -> None:
        assert "x-content-sha256" in _signed("PUT", "/n/ns/b/scores", data=b"{}").headers

    def test_a_streamed_body_cannot_be_signed(self) -> None:
        with pytest.raises(TypeError):
            _signed("POST", "/n/ns/b/scores/actions/x", data=iter([b"x"]))
