"""A mapping with an overlay beside the same without: on a stored message or the example, masked as payloads are."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from integration import payload_masking
from integration.choices import PayloadDirection
from integration.flows import applied_overlays, base_mappings, canonical, overlays
from integration.flows.applied_overlays import Facts
from integration.flows.mapping_declarations import NoPath
from integration.flows.overlay_expressions import UnusableExpression
from integration.flows.overlays import Applied, Overlay
from integration.models import FlowRun, MappingOverlay, Payload
from integration.operations import mapping_trials
from integration.operations.mapping_trials import Trial
from outbound.masking import masked


RUNS_OFFERED = 20
LINES_SHOWN = 1_000
HIDDEN = "•••"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of both documents side by side; `differs` when they are not the same there."""

    left: str
    right: str
    differs: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an overlay does to one message. `problem` says why there is nothing to be seen."""

    run: FlowRun | None
    source: str = ""
    lines: tuple[Line, ...] = ()
    changed: tuple[tuple[str, str], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    problem: str = ""


def runs_offered(mapping: str) -> list[FlowRun]:
    """Give the latest runs of a mapping's flow whose message is still stored."""
    stored = Payload.objects.filter(direction=PayloadDirection.REQUEST_IN, run__flow__name=mapping)
    latest = stored.order_by("-run__started_at").values_list("run_id", flat=True)[:RUNS_OFFERED]
    return list(FlowRun.objects.filter(pk__in=list(latest)).order_by("-started_at", "id"))


def preview(overlay: MappingOverlay, *, run_id: uuid.UUID | None, mask: bool, at: dt.datetime) -> Preview:
    """Map a stored message, or the packaged example without `run_id`, with and without an overlay."""
    mapping = base_mappings.find(overlay.mapping)
    run = FlowRun.objects.select_related("flow").filter(pk=run_id, flow__name=mapping.flow).first() if run_id else None
    try:
        trial = mapping_trials.stored(mapping, run) if run is not None else mapping_trials.example(mapping)
    except mapping_trials.UnableToTry as error:
        return Preview(run=run, problem=str(error))
    fields = [(each.target, each.expression, each.when_empty) for each in overlay.fields.all()]
    try:
        ready = overlays.overlay(mapping, version=overlay.version, fields=fields)
    except (UnusableExpression, NoPath) as error:
        # It was good when it was saved, by another version of the product.
        return Preview(run=run, problem=str(error))
    facts = Facts.of(run) if run is not None else Facts(flow=mapping.flow, run_id="", received_at=at)
    applied = _applied(ready, trial, facts)
    left: Any = trial.base
    right: Any = applied.document
    if mask:
        veiled = Trial(
            message=masked(trial.message), base=masked(trial.base), rows=[masked(dict(row)) for row in trial.rows]
        )
        # What comes out otherwise when masked elements go in was made of them: it is hidden, whatever its name is.
        right = _hidden(masked(right), applied, _applied(ready, veiled, facts))
        left = masked(left)
    return Preview(
        run=run,
        source=payload_masking.shown(
            canonical.write({**trial.message, "file": list(trial.rows)} if trial.rows else trial.message),
            media_type="application/json",
            mask=mask,
        ),
        lines=_side_by_side(left, right),
        changed=tuple(
            (pointer, "overlay (added)" if added else "overlay") for pointer, added in applied.changed.items()
        ),
        failures=tuple((failure.finding.pointer, failure.why) for failure in applied.failures),
    )


def _applied(overlay: Overlay, trial: Trial, facts: Facts) -> Applied:
    return applied_overlays.apply(overlay, message=trial.message, base=trial.base, rows=trial.rows, facts=facts)


def _hidden(document: Any, applied: Applied, veiled: Applied) -> Any:
    for pointer in applied.changed:
        steps = pointer.strip("/").split("/")
        real, other = _at(applied.document, steps), _at(veiled.document, steps)
        if real is None or (pointer in veiled.changed and real == other):
            continue
        place = _at(document, steps[:-1])
        if isinstance(place, dict) and steps[-1] in place:
            place[steps[-1]] = HIDDEN
    return document


def _at(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _side_by_side(left: Any, right: Any) -> tuple[Line, ...]:
    before, after = (
        json.dumps(each, indent=2, ensure_ascii=False, default=str).splitlines()[:LINES_SHOWN] for each in (left, right)
    )
    # A comma that comes because something follows is no difference.
    keys = [[line.rstrip(",") for line in lines] for lines in (before, after)]
    found: list[Line] = []
    for tag, left_from, left_to, right_from, right_to in difflib.SequenceMatcher(
        a=keys[0], b=keys[1], autojunk=False
    ).get_opcodes():
        lefts, rights = before[left_from:left_to], after[right_from:right_to]
        for index in range(max(len(lefts), len(rights))):
            found.append(
                Line(
                    left=lefts[index] if index < len(lefts) else "",
                    right=rights[index] if index < len(rights) else "",
                    differs=tag != "equal",
                )
            )
    return tuple(found)
