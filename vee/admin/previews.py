"""The preview of Perform VEE in the workbench: what would come of the values as they stand in the grid."""

from __future__ import annotations

import zoneinfo
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from foundation.words import in_words
from vee import queries
from vee.admin import workbench
from vee.admin.local_times import time_in_words
from vee.admin.readings import plain, setter_in_words
from vee.admin.words import condition_words
from vee.choices import ImdState
from vee.operations import edits, previews
from vee.operations.actions import UnableToAct


MOST_SHOWN = 200


def answer(request: HttpRequest, detail: queries.ImdDetail) -> HttpResponse:
    """Give the part of the page that tells what Perform VEE would do; a refusal is plain text with 400."""
    try:
        values = workbench.typed_values(request.POST.dict())
        found = previews.preview(imd_id=detail.imd.pk, by=request.user, values=values)
    except edits.ValueNotUsable as error:
        return _refused(workbench.counted_from_one(error))
    except (workbench.UnableToReadValue, UnableToAct) as error:
        return _refused(in_words(error))
    zone = zoneinfo.ZoneInfo(workbench.zone_name(detail.component))
    changed = _changed(detail, found, zone)
    context = {
        "found": found,
        "may_edit": workbench.may_edit(request, detail.imd),
        "state": ImdState(found.state).label,
        "badge": workbench.STATE_BADGES[found.state],
        "findings": [workbench.exception_row(request, each) for each in found.findings],
        "changed": changed[:MOST_SHOWN],
        "changed_count": len(changed),
        "uom": detail.uom,
        "total_now": _total([reading.value for reading in detail.post_vee]),
        "total_then": _total([value.value for value in found.values]),
        "rules": workbench.log_rows(found.log),
        "values": [None if value.value is None else float(value.value) for value in found.values],
    }
    return TemplateResponse(request, "admin/vee/preview.html", context)


def _refused(text: str) -> HttpResponse:
    return HttpResponse(text, status=400, content_type="text/plain; charset=utf-8")


def _total(values: list[Decimal | None]) -> str:
    return plain(sum((value for value in values if value is not None), Decimal(0)))


def _changed(detail: queries.ImdDetail, found: previews.Preview, zone: zoneinfo.ZoneInfo) -> list[dict[str, Any]]:
    rows = []
    for index, (now, then) in enumerate(zip(detail.post_vee, found.values, strict=False)):
        if (now.value, now.condition) != (then.value, then.condition):
            rows.append(
                {
                    "number": index + 1,
                    "time": time_in_words(now.end, zone),
                    "now": "–" if now.value is None else plain(now.value),
                    "then": "–" if then.value is None else plain(then.value),
                    "condition_now": condition_words(now.condition),
                    "condition_then": condition_words(then.condition),
                    "rule": setter_in_words(then.rule),
                }
            )
    return rows
