"""The frame of a Green Button feed: which reading type each meter reading has, gathered before its blocks are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import IO
from urllib.parse import unquote, urlsplit

from vee.readers.base import FileUnreadable
from vee.readers.xml_events import NotWellFormed, Start, read_events


# A feed tells of so many meters at most; beyond it is no feed but a flood.
MAX_ENTRIES = 100_000
_LONGEST_ADDRESS = 1_000
_ROOTS = frozenset({"feed", "entry"})
_CODE = re.compile(r"-?[0-9]{1,6}")
_TYPE_FIELDS = frozenset({"uom", "powerOfTenMultiplier", "intervalLength", "accumulationBehaviour", "defaultQuality"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingType:
    """What a ReadingType says; fields that it leaves out, or that are no codes, are None."""

    uom: int | None = None
    power_of_ten: int = 0
    seconds: int | None = None
    behaviour: int | None = None
    quality: int | None = None


@dataclass(slots=True)
class Links:
    """The links of an entry, as far as they tell what belongs to what."""

    own: str = ""
    up: str = ""
    reading_type: str = ""

    def add(self, attributes: dict[str, str]) -> None:
        """Take a link element."""
        path = address_path(attributes.get("href", ""))
        relation = attributes.get("rel", "")
        if relation == "self":
            self.own = path
        elif relation == "up":
            self.up = path
        elif relation == "related" and segment_after(path, "ReadingType"):
            self.reading_type = segment_after(path, "ReadingType")

    @property
    def meter_reading(self) -> tuple[str, str]:
        """The path of the meter reading that the entry is or lies under, and the component that it names."""
        for path in (self.own, self.up):
            point, reading = segment_after(path, "UsagePoint"), segment_after(path, "MeterReading")
            if point and reading:
                before, _, _ = path.rpartition("/MeterReading/")
                return f"{before}/MeterReading/{reading}", point if point == reading else f"{point}-{reading}"
        return "", ""


@dataclass(slots=True)
class Index:
    """Reading types by their identifier, and by component the path and the type of its meter reading."""

    types: dict[str, ReadingType] = field(default_factory=dict)
    readings: dict[str, tuple[str, str]] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)

    def type_of(self, component: str) -> ReadingType | None:
        """Give the reading type of a component: the one that is linked, or the only one that there is."""
        _, linked = self.readings.get(component, ("", ""))
        if linked:
            return self.types.get(linked)
        return next(iter(self.types.values())) if len(self.types) == 1 else None

    def add_reading(self, links: Links) -> None:
        """Take the entry of a MeterReading; two of one name in one feed could not be told apart."""
        path, component = links.meter_reading
        if component and self.readings.setdefault(component, (path, links.reading_type))[0] != path:
            self.ambiguous.add(component)


def read_index(stream: IO[bytes]) -> Index:
    """
    Read a feed to its end, or to where it breaks, and keep its frame.

    :raises FileUnreadable: when it is no XML or no feed, or has more than 100,000 meter readings or types.
    """
    index, links, kind, texts = Index(), Links(), "", {}  # type: tuple[Index, Links, str, dict[str, str]]
    begun = False
    try:
        for event in read_events(stream):
            if isinstance(event, Start):
                if not begun and event.name not in _ROOTS:
                    raise FileUnreadable("other_format", f"The root is {event.name!a}, not an Atom feed.")
                begun = True
                if event.name == "entry":
                    links, kind, texts = Links(), "", {}
                elif event.name == "link":
                    links.add(dict(event.attributes))
                elif event.name in ("ReadingType", "MeterReading"):
                    kind = event.name
            elif event.name in _TYPE_FIELDS and kind == "ReadingType":
                texts[event.name] = event.text
            elif event.name == "entry":
                _keep(index, kind, links, texts)
    except NotWellFormed as broken:
        if not begun:
            raise FileUnreadable("other_format", f"The file is no XML: {broken.message}.") from None
    return index


def _keep(index: Index, kind: str, links: Links, texts: dict[str, str]) -> None:
    if kind == "ReadingType":
        index.types[segment_after(links.own, "ReadingType")] = ReadingType(
            uom=_code(texts.get("uom")),
            power_of_ten=_code(texts.get("powerOfTenMultiplier")) or 0,
            seconds=_code(texts.get("intervalLength")),
            behaviour=_code(texts.get("accumulationBehaviour")),
            quality=_code(texts.get("defaultQuality")),
        )
    elif kind == "MeterReading":
        index.add_reading(links)
    if len(index.types) > MAX_ENTRIES or len(index.readings) > MAX_ENTRIES:
        raise FileUnreadable("too_many_entries", f"The feed has more than {MAX_ENTRIES} meter readings or types.")


def _code(text: str | None) -> int | None:
    return int(text) if text is not None and _CODE.fullmatch(text) else None


def address_path(href: str) -> str:
    """Give the path of a link, without scheme, host and slashes at its ends; empty when it is no address."""
    if len(href) > _LONGEST_ADDRESS:
        return ""
    try:
        return urlsplit(href).path.strip("/")
    except ValueError:
        return ""


def segment_after(path: str, name: str) -> str:
    """Give the segment of a path that follows the last one of a name, unescaped; empty when there is none."""
    segments = path.split("/")
    for place in range(len(segments) - 2, -1, -1):
        if segments[place] == name:
            return unquote(segments[place + 1])
    return ""
