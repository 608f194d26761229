"""What the page of one run shows."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils import timezone

from integration import payload_masking, queries, run_relations, run_timeline
from integration.admin import badges, run_progress
from integration.models import FlowRun, Payload, StoredFile
from integration.run_relations import Node


PAYLOADS_SHOWN = 40
MOST_SHOWN = 20_000
"""Characters of a payload on the page of its run; the file has all of it."""

MOST_READ = 256 * 1024
"""Bytes of a payload that the page reads: a larger one is not decrypted to show its beginning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadBlock:
    """A payload with its text as people read it; empty when it is too large for the page."""

    payload: Payload
    text: str
    download: str
    compare: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A run of the tree of repetitions, with those that repeat it."""

    run: FlowRun
    attempts: list[run_timeline.Attempt]
    current: bool
    badge: str
    address: str
    children: list[Branch]


def run_page(
    object_id: str, *, unmasked: bool, may_unmask: bool, may_see_payloads: bool, may_view: Callable[[type[Any]], bool]
) -> dict[str, Any] | None:
    """Give what the page shows; None when there is no such run, which the admin answers itself."""
    try:
        run = queries.run_detail(uuid.UUID(object_id))
    except (ValueError, queries.UnknownRun):
        return None
    at = timezone.now()
    transitions = sorted(run.transitions.all(), key=lambda each: each.pk)
    payloads = _payloads(run, unmasked=unmasked) if may_see_payloads else []
    root = _branch(run_relations.tree(run), run)
    return {
        "run": run,
        "file": StoredFile.objects.filter(run=run).first(),
        "progress": run_progress.progress_of(run, at=at),
        "progress_address": reverse("admin:integration_flowrun_progress", args=[run.pk]),
        "state_badge": badges.RUN_STATES[run.state],
        "ack_badge": badges.RESPONSE_CODES.get(run.ack_type, "default"),
        "counts": run.counts,
        "lanes": run_timeline.lanes(run, run.steps.all(), run_timeline.attempts_of(transitions), at=at),
        "badges": badges.STEP_OUTCOMES,
        "may_see_payloads": may_see_payloads,
        "payloads": payloads[:PAYLOADS_SHOWN],
        "more_payloads": len(payloads) > PAYLOADS_SHOWN,
        "payloads_address": reverse("admin:integration_flowrun_payloads", args=[run.pk]),
        "unmasked": unmasked,
        "may_unmask": may_unmask,
        "identifiers": list(run.identifiers.all())[:50],
        "transitions": transitions,
        "lookups": sorted(run.lookup_versions.items()),
        "overlays": sorted(run.overlay_versions.items()),
        "root": root if root.children or len(root.attempts) > 1 else None,
        "related": [
            {
                "label": each.model._meta.verbose_name_plural,
                "more": each.more,
                "rows": [(_page_of(row), str(row), _said_of(row)) for row in each.rows],
            }
            for each in run_relations.related(run, may_view=may_view)
        ],
    }


def _payloads(run: FlowRun, *, unmasked: bool) -> list[PayloadBlock]:
    listed = list(queries.payload_list(run.pk, limit=PAYLOADS_SHOWN + 1))
    small = [each.pk for each in listed[:PAYLOADS_SHOWN] if each.size <= MOST_READ]
    contents = dict(Payload.objects.filter(pk__in=small).values_list("pk", "content"))
    address = reverse("admin:integration_flowrun_payloads", args=[run.pk])
    blocks = []
    for payload in listed:
        content = contents.get(payload.pk)
        text = ""
        if content is not None:
            text = payload_masking.shown(
                bytes(content), media_type=payload.media_type, mask=not unmasked, limit=MOST_SHOWN
            )
        file = reverse("admin:integration_flowrun_payload", args=[run.pk, payload.pk])
        blocks.append(
            PayloadBlock(
                payload=payload,
                text=text,
                download=f"{file}?unmasked=1" if unmasked else file if "json" in payload.media_type else "",
                compare=f"{address}?after={payload.pk}" if payload.direction != "REQUEST_IN" else "",
            )
        )
    return blocks


def _branch(node: Node, current: FlowRun) -> Branch:
    return Branch(
        run=node.run,
        attempts=node.attempts,
        current=node.run.pk == current.pk,
        badge=badges.RUN_STATES[node.run.state],
        address=reverse("admin:integration_flowrun_change", args=[node.run.pk]),
        children=[_branch(child, current) for child in node.children],
    )


def _page_of(row: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


def _said_of(row: Any) -> str:
    """Give the kind and state of a record, in its own words."""
    kind = getattr(row, "message_type", None) or ""
    if isinstance(row, FlowRun):
        kind = f"{row.flow} {row.identifiers_shown}".strip()
    for name in ("status", "state", "outcome"):
        if hasattr(row, f"get_{name}_display"):
            state = getattr(row, f"get_{name}_display")()
            return f"{kind}, {state}" if kind else str(state)
    return str(kind)
