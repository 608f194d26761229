"""
Configuration documents as YAML: read with the line of every place, written for people to read. Plain Python.

Written, everything stands in block style, long texts as literal blocks, and an entry of a list that fits on a line on
one line. Numbers are exact: what a float would lose is a Decimal. The same content is the same text, byte for byte.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import yaml


MAX_BYTES = 20 * 1024 * 1024
MAX_NODES = 1_000_000
MAX_DEPTH = 100
LINE_LENGTH = 120
# What an entry of a list may take to stand on one line.
_ON_ONE_LINE = 110
_DIGITS_END = 1e16
_TEXT = "tag:yaml.org,2002:str"
_BREAKS = re.compile("[\r\x85\u2028\u2029]")
_READER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class UnableToReadDocument(ValueError):
    """The text is no document; `line` says where, 0 when that is not known."""

    def __init__(self, message: str, *, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document that was read: its sections, the line of every place by JSON pointer, and SHA-256 of its text."""

    sections: Mapping[str, Any]
    lines: Mapping[str, int] = field(default_factory=dict)
    digest: str = ""

    def line_of(self, pointer: str) -> int:
        """Give the line of a place, or of the nearest one around it that stands in the document; 0 without lines."""
        while pointer and pointer not in self.lines:
            pointer = pointer.rpartition("/")[0]
        return self.lines.get(pointer, 0)


def read(text: str) -> Document:
    """
    Read a document: a mapping of sections, in which no key stands twice.

    :raises UnableToReadDocument: when it is none.
    """
    raw = text.encode("utf-8", errors="replace")
    if len(raw) > MAX_BYTES:
        raise UnableToReadDocument(f"The document is larger than {MAX_BYTES // (1024 * 1024)} MB.")
    _check_depth(text)
    loader = _Loader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return Document(sections={}, digest=hashlib.sha256(raw).hexdigest())
        if not isinstance(node, yaml.MappingNode):
            raise UnableToReadDocument("The document holds no mapping of sections.", line=_line(node))
        lines = _Lines()
        lines.walk(node, "")
        sections = loader.construct_document(node)
        return Document(sections=sections, lines=lines.found, digest=hashlib.sha256(raw).hexdigest())
    except (yaml.YAMLError, UnicodeError) as error:
        raise _not_yaml(error) from None
    except RecursionError:
        # An alias within what it stands for.
        raise UnableToReadDocument("The document holds itself.") from None
    finally:
        loader.dispose()


def write(sections: Mapping[str, Any], *, heading: str = "") -> str:
    """Give the sections as YAML, with an empty line between them and a heading as comment lines."""
    parts = ["".join(f"# {line}\n" for line in heading.splitlines())] if heading else []
    parts += [
        yaml.dump(
            {name: content},
            Dumper=_Dumper,
            sort_keys=False,
            allow_unicode=True,
            width=LINE_LENGTH,
            default_flow_style=False,
        )
        for name, content in sections.items()
    ]
    return "\n".join(parts)


