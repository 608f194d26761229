"""XML as a stream of elements, in constant memory; document types, and with them entities, are refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import IO, NamedTuple
from xml.parsers import expat

from vee.readers.base import FileUnreadable


MAX_DEPTH = 64
# What is kept of an element's text: more than any value of a reading has.
MAX_TEXT = 1_000
# How far the parser may read without coming to the end of a tag, a comment or a piece of text.
MAX_TOKEN = 1_048_576
_PIECE = 65_536


class NotWellFormed(Exception):
    """The XML breaks off or breaks its own rules; `line` says where."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


class Start(NamedTuple):
    """The beginning of an element; names are local ones, without their namespace."""

    name: str
    attributes: Mapping[str, str]
    line: int


class End(NamedTuple):
    """The end of an element, with the text since the tag before it."""

    name: str
    text: str
    line: int


def read_events(stream: IO[bytes]) -> Iterator[Start | End]:
    """
    Give the beginnings and ends of elements in order.

    :raises NotWellFormed: where the text is no XML any more.
    :raises FileUnreadable: for a document type, more than 64 levels, or a tag or comment of more than a megabyte.
    """
    return _Parser().read(stream)


def refuse_document_type(stream: IO[bytes]) -> None:
    """
    Read up to the first element.

    :raises FileUnreadable: when a document type is declared before it.
    :raises NotWellFormed: when there is no element.
    """
    next(iter(read_events(stream)), None)


class _Parser:
    def __init__(self) -> None:
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.CommentHandler = self._progress
        self._parser.ProcessingInstructionHandler = self._progress
        self._events: list[Start | End] = []
        self._kept: list[str] = []
        self._length = 0
        self._depth = 0
        self._silent = 0

    def read(self, stream: IO[bytes]) -> Iterator[Start | End]:
        broken: NotWellFormed | None = None
        while broken is None:
            piece = stream.read(_PIECE)
            self._silent += len(piece)
            try:
                self._parser.Parse(piece, not piece)
            except expat.ExpatError as error:
                message = expat.ErrorString(error.code)
                broken = NotWellFormed(error.lineno, f"the XML cannot be read further: {message}")
            if self._silent > MAX_TOKEN:
                raise FileUnreadable("element_too_long", f"A tag or comment is longer than {MAX_TOKEN} bytes.")
            yield from self._events
            self._events.clear()
            if not piece:
                break
        if broken is not None:
            raise broken

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._progress()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FileUnreadable("too_deep", f"The XML is nested more than {MAX_DEPTH} levels deep.")
        local = {key.rpartition(" ")[2]: value for key, value in attributes.items()} if attributes else attributes
        self._events.append(Start(name.rpartition(" ")[2], local, self._parser.CurrentLineNumber))
        self._kept, self._length = [], 0

    def _end(self, name: str) -> None:
        self._progress()
        self._depth -= 1
        text = "".join(self._kept).strip()
        self._events.append(End(name.rpartition(" ")[2], text, self._parser.CurrentLineNumber))
        self._kept, self._length = [], 0

    def _text(self, text: str) -> None:
        self._progress()
        if self._length < MAX_TEXT:
            self._kept.append(text[:MAX_TEXT])
            self._length += len(text)

    def _progress(self, *_: object) -> None:
        self._silent = 0

    def _doctype(self, *_: object) -> None:
        raise FileUnreadable("document_type", "The XML declares a document type; that is not allowed here.")
