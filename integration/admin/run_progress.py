"""How far a run with a file is, as its page shows it and asks for it again while it goes on."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from integration import file_queries
from integration.choices import UNFINISHED_STATES, SegmentState
from integration.models import FlowRun
from integration.spoken import in_words, number


def progress_of(run: FlowRun, *, at: dt.datetime) -> dict[str, Any] | None:
    """Give the figures of a run that has something to count, as texts where people read them; None for others."""
    if run.progress_total is None:
        return None
    total = run.progress_total
    speed = file_queries.file_progress(run, at=at)
    segments = file_queries.segment_counts(run)
    ended = run.state not in UNFINISHED_STATES
    return {
        "state": run.get_state_display(),
        "ended": ended,
        "done": run.progress_done,
        "total": total,
        "percent": 100 if not total else min(100, 100 * run.progress_done // total),
        "rows": _("%(done)s of %(total)s rows") % {"done": number(run.progress_done), "total": number(total)},
        "rate": "–"
        if speed.rows_per_second is None
        else _("%(rate)s rows/s") % {"rate": number(speed.rows_per_second)},
        "left": "–" if speed.seconds_left is None else in_words(speed.seconds_left),
        "segments": [
            {"code": state.value, "label": str(state.label), "count": segments[state.value]}
            for state in SegmentState
            if segments.get(state.value)
        ],
    }


def answer(request: HttpRequest, run_id: uuid.UUID) -> JsonResponse:
    """Give the figures for the page that shows them."""
    if not request.user.has_perm("integration.view_flowrun"):
        raise PermissionDenied
    run = FlowRun.objects.filter(pk=run_id).first()
    found = None if run is None else progress_of(run, at=timezone.now())
    if found is None:
        raise Http404
    return JsonResponse(found)