def on_one_line(value: Any) -> str:
    """Give a value as it would stand in a document, on one line."""
    text: str = yaml.dump(
        value, Dumper=_LineDumper, sort_keys=False, allow_unicode=True, width=math.inf, default_flow_style=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _check_depth(text: str) -> None:
    # Event by event, before anything recurses: the depth of a document is its writer's choice.
    loader, depth = _Loader(text), 0
    try:
        while loader.check_event():
            event = loader.get_event()
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise UnableToReadDocument("The document is nested too deeply.", line=event.start_mark.line + 1)
    except (yaml.YAMLError, UnicodeError) as error:
        raise _not_yaml(error) from None
    finally:
        loader.dispose()


def _not_yaml(error: Exception) -> UnableToReadDocument:
    if not isinstance(error, yaml.MarkedYAMLError):
        return UnableToReadDocument(f"The document is not YAML: {' '.join(str(error).split())}.")
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 0
    return UnableToReadDocument(f"The document is not YAML: {error.problem or error.context}.", line=line)


class _Lines:
    def __init__(self) -> None:
        self.found: dict[str, int] = {}
        self._count = 0

    def walk(self, node: yaml.Node, pointer: str) -> None:
        self._count += 1
        if self._count > MAX_NODES:
            # Aliases of aliases make much of little.
            raise UnableToReadDocument(f"The document holds more than {MAX_NODES} values.", line=_line(node))
        self.found.setdefault(pointer, _line(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                place = f"{pointer}/{escaped(key.value)}" if isinstance(key, yaml.ScalarNode) else pointer
                self.found.setdefault(place, _line(key))
                self.walk(value, place)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.walk(item, f"{pointer}/{index}")


def escaped(step: object) -> str:
    """Give a step of a JSON pointer (RFC 6901)."""
    return str(step).replace("~", "~0").replace("/", "~1")


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


class _Loader(_READER):  # type: ignore[misc]
    """Refuses a key that stands twice in one mapping: the second would silently win."""


def _mapping(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    seen = set()
    for key_node, _value in node.value:
        key = loader.construct_object(key_node, deep=True)
        try:
            twice = key in seen
        except TypeError:
            raise UnableToReadDocument("A key is a name or a number.", line=_line(key_node)) from None
        if twice:
            raise UnableToReadDocument(f"The key {key!r} stands twice.", line=_line(key_node))
        seen.add(key)
    return loader.construct_mapping(node)  # type: ignore[no-any-return]


def _float(loader: Any, node: yaml.ScalarNode) -> float | Decimal:
    number: float = loader.construct_yaml_float(node)
    if not math.isfinite(number):
        raise UnableToReadDocument("A number is finite.", line=_line(node))
    try:
        written = Decimal(node.value.replace("_", ""))
    except InvalidOperation:
        # Base 60 of YAML 1.1: nothing that is lost.
        return number
    return number if Decimal(repr(number)) == written else written


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)


class _LineDumper(yaml.SafeDumper):
    """Writes values whose numbers are exact."""

    def ignore_aliases(self, data: Any) -> bool:
        """Write what stands twice twice."""
        return True


class _Dumper(_LineDumper):
    """Writes a document as people like to read it."""

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> yaml.SequenceNode:
        node = super().represent_sequence(tag, sequence, flow_style)
        for item in node.value:
            if isinstance(item, yaml.MappingNode):
                item.flow_style = _fits(item)
        if all(isinstance(item, yaml.ScalarNode) for item in node.value):
            node.flow_style = _fits(node)
        return node

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        """Indent the entries of a list below their key."""
        super().increase_indent(flow, indentless=False)


def _fits(node: yaml.CollectionNode) -> bool:
    length = _length(node)
    return length is not None and length <= _ON_ONE_LINE


def _length(node: yaml.Node) -> int | None:
    """Give the characters that a flat value takes on one line; None when it is nested, or holds a long text."""
    if isinstance(node, yaml.ScalarNode):
        return None if node.style == "|" else len(node.value) + 2
    parts = [part for item in node.value for part in (item if isinstance(item, tuple) else (item,))]
    total = 2
    for part in parts:
        flat = isinstance(part, yaml.ScalarNode) or (
            isinstance(part, yaml.SequenceNode) and all(isinstance(item, yaml.ScalarNode) for item in part.value)
        )
        length = _length(part) if flat or not getattr(part, "value", None) else None
        if length is None:
            return None
        total += length + 2
    return total


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    block = "\n" in text.rstrip("\n") and not _BREAKS.search(text)
    return dumper.represent_scalar(_TEXT, text, style="|" if block else _style(text))


def _text_on_one_line(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_TEXT, text, style=_style(text))


def _style(text: str) -> str | None:
    # What YAML takes for the end of a line is escaped, so that it stays what it is.
    return '"' if "\n" in text or _BREAKS.search(text) else None


def _decimal(dumper: yaml.SafeDumper, number: Decimal) -> yaml.ScalarNode:
    text = f"{number:f}"
    return dumper.represent_scalar(f"tag:yaml.org,2002:{'float' if '.' in text else 'int'}", text)


def _number(dumper: yaml.SafeDumper, number: float) -> yaml.ScalarNode:
    # Beyond that the digits are not the number's own any more.
    return _decimal(dumper, Decimal(repr(number))) if abs(number) < _DIGITS_END else dumper.represent_float(number)


def _moment(dumper: yaml.SafeDumper, moment: dt.datetime) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", moment.isoformat())


for _dumper in (_LineDumper, _Dumper):
    _dumper.add_representer(Decimal, _decimal)
    _dumper.add_representer(float, _number)
    _dumper.add_representer(dt.datetime, _moment)
    _dumper.add_representer(str, _text_on_one_line)
    _dumper.add_multi_representer(str, _text_on_one_line)
_Dumper.add_representer(str, _text)
_Dumper.add_multi_representer(str, _text)


def as_json(value: Any) -> str:
    """Give a value of a document as JSON, its numbers exact where JSON's own are."""
    return json.dumps(value, default=_fallback, ensure_ascii=False)


def dated(value: Any) -> Any:
    """Give a value with its dates as text; numbers stay as exact as they are."""
    if isinstance(value, Mapping):
        return {str(key): dated(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [dated(item) for item in value]
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else value


def plain(value: Any) -> Any:
    """Give a value of a document as JSON keeps it."""
    return json.loads(as_json(value))


def _fallback(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dt.date | dt.datetime):
        return value.isoformat()
    raise TypeError(f"{type(value)} cannot be written as JSON")
