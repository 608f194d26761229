"""Charts as SVG, drawn on the server: no script, and nothing that a strict Content-Security-Policy refuses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from integration.reports.contract import Chart, Line


WIDTH, HEIGHT = 960, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 44
_TICKS = 4
_LABELS = 16
_CHARACTERS = 12
COLOURS = 7


def svg(chart: Chart) -> SafeString:
    """Give a chart as an SVG element; colours come from the classes `series-0` and so on."""
    top = _top(chart)
    parts = [_grid(top, chart.unit), _labels(chart.labels)]
    if chart.stacked:
        parts.append(_bars(chart, top))
    elif len(chart.labels) < 2:
        parts.append(_points(chart, top))
    else:
        parts.append(_lines(chart, top))
    return format_html(
        '<svg class="report-chart" viewBox="0 0 {} {}" role="img" aria-label="{}" focusable="false">{}</svg>',
        WIDTH,
        HEIGHT,
        chart.title,
        mark_safe("".join(parts)),  # noqa: S308  each part is escaped by format_html
    )


def legend(chart: Chart) -> list[tuple[int, Any]]:
    """Give the number of each series' colour, and its title."""
    return [(number % COLOURS, line.title) for number, line in enumerate(chart.lines)]


def _top(chart: Chart) -> float:
    if chart.stacked:
        heights = [sum(max(line.values[place] or 0, 0) for line in chart.lines) for place in range(len(chart.labels))]
    else:
        heights = [value for line in chart.lines for value in line.values if value is not None]
    highest = max(heights, default=0) or 1
    step = 10 ** math.floor(math.log10(highest / _TICKS))
    for factor in (1, 2, 2.5, 5, 10):
        if step * factor * _TICKS >= highest * 0.999999:
            return step * factor * _TICKS
    return highest


def _x(place: float, count: int) -> float:
    return _LEFT + (WIDTH - _LEFT - _RIGHT) * place / max(count, 1)


def _y(value: float, top: float) -> float:
    return HEIGHT - _BOTTOM - (HEIGHT - _TOP - _BOTTOM) * value / top


def _grid(top: float, unit: str) -> SafeString:
    rows = [
        (_LEFT, f"{_y(top * tick / _TICKS, top):.1f}", WIDTH - _RIGHT, f"{top * tick / _TICKS:,.10g} {unit}".strip())
        for tick in range(_TICKS + 1)
    ]
    return format_html_join(
        "",
        '<line class="grid" x1="{0}" x2="{2}" y1="{1}" y2="{1}"/>'
        '<text class="axis" x="58" y="{1}" dy="4" text-anchor="end">{3}</text>',
        rows,
    )


def _labels(labels: Sequence[str]) -> SafeString:
    every = max(1, -(-len(labels) // _LABELS))
    shown = [
        (f"{_x(place + 0.5, len(labels)):.1f}", HEIGHT - _BOTTOM + 18, _short(label))
        for place, label in enumerate(labels)
        if place % every == 0
    ]
    return format_html_join("", '<text class="axis" x="{}" y="{}" text-anchor="middle">{}</text>', shown)


def _short(label: str) -> str:
    # Of a date the month and day are enough; the year stands in the table.
    if len(label) == 10 and label[4] == label[7] == "-":
        return label[5:]
    return label if len(label) <= _CHARACTERS else f"{label[: _CHARACTERS - 1]}…"


def _bars(chart: Chart, top: float) -> SafeString:
    count = len(chart.labels)
    width = (WIDTH - _LEFT - _RIGHT) / max(count, 1)
    bar = min(width * 0.8, 72)
    found = []
    for place, label in enumerate(chart.labels):
        below = 0.0
        for number, line in enumerate(chart.lines):
            value = line.values[place]
            if not value or value < 0:
                continue
            found.append(
                (
                    f"series-{number % COLOURS}",
                    f"{_x(place + 0.5, count) - bar / 2:.1f}",
                    f"{_y(below + value, top):.1f}",
                    f"{bar:.1f}",
                    f"{_y(below, top) - _y(below + value, top):.1f}",
                    _tip(label, line, value, chart.unit),
                )
            )
            below += value
    return format_html_join(
        "", '<rect class="bar {}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>', found
    )


def _lines(chart: Chart, top: float) -> SafeString:
    count = len(chart.labels)
    paths = []
    for number, line in enumerate(chart.lines):
        # A place without a value ends the line; the next value begins another one.
        runs = itertools.groupby(enumerate(line.values), key=lambda pair: pair[1] is not None)
        path = " ".join(
            "M" + " L".join(f"{_x(place + 0.5, count):.1f} {_y(value or 0, top):.1f}" for place, value in run)
            for there, run in runs
            if there
        )
        if path:
            paths.append((f"series-{number % COLOURS}", path))
    return format_html("{}{}", format_html_join("", '<path class="line {}" d="{}"/>', paths), _points(chart, top))


def _points(chart: Chart, top: float) -> SafeString:
    count = len(chart.labels)
    found = [
        (
            f"series-{number % COLOURS}",
            f"{_x(place + 0.5, count):.1f}",
            f"{_y(value, top):.1f}",
            _tip(label, line, value, chart.unit),
        )
        for number, line in enumerate(chart.lines)
        for place, (label, value) in enumerate(zip(chart.labels, line.values, strict=True))
        if value is not None
    ]
    return format_html_join("", '<circle class="point {}" cx="{}" cy="{}" r="3"><title>{}</title></circle>', found)


def _tip(label: str, line: Line, value: float, unit: str) -> str:
    return f"{label} · {line.title}: {value:,.2f} {unit}".strip()
