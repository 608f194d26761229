"""What runs and their steps count, as people read it."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext, gettext_noop

from integration.choices import SegmentState


# In the order in which they are told, whatever the database makes of that of a document's keys.
_LABELS = {
    "SUCCESS": gettext_noop("Accepted"),
    "ERROR": gettext_noop("Refused"),
    "FAILURE": gettext_noop("Failed"),
    "NOT_SENT": gettext_noop("Not sent"),
    "received": gettext_noop("Received"),
    "files": gettext_noop("Files"),
    "rows": gettext_noop("Rows"),
    "segments": gettext_noop("Segments"),
    "to_send": gettext_noop("To send"),
    "sent": gettext_noop("Sent"),
    "acknowledged": gettext_noop("Acknowledged"),
    "answered_before": gettext_noop("Answered before"),
    "cached": gettext_noop("Known from a moment ago"),
    "devices": gettext_noop("Devices"),
    "duplicates": gettext_noop("Came twice"),
    "found": gettext_noop("Found"),
    "incident": gettext_noop("Incident"),
    "invalid": gettext_noop("Not valid"),
    "mails": gettext_noop("Mails"),
    "new_files": gettext_noop("New files"),
    "not_transferred": gettext_noop("Not transferred"),
    "occurrences": gettext_noop("Occurrences"),
    "refused": gettext_noop("Refused"),
    "renamed": gettext_noop("Renamed"),
    "replaced_meanwhile": gettext_noop("Replaced meanwhile"),
    "rows_told": gettext_noop("Rows told"),
    "running_segments": gettext_noop("Segments on their way"),
    "skipped_segments": gettext_noop("Segments skipped"),
    "status": gettext_noop("HTTP status"),
    "transferred": gettext_noop("Transferred"),
    "translated": gettext_noop("Translated"),
    "troubles": gettext_noop("Troubles"),
}


def _places() -> dict[str, int]:
    """Give the order of the counts; the states of segments stand behind their number."""
    names = list(_LABELS)
    behind = names.index("segments") + 1
    return {name: place for place, name in enumerate([*names[:behind], *SegmentState.values, *names[behind:]])}


_PLACES = _places()


def said(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Give each count with its label; a state that no segment is in is left out, an unknown name is given as it is."""
    states = dict(SegmentState.choices)
    return [
        (str(states[name]) if name in states else label_of(name), count)
        for name, count in sorted(counts.items(), key=_place)
        if count or name not in states
    ]


def _place(entry: tuple[str, int]) -> tuple[int, str]:
    name, _count = entry
    return _PLACES.get(name, len(_PLACES)), name


def label_of(name: str) -> str:
    """Give what people call a count; its own name in words where none is known."""
    known = _LABELS.get(name)
    words = gettext(known) if known else name.replace("_", " ")
    return words[:1].upper() + words[1:]
