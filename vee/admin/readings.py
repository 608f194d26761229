"""The readings of one IMD as the workbench shows them: chart, legend, grid, table, and what they are held against."""

from __future__ import annotations

import zoneinfo
from collections import Counter
from collections.abc import Collection, Sequence
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from vee import codes, comparison_queries, queries
from vee.admin.local_times import day_in_words, instant_in_words
from vee.admin.words import condition_words, in_words
from vee.comparison_queries import Beside, LikeDays
from vee.engine import registry


QUALITIES: tuple[tuple[str, Any], ...] = (
    ("regular", _("Measured")),
    ("super", _("Measured, best quality")),
    ("estimated", _("Estimated by a rule")),
    ("external", _("Estimated by the sender")),
    ("edited", _("Edited by a person")),
)
"""How values are told apart in colour and pattern, with what the legend calls them."""


def quality(*, condition: int, edited: bool, missing: bool) -> str:
    """Name the look of one value: one of `QUALITIES`, or `missing`."""
    if missing:
        return "missing"
    if edited:
        return "edited"
    if condition >= codes.Band.SUPER.low:
        return "super"
    if codes.Band.SYSTEM_ESTIMATE.low <= condition <= codes.Band.SYSTEM_ESTIMATE.high:
        return "estimated"
    if codes.Band.EXTERNAL_ESTIMATE.low <= condition <= codes.Band.EXTERNAL_ESTIMATE.high:
        return "external"
    return "regular"


def context(detail: queries.ImdDetail, open_exceptions: Sequence[Any], zone: zoneinfo.ZoneInfo) -> dict[str, Any]:
    """Give chart, cells and comparisons of one IMD for its page."""
    like = _like_days(detail, zone)
    cells = _cells(detail, open_exceptions, like, zone)
    return {
        "interval_text": interval_text(detail.imd.seconds_per_interval),
        "cells": cells,
        "chart": _chart(detail, open_exceptions, cells, like, zone),
        "legend": legend([cell["quality"] for cell in cells], always=("edited",)),
        "missing": sum(1 for cell in cells if cell["quality"] == "missing"),
        "flagged": sum(1 for cell in cells if cell["flags"]),
        "like_days": like,
        "totals": _totals(detail, like, zone),
    }


def legend(qualities: Sequence[str], *, always: Collection[str] = ()) -> list[dict[str, Any]]:
    """Give the entries of the chart's legend with their counts: those that occur, and those to show in any case."""
    counts = Counter(qualities)
    return [
        {"name": name, "label": label, "count": counts[name]}
        for name, label in QUALITIES
        if counts[name] or name in always
    ]


