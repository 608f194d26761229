"""Bytes into numbered lines, in constant memory."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from typing import IO, Any

from vee.readers.base import FileUnreadable


MAX_LINE = 262_144
UTF_8, UTF_16 = "utf-8", "utf-16"
# How much is kept of a line that is too long: enough to see what it was.
_KEPT = 100


class Line:
    """One line without its end; `fault` says why it cannot be used, as `(code, message)`."""

    __slots__ = ("fault", "number", "text")

    def __init__(self, number: int, text: str, fault: tuple[str, str] | None) -> None:
        self.number = number
        self.text = text
        self.fault = fault


def read_lines(stream: IO[bytes], *, first: int = 1, encoding: str = UTF_8) -> Iterator[Line]:
    """
    Give the lines of a text that ends its lines with CRLF, LF or CR; a byte order mark is skipped.

    A line that is not in the encoding, holds a NUL or is longer than 256 KB comes with its fault; of a long one only
    the beginning is kept. UTF-16 without a byte order mark is little-endian.

    :raises FileUnreadable: for UTF-16 and UTF-32, named by their byte order mark, where another encoding is expected.
    """
    started: Any = _Started(stream, encoding)
    # Only UTF-8 can keep the bytes of what it cannot read; elsewhere they become replacement characters.
    errors = "surrogateescape" if encoding == UTF_8 else "replace"
    text = io.TextIOWrapper(started, encoding=started.codec, errors=errors, newline=None)
    number = first - 1
    try:
        while True:
            line = text.readline(MAX_LINE)
            if not line:
                return
            number += 1
            if len(line) >= MAX_LINE and not line.endswith("\n"):
                begin = line[:_KEPT]
                while line and not line.endswith("\n"):
                    line = text.readline(MAX_LINE)
                yield Line(number, begin, ("line_too_long", f"the line is longer than {MAX_LINE} characters"))
                continue
            line = line.rstrip("\n")
            yield Line(number, line, _fault(line, encoding))
    finally:
        text.detach()


def _fault(line: str, encoding: str) -> tuple[str, str] | None:
    if line.isascii():
        return ("nul", "the line holds a NUL character") if "\x00" in line else None
    if encoding == UTF_8:
        broken = any("\udc80" <= character <= "\udcff" for character in line)
    else:
        broken = "\ufffd" in line
    if broken:
        return "encoding", f"the line is not {encoding.upper()}"
    return ("nul", "the line holds a NUL character") if "\x00" in line else None


class _Started(io.RawIOBase):
    """The stream behind a byte order mark, which is checked and dropped; closing it leaves the stream open."""

    def __init__(self, stream: IO[bytes], encoding: str) -> None:
        self._stream = stream
        self.codec = encoding
        head = _read_up_to(stream, 4)
        if encoding == UTF_16:
            self.codec = "utf-16-be" if head.startswith(codecs.BOM_UTF16_BE) else "utf-16-le"
            head = head.removeprefix(codecs.BOM_UTF16_BE).removeprefix(codecs.BOM_UTF16_LE)
        elif head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
            raise FileUnreadable("encoding", f"The file is UTF-16 or UTF-32; {encoding.upper()} is expected.")
        self._head = head.removeprefix(codecs.BOM_UTF8)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._stream.read(65_536 if size < 0 else size)

    def read1(self, size: int = -1) -> bytes:
        return self.read(size)


def _read_up_to(stream: IO[bytes], size: int) -> bytes:
    head = b""
    while len(head) < size:
        piece = stream.read(size - len(head))
        if not piece:
            break
        head += piece
    return head
