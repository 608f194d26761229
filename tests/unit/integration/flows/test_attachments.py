from __future__ import annotations

import hashlib
import io
from typing import Any

import pytest

from integration.flows import attachments
from integration.flows.attachments import (
    AttachmentMalformed,
    AttachmentTooLarge,
    AttachmentTypeRefused,
    Received,
)


JSON = b'Content-Disposition: form-data; name="request"\r\nContent-Type: application/json\r\n\r\n{"a": 1}'
CSV = b'Content-Disposition: form-data; name="file"; filename="..\\x\\EVT.csv"\r\nContent-Type: text/csv\r\n\r\n'


class Drops(io.BytesIO):
    """Gives so many bytes at a time, as a slow line does."""

    def __init__(self, content: bytes, drop: int) -> None:
        super().__init__(content)
        self._drop = drop

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(self._drop, size if size is not None and size > 0 else self._drop))


def form(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


def read(
    body: bytes, *, drop: int = 10**6, content_type: str = "multipart/form-data; boundary=b", **more: Any
) -> Received:
    return attachments.read(
        Drops(body, drop),
        content_type=content_type,
        sink=io.BytesIO(),
        **{"content_length": None, "limit": 10_000, **more},
    )


@pytest.mark.parametrize("drop", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize("content", [b"", b"x,y\r\n1,2\r\n", b"\r\n--", b"\r\n--c\r\n\r\n", b"-" * 500])
def test_reads_both_parts_whatever_the_pieces(drop: int, content: bytes) -> None:
    received = read(b"preamble\r\n" + form(JSON, CSV + content), drop=drop)

    assert received.request == b'{"a": 1}'
    assert received.attachment.stream.read() == content
    assert (received.attachment.size, received.attachment.name) == (len(content), "EVT.csv")
    assert received.attachment.sha256 == hashlib.sha256(content).hexdigest()


def test_takes_the_parts_in_any_order_and_mixed_ones_by_their_kind() -> None:
    mixed = form(b"Content-Type: text/csv\r\n\r\na,b", b"Content-Type: application/json\r\n\r\n{}")

    received = read(mixed, content_type='multipart/mixed; boundary="b"')

    assert (received.request, received.attachment.stream.read()) == (b"{}", b"a,b")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (form(JSON), "/file"),
        (form(CSV + b"x"), "/request"),
        (form(JSON, JSON, CSV), "/request"),
        (form(JSON, CSV, b'Content-Disposition: form-data; name="more"\r\n\r\n1'), "/more"),
        (form(JSON, CSV + b"x", end=b""), ""),
        (form(JSON, CSV + b"x", end=b"--b"), ""),
        (b"", ""),
        (b"--b\r\n" + b"X: " + b"y" * 40_000, ""),
        (b"--b nonsense\r\n\r\n", ""),
    ],
)
def test_refuses_what_is_no_such_document(body: bytes, pointer: str) -> None:
    with pytest.raises(AttachmentMalformed) as refused:
        read(body)

    assert refused.value.pointer == pointer


@pytest.mark.parametrize(
    "more",
    [
        {"content_type": "application/json"},
        {"content_type": "multipart/related; boundary=b"},
        {"encoding": "gzip"},
    ],
)
def test_refuses_other_bodies(more: dict[str, Any]) -> None:
    with pytest.raises(AttachmentTypeRefused):
        read(form(JSON, CSV), **more)


@pytest.mark.parametrize(
    "part",
    [
        b'Content-Disposition: form-data; name="file"\r\nContent-Type: application/zip\r\n\r\nx',
        b'Content-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: base64\r\n\r\nx',
        b'Content-Disposition: form-data; name="request"\r\nContent-Type: text/xml\r\n\r\nx',
    ],
)
def test_refuses_parts_of_another_kind(part: bytes) -> None:
    with pytest.raises(AttachmentTypeRefused):
        read(form(part))


def test_ends_at_once_over_the_limit() -> None:
    with pytest.raises(AttachmentTooLarge, match="larger than 10000 bytes"):
        read(form(JSON, CSV + b"x" * 10_001))
    with pytest.raises(AttachmentTooLarge, match="larger than 10000 bytes"):
        read(b"", content_length=10_000_000)
    with pytest.raises(AttachmentTooLarge, match="request is larger"):
        read(form(JSON + b" " * (1024 * 1024)), limit=10**9)
