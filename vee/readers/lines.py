"""Bytes into numbered lines, in constant memory."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from vee.readers.base import FileUnreadable


MAX_LINE = 262_144
UTF_8, UTF_16 = "utf-8", "utf-16"
# How much is kept of a line that is too long: enough to see what it was.
_KEPT = 100
# How many bytes are read at a time, and about how many characters make a block: what pays for numpy and costs little.
_READ, _PIECE = 8_192, 65_536


class Line:
    """One line without its end; `fault` says why it cannot be used, as `(code, message)`."""

    __slots__ = ("fault", "number", "text")

    def __init__(self, number: int, text: str, fault: tuple[str, str] | None) -> None:
        self.number = number
        self.text = text
        self.fault = fault


@dataclass(frozen=True, slots=True)
class LineBlock:
    """Consecutive lines without their ends; `faults` says by place which cannot be used and why."""

    first: int
    texts: list[str]
    faults: Mapping[int, tuple[str, str]]

    def line(self, place: int) -> Line:
        """Give one of the lines, counted from 0."""
        return Line(self.first + place, self.texts[place], self.faults.get(place))


def read_lines(stream: IO[bytes], *, first: int = 1, encoding: str = UTF_8) -> Iterator[Line]:
    """
    Give the lines of a text that ends its lines with CRLF, LF or CR; a byte order mark is skipped.

    A line that is not in the encoding, holds a NUL or is longer than 256 KB comes with its fault; of a long one only
    the beginning is kept. UTF-16 without a byte order mark is little-endian.

    :raises FileUnreadable: for UTF-16 and UTF-32, named by their byte order mark, where another encoding is expected.
    """
    for block in read_blocks(stream, first=first, encoding=encoding):
        if block.faults:
            yield from map(block.line, range(len(block.texts)))
        else:
            for number, text in enumerate(block.texts, start=block.first):
                yield Line(number, text, None)


def read_blocks(stream: IO[bytes], *, first: int = 1, encoding: str = UTF_8) -> Iterator[LineBlock]:
    """
    Give the lines that `read_lines` gives, many at once.

    A stream that fails has given all lines before its fault.
    """
    rest = ""
    for text in _pieces(stream, encoding):
        texts = (rest + text).split("\n")
        # A line without an end goes on in the next piece; of one that is too long no more is needed.
        rest = texts.pop()[:MAX_LINE]
        if texts:
            yield _block(first, texts, encoding)
            first += len(texts)
    if rest:
        yield _block(first, [rest], encoding)


def _pieces(stream: IO[bytes], encoding: str) -> Iterator[str]:
    """Give a text in pieces of about `_PIECE` characters, its lines ended by LF."""
    started = _Started(stream, encoding)
    # Only UTF-8 can keep the bytes of what it cannot read; elsewhere they become replacement characters.
    errors = "surrogateescape" if encoding == UTF_8 else "replace"
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(started.codec)(errors), translate=True)
    parts: list[str] = []
    size = 0
    try:
        while raw := started.read(_READ):
            parts.append(decoder.decode(raw))
            size += len(parts[-1])
            if size >= _PIECE:
                yield "".join(parts)
                parts, size = [], 0
    except Exception:
        if parts:
            yield "".join(parts)
        raise
    yield "".join([*parts, decoder.decode(b"", final=True)])


def _block(first: int, texts: list[str], encoding: str) -> LineBlock:
    faults: dict[int, tuple[str, str]] = {}
    whole = "\n".join(texts)
    # Of what is plain ASCII no line has to be looked at by itself.
    if not whole.isascii() or "\x00" in whole:
        for place, text in enumerate(texts):
            fault = _fault(text, encoding)
            if fault is not None:
                faults[place] = fault
    if len(whole) >= MAX_LINE:
        for place, text in enumerate(texts):
            if len(text) >= MAX_LINE:
                texts[place] = text[:_KEPT]
                faults[place] = ("line_too_long", f"the line is longer than {MAX_LINE} characters")
    return LineBlock(first, texts, faults)


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


class _Started:
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

    def read(self, size: int) -> bytes:
        """Give some bytes, at most `size` of them behind the first few; none at the end."""
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._stream.read(size)


def _read_up_to(stream: IO[bytes], size: int) -> bytes:
    head = b""
    while len(head) < size:
        piece = stream.read(size - len(head))
        if not piece:
            break
        head += piece
    return head
