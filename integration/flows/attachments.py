"""
A message with a file as it comes over the wire: `multipart/form-data` or `multipart/mixed`, read as it streams by.

The request is kept in memory (it is small), the file goes to disk. Limits are kept while reading: what is over one ends
the reading at once. Plain Python.
"""

from __future__ import annotations

import email.message
import email.policy
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from typing import IO


REQUEST, FILE = "request", "file"
MAX_REQUEST_BYTES = 1024 * 1024
# What the parts need around their contents.
ENVELOPE_BYTES = 64 * 1024
_MAX_HEADER_BYTES = 16 * 1024
_PIECE = 64 * 1024
_MULTIPART = frozenset({"multipart/form-data", "multipart/mixed"})
_JSON = frozenset({"", "application/json"})
_CSV = frozenset(
    {"", "text/csv", "application/csv", "text/plain", "application/octet-stream", "application/vnd.ms-excel"}
)
_PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})


class AttachmentTooLarge(ValueError):
    """Something is over its limit, which the text names."""


class AttachmentTypeRefused(ValueError):
    """The body, or a part of it, is of a kind that is not taken."""


class AttachmentMalformed(ValueError):
    """The body is no such multipart document; `pointer` names the part that is missing or stands twice."""

    def __init__(self, message: str, *, pointer: str = "", code: str = "malformed") -> None:
        super().__init__(message)
        self.pointer = pointer
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """The file part: what it was called, how long it is, its SHA-256, and where it lies now."""

    name: str
    size: int
    sha256: str
    stream: IO[bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message with its file: the JSON as it came, and the file on disk."""

    request: bytes
    attachment: Attachment


def is_multipart(content_type: str) -> bool:
    """Whether a content type is one that brings a file."""
    return content_type.partition(";")[0].strip().lower() in _MULTIPART


def read(
    stream: IO[bytes], *, content_type: str, content_length: int | None, limit: int, sink: IO[bytes], encoding: str = ""
) -> Received:
    """
    Read a message with its file, the file into `sink`.

    :param limit: bytes of the file, at most.
    :param encoding: the body's Content-Encoding, which must be none.
    :raises AttachmentTooLarge: when the body, the request or the file is over its limit.
    :raises AttachmentTypeRefused: when the body or a part is of a kind that is not taken.
    :raises AttachmentMalformed: when it cannot be read, or a part is missing.
    """
    if encoding.strip().lower() not in ("", "identity"):
        raise AttachmentTypeRefused(f"Content-Encoding {encoding} is not taken; send the body as it is.")
    if content_length is not None and content_length > limit + MAX_REQUEST_BYTES + ENVELOPE_BYTES:
        raise AttachmentTooLarge(f"The file is larger than {limit} bytes.")
    parts = _Parts(stream, boundary(content_type), most=limit + MAX_REQUEST_BYTES + ENVELOPE_BYTES, limit=limit)
    request: bytes | None = None
    attachment: Attachment | None = None
    for headers in parts:
        name = _part(headers)
        if name == REQUEST:
            _once(REQUEST, request)
            request = _request(parts)
        elif name == FILE:
            _once(FILE, attachment)
            attachment = _file(parts, headers, sink, limit)
        else:
            raise AttachmentMalformed(f"{name} is no part of this message.", pointer=f"/{name}", code="unknown_field")
    if request is None:
        raise AttachmentMalformed("The part request is missing.", pointer="/request", code="required")
    if attachment is None:
        raise AttachmentMalformed("The part file is missing.", pointer="/file", code="required")
    return Received(request=request, attachment=attachment)


def boundary(content_type: str) -> bytes:
    """
    Give the boundary of a multipart content type.

    :raises AttachmentTypeRefused: when it is no multipart that brings a file.
    :raises AttachmentMalformed: when it names no boundary.
    """
    if not is_multipart(content_type):
        raise AttachmentTypeRefused(
            "multipart/form-data or multipart/mixed is expected, with the parts request (JSON) and file (CSV)."
        )
    message = email.message.Message()
    message["Content-Type"] = content_type
    found = message.get_boundary()
    if not found or len(found) > 200 or not found.isascii():
        raise AttachmentMalformed("The content type names no usable boundary.")
    return found.encode("ascii")


class _Parts:
    """The parts of a body, one after the other; `content` streams the one that is at hand."""

    def __init__(self, stream: IO[bytes], boundary: bytes, *, most: int, limit: int) -> None:
        self._stream = stream
        self._delimiter = b"\r\n--" + boundary
        # The first delimiter has no line end before it.
        self._buffer = b"\r\n"
        self._left = most
        self._limit = limit
        self._ended = False

    def __iter__(self) -> Iterator[email.message.Message]:
        for _ in self.content():
            pass  # what stands before the first delimiter is no part
        while self._next():
            headers = self._headers()
            yield headers
            for _ in self.content():
                pass

    def content(self) -> Iterator[bytes]:
        """Give what is left of the part at hand, in pieces."""
        while not self._ended:
            place = self._buffer.find(self._delimiter)
            if place >= 0:
                if place:
                    yield self._buffer[:place]
                self._buffer = self._buffer[place:]
                return
            safe = len(self._buffer) - len(self._delimiter)
            if safe > 0:
                yield self._buffer[:safe]
                self._buffer = self._buffer[safe:]
            self._more()

    def _next(self) -> bool:
        while len(self._buffer) < len(self._delimiter) + 2:
            self._more()
        after = self._buffer[len(self._delimiter) : len(self._delimiter) + 2]
        if after == b"--":
            self._ended = True
            return False
        self._buffer = self._buffer[len(self._delimiter) :]
        while b"\r\n" not in self._buffer:
            if len(self._buffer) > _MAX_HEADER_BYTES:
                raise AttachmentMalformed("A boundary line does not end.")
            self._more()
        line, _, rest = self._buffer.partition(b"\r\n")
        if line.strip(b" \t"):
            raise AttachmentMalformed("A boundary line holds something else.")
        self._buffer = b"\r\n" + rest
        return True

    def _headers(self) -> email.message.Message:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _MAX_HEADER_BYTES:
                raise AttachmentMalformed("The headers of a part are too long.")
            self._more()
        head, self._buffer = self._buffer[2 : end + 2], self._buffer[end + 4 :]
        if len(head) > _MAX_HEADER_BYTES:
            raise AttachmentMalformed("The headers of a part are too long.")
        # An empty part has its delimiter right here, without a line end of its own.
        if self._buffer.startswith(self._delimiter[2:]):
            self._buffer = b"\r\n" + self._buffer
        return BytesHeaderParser(policy=email.policy.compat32).parsebytes(head)

    def _more(self) -> None:
        piece = self._stream.read(_PIECE)
        if not piece:
            raise AttachmentMalformed("The body ends before its last boundary: it was cut short.")
        self._left -= len(piece)
        if self._left < 0:
            raise AttachmentTooLarge(f"The file is larger than {self._limit} bytes.")
        self._buffer += piece


def _part(headers: email.message.Message) -> str:
    transfer = str(headers.get("Content-Transfer-Encoding", "")).strip().lower()
    if transfer not in _PLAIN_ENCODINGS:
        raise AttachmentTypeRefused(f"Content-Transfer-Encoding {transfer} is not taken; send the part as it is.")
    kind = headers.get_content_type().lower() if "Content-Type" in headers else ""
    name = headers.get_param("name", header="content-disposition")
    if not isinstance(name, str) or not name:
        # multipart/mixed: parts have no names, their kind tells which is which.
        name = REQUEST if kind == "application/json" else FILE
    if name == REQUEST and kind not in _JSON:
        raise AttachmentTypeRefused(f"The part request is {kind}; application/json is expected.")
    if name == FILE and kind not in _CSV:
        raise AttachmentTypeRefused(f"The part file is {kind}; text/csv is expected.")
    return name[:100]


def _once(name: str, earlier: object) -> None:
    if earlier is not None:
        raise AttachmentMalformed(f"The part {name} stands twice.", pointer=f"/{name}", code="duplicate_key")


def _request(parts: _Parts) -> bytes:
    kept = bytearray()
    for piece in parts.content():
        kept += piece
        if len(kept) > MAX_REQUEST_BYTES:
            raise AttachmentTooLarge(f"The part request is larger than {MAX_REQUEST_BYTES} bytes.")
    return bytes(kept)


def _file(parts: _Parts, headers: email.message.Message, sink: IO[bytes], limit: int) -> Attachment:
    digest = hashlib.sha256()
    size = 0
    for piece in parts.content():
        size += len(piece)
        if size > limit:
            raise AttachmentTooLarge(f"The file is larger than {limit} bytes.")
        digest.update(piece)
        sink.write(piece)
    sink.flush()
    sink.seek(0)
    return Attachment(name=label(headers.get_filename() or ""), size=size, sha256=digest.hexdigest(), stream=sink)


def label(name: str) -> str:
    """Give a sender's file name as a label: no path, no control characters, at most 255 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    clean = "".join(character if character.isprintable() else "�" for character in last).strip()
    return clean[:255] or "unnamed"
