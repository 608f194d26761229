"""EDIFACT into segments, in constant memory: separators by UNA, release character, line ends between segments."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import IO

from vee.readers.base import FileUnreadable


# Longer than any segment of a meter data message by far.
MAX_SEGMENT = 10_000
_PIECE = 65_536
_UNA = b"UNA"
# The first character of the private use area.
_PRIVATE = 0xE000


@dataclasses.dataclass(frozen=True, slots=True)
class Segment:
    """
    One segment: its tag, and its data elements as lists of components; `fault` says why it cannot be used.

    `number` counts segments from 1, the service string advice left out.
    """

    number: int
    tag: str
    elements: list[list[str]]
    fault: tuple[str, str] | None = None

    def component(self, element: int, place: int = 0) -> str:
        """Give a component by the places of its element (after the tag) and its own; empty when there is none."""
        if element < len(self.elements) and place < len(self.elements[element]):
            return self.elements[element][place]
        return ""


@dataclasses.dataclass(frozen=True, slots=True)
class Separators:
    """What an interchange separates with; the standard's own unless a UNA says otherwise."""

    component: str = ":"
    element: str = "+"
    decimal: str = "."
    release: str = "?"
    terminator: str = "'"


class Interchange:
    """
    The segments of one file.

    Text is taken as ISO 8859-1, which holds every byte: names of components are ASCII in all of the syntax's
    character sets that matter here.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        """
        Read what stands before the first segment.

        :raises FileUnreadable: when the file is empty or begins with neither UNA nor UNB.
        """
        self._stream = stream
        head = _read_up_to(stream, _PIECE).removeprefix(b"\xef\xbb\xbf").lstrip()
        if not head:
            raise FileUnreadable("empty_file", "The file is empty.")
        self.separators = Separators()
        if head.startswith(_UNA):
            self.separators = _advice(head[3:9].decode("latin-1"))
            head = head[9:]
        elif not head.startswith(b"UNB"):
            raise FileUnreadable("other_format", "The file begins with neither UNA nor UNB: it is no EDIFACT.")
        self._head = head.decode("latin-1")
        # Released marks are put aside, as characters that no byte stands for, while the text is split.
        marks = self.separators
        released = [marks.release, marks.component, marks.element, marks.terminator]
        self._marks = {_PRIVATE + place: mark for place, mark in enumerate(released)}
        self._stand_ins = [
            *((marks.release + mark, chr(_PRIVATE + place)) for place, mark in enumerate(released)),
            (marks.release, ""),
        ]

    def segments(self) -> Iterator[Segment]:
        """Give the segments in order; what follows the last terminator, white space apart, comes with a fault."""
        for number, (text, closed) in enumerate(self._texts(), 1):
            if not closed:
                yield Segment(
                    number, "", [], ("unterminated", "the last segment has no end: the file may have been cut")
                )
            elif len(text) > MAX_SEGMENT:
                fault = ("segment_too_long", f"the segment is longer than {MAX_SEGMENT} characters")
                yield Segment(number, text[:3], [], fault)
            else:
                yield self._segment(number, text)

    def _texts(self) -> Iterator[tuple[str, bool]]:
        """Give the texts between terminators, still escaped; of a text that is too long only the beginning."""
        boundary = re.compile(_boundary(self.separators), re.DOTALL)
        rest, cut = self._head, ""
        while True:
            begin = 0
            for found in boundary.finditer(rest):
                if found[0] == self.separators.terminator:
                    yield (cut + rest[begin : found.start()]).strip("\r\n\t "), True
                    begin, cut = found.end(), ""
            rest = rest[begin:]
            # A release character at the very end belongs to what comes next.
            held = rest[-1:] if _ends_released(rest, self.separators.release) else ""
            if len(rest) > MAX_SEGMENT:
                cut, rest = (cut + rest)[: MAX_SEGMENT + 1], held
            piece = self._stream.read(_PIECE)
            if not piece:
                break
            rest += piece.decode("latin-1")
        if (cut + rest).strip("\r\n\t \x1a"):
            yield cut + rest, False

    def _segment(self, number: int, text: str) -> Segment:
        separators = self.separators
        if "\x00" in text:
            return Segment(number, text[:3], [], ("nul", "the segment holds a NUL character"))
        released = separators.release != " " and separators.release in text
        if released:
            for mark, stand_in in self._stand_ins:
                text = text.replace(mark, stand_in)
        elements = [element.split(separators.component) for element in text.split(separators.element)]
        if released:
            elements = [[component.translate(self._marks) for component in element] for element in elements]
        return Segment(number, elements[0][0], elements[1:])


def _advice(marks: str) -> Separators:
    # Component, element, decimal mark, release, one that is reserved, terminator.
    component, element, decimal, release, _, terminator = list(marks.ljust(6))
    separators = Separators(component, element, decimal, release, terminator)
    used = [component, element, terminator, *([release] if release != " " else [])]
    if len(set(used)) != len(used) or any(mark.isalnum() or mark == " " for mark in used) or decimal not in ".,":
        raise FileUnreadable("invalid_una", f"The service string advice UNA{marks!a} cannot be used.")
    return separators


def _boundary(separators: Separators) -> str:
    terminator = re.escape(separators.terminator)
    # A blank in the place of the release character means that there is none.
    return terminator if separators.release == " " else f"{re.escape(separators.release)}.|{terminator}"


def _ends_released(text: str, release: str) -> bool:
    return release != " " and (len(text) - len(text.rstrip(release))) % 2 == 1


def _read_up_to(stream: IO[bytes], size: int) -> bytes:
    head = b""
    while len(head) < size:
        piece = stream.read(size - len(head))
        if not piece:
            break
        head += piece
    return head