def interval_text(seconds: int | None) -> str:
    """Write the size of an interval as people say it."""
    if not seconds:
        return ""
    if seconds % 3600 == 0:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def plain(value: Decimal) -> str:
    """Write a number without an exponent and without zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def setter_in_words(setter: str | None) -> str:
    """Say what set a value: the title of a rule, or a person; empty for one that stands as it was received."""
    return gettext("a person") if setter == queries.EDITED else registry.title_of(setter or "")


def _like_days(detail: queries.ImdDetail, zone: zoneinfo.ZoneInfo) -> LikeDays | None:
    if detail.component is None or not detail.post_vee:
        return None
    ends = [reading.end for reading in detail.post_vee]
    return comparison_queries.like_days(component=detail.component, imd=detail.imd, ends=ends, zone=zone)


def _flags(open_exceptions: Sequence[Any], length: int) -> list[dict[str, Any]]:
    return [
        {
            "first": found.first_interval,
            "last": min(found.last_interval if found.last_interval is not None else found.first_interval, length - 1),
            "severity": found.severity,
            "message": in_words(found.message),
        }
        for found in open_exceptions
        if found.first_interval is not None and found.first_interval < length
    ]


def _cells(
    detail: queries.ImdDetail, open_exceptions: Sequence[Any], like: LikeDays | None, zone: zoneinfo.ZoneInfo
) -> list[dict[str, Any]]:
    flags: dict[int, list[str]] = {}
    for flag in _flags(open_exceptions, len(detail.post_vee)):
        for index in range(flag["first"], flag["last"] + 1):
            flags.setdefault(index, []).append(flag["message"])
    cells = []
    for index, (before, after) in enumerate(zip(detail.pre_vee, detail.post_vee, strict=True)):
        look = quality(condition=after.condition, edited=after.rule == queries.EDITED, missing=after.value is None)
        low, high = (like.low[index], like.high[index]) if like else (None, None)
        cells.append(
            {
                "index": index,
                "label": after.end.astimezone(zone).strftime("%H:%M"),
                "day": day_in_words(after.end, zone),
                "value": "" if after.value is None else plain(after.value),
                "received": "–" if before.value is None else plain(before.value),
                "condition": condition_words(after.condition),
                "rule": setter_in_words(after.rule),
                "quality": look,
                "flags": flags.get(index, []),
                "like": "" if low is None or high is None else f"{plain(low)} – {plain(high)}",
                "classes": f"{look} flagged" if index in flags else look,
            }
        )
    return cells


def _chart(
    detail: queries.ImdDetail,
    open_exceptions: Sequence[Any],
    cells: Sequence[dict[str, Any]],
    like: LikeDays | None,
    zone: zoneinfo.ZoneInfo,
) -> dict[str, Any]:
    # Readings of subtractive intervals are no consumption: one axis cannot show both.
    kind = detail.component.type.component_kind if detail.component is not None else ""
    received = [] if kind == codes.ComponentKind.SUBTRACTIVE_INTERVAL else detail.pre_vee
    count = len(detail.post_vee)
    return {
        "ends": [int(reading.end.timestamp()) for reading in detail.post_vee],
        "labels": [f"{cell['day']} {cell['label']}" for cell in cells],
        "pre": _numbers([reading.value for reading in received]) or [None] * count,
        "post": _numbers([reading.value for reading in detail.post_vee]),
        "low": _numbers(like.low) if like else [None] * count,
        "high": _numbers(like.high) if like else [None] * count,
        "qualities": [cell["quality"] for cell in cells],
        "conditions": [cell["condition"] for cell in cells],
        "flags": _flags(open_exceptions, count),
        "seconds_per_interval": detail.imd.seconds_per_interval,
        "decimals": min(detail.scale, 3),
        "uom": detail.uom,
        "time_zone": zone.key,
    }


def _numbers(values: Sequence[Decimal | None]) -> list[float | None]:
    return [None if value is None else float(value) for value in values]


def _totals(detail: queries.ImdDetail, like: LikeDays | None, zone: zoneinfo.ZoneInfo) -> list[dict[str, Any]]:
    """Give what adds up beside what: this IMD, its like days, and the components beside it."""
    if detail.component is None or detail.imd.seconds_per_interval is None:
        return []
    rows = []
    if detail.component.type.component_kind != codes.ComponentKind.SUBTRACTIVE_INTERVAL:
        rows.append(_own_total(_("Received"), detail.pre_vee, detail.uom))
    rows.append(_own_total(_("After VEE"), detail.post_vee, detail.uom))
    if like and like.totals:
        low, high = plain(min(like.totals)), plain(max(like.totals))
        rows.append(
            {
                "name": _("Like days"),
                "total": low if low == high else f"{low} – {high}",
                "uom": detail.uom,
                "note": _("the lowest and the highest of the same weekdays in the %(weeks)d weeks before (%(count)d)")
                % {"weeks": comparison_queries.WEEKS, "count": len(like.totals)},
            }
        )
    near = comparison_queries.beside(component=detail.component, start=detail.imd.start, end=detail.imd.end)
    return [*rows, *(_beside_total(each, detail, zone) for each in near)]


def _own_total(name: Any, readings: Sequence[queries.Reading], uom: str) -> dict[str, Any]:
    there = [reading.value for reading in readings if reading.value is not None]
    missing = len(readings) - len(there)
    return {
        "name": name,
        "total": plain(sum(there, Decimal(0))),
        "uom": uom,
        "note": ngettext("%(count)d interval without a value", "%(count)d intervals without a value", missing)
        % {"count": missing}
        if missing
        else "",
    }


def _beside_total(each: Beside, detail: queries.ImdDetail, zone: zoneinfo.ZoneInfo) -> dict[str, Any]:
    register = each.component.type.component_kind == codes.ComponentKind.SCALAR
    note = ""
    if register and (each.start, each.end) != (detail.imd.start, detail.imd.end):
        note = _("between its reads of %(start)s and %(end)s") % {
            "start": instant_in_words(each.start, zone),
            "end": instant_in_words(each.end, zone),
        }
    elif each.estimated:
        note = _("%(count)d of it estimated or not measured") % {"count": each.estimated}
    return {
        "name": _("Register %(name)s") % {"name": each.component}
        if register
        else _("Beside it: %(name)s") % {"name": each.component},
        "component": each.component,
        "total": plain(each.total),
        "uom": each.component.type.uom,
        "note": note,
    }
