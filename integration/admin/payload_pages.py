"""The payloads of a run: two of them side by side with what differs, and one as a file."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from foundation.admin import EvidenceAdmin
from integration import audit_trail, payload_differences, queries
from integration.choices import PayloadDirection
from integration.models import FlowRun, Payload
from outbound.masking import masked


VIEW = "integration.view_payload"
UNMASKED = "integration.view_payload_unmasked"

MOST_COMPARED = 2 * 1024 * 1024
"""Bytes of a payload that are still read for a page; a larger one is a download."""

MOST_SHOWN = 60_000
"""Characters of a payload that a page shows."""

_NOTHING = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """A payload as the page shows it; `document` is what is compared, `shown` the same as people may read it."""

    payload: Payload
    document: Any = _NOTHING
    shown: Any = None
    text: str = ""
    note: Any = ""
    part: str = ""
    download: str = ""

    @property
    def is_document(self) -> bool:
        """Whether there is something to compare."""
        return self.document is not _NOTHING


def compare(page: EvidenceAdmin, request: HttpRequest, run_id: uuid.UUID) -> TemplateResponse:
    """Show two payloads of a run side by side: those asked for, or what came in and what was made of it."""
    run, unmasked = _opened(request, run_id)
    payloads = list(queries.payload_list(run.pk))
    before = _chosen(request, "before", payloads, PayloadDirection.REQUEST_IN)
    after = _chosen(request, "after", payloads, PayloadDirection.REQUEST_OUT, PayloadDirection.RESPONSE_OUT)
    left = _side(before, unmasked=unmasked, partner=after, may_unmask=request.user.has_perm(UNMASKED))
    right = _side(after, unmasked=unmasked, partner=None, may_unmask=request.user.has_perm(UNMASKED))
    found = None
    if left is not None and right is not None and left.is_document and right.is_document:
        found = payload_differences.differences(
            left.document, right.document, before_shown=left.shown, after_shown=right.shown
        )
    address = reverse("admin:integration_flowrun_payloads", args=[run.pk])
    pair = {name: side.payload.pk for name, side in (("before", left), ("after", right)) if side is not None}
    context = {
        **page.admin_site.each_context(request),
        "title": _("Payloads"),
        "opts": page.opts,
        "is_fullwidth": "1",
        "run": run,
        "payloads": payloads,
        "sides": [("before", _("Before"), left), ("after", _("After"), right)],
        "found": found,
        "counts": found.counts() if found else {},
        "unmasked": unmasked,
        "may_unmask": request.user.has_perm(UNMASKED),
        "masked_address": f"{address}?{urlencode(pair)}",
        "unmasked_address": f"{address}?{urlencode({**pair, 'unmasked': 1})}",
        "run_address": reverse("admin:integration_flowrun_change", args=[run.pk]),
    }
    return TemplateResponse(request, "admin/integration/payloads.html", context)


def download(request: HttpRequest, run_id: uuid.UUID, payload_id: int) -> HttpResponse:
    """Give a payload as a file: masked, or as it went over the wire to those who may and ask; that is logged."""
    run, unmasked = _opened(request, run_id)
    payload = Payload.objects.filter(run=run, pk=payload_id).first()
    if payload is None:
        raise Http404
    content = bytes(payload.content)
    if not unmasked:
        document = _document(content)
        if document is _NOTHING:
            # What is no JSON cannot be masked field by field.
            raise PermissionDenied
        content = json.dumps(masked(document), indent=2, ensure_ascii=False, default=str).encode()
    ending = "json" if _is_json(payload) else "csv" if "csv" in payload.media_type else "txt"
    response = HttpResponse(content, content_type="application/octet-stream")
    name = f"{run.pk}-{payload.direction.lower()}-{payload.pk}.{ending}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _opened(request: HttpRequest, run_id: uuid.UUID) -> tuple[FlowRun, bool]:
    """Give the run, and whether its payloads are told unmasked; that is noted."""
    if not (request.user.has_perm(VIEW) and request.user.has_perm("integration.view_flowrun")):
        raise PermissionDenied
    run = FlowRun.objects.select_related("flow").filter(pk=run_id).first()
    if run is None:
        raise Http404
    unmasked = request.GET.get("unmasked") == "1" and request.user.has_perm(UNMASKED)
    if unmasked:
        audit_trail.payloads_shown(run_id=run.pk, by=request.user, at=timezone.now())
    return run, unmasked


def _chosen(request: HttpRequest, name: str, payloads: list[Payload], *usual: PayloadDirection) -> Payload | None:
    asked = request.GET.get(name)
    if asked:
        found = next((each for each in payloads if str(each.pk) == asked), None)
        if found is None:
            raise Http404
        return found
    for direction in usual:
        for each in payloads:
            if each.direction == direction:
                return each
    return None


def _side(payload: Payload | None, *, unmasked: bool, partner: Payload | None, may_unmask: bool) -> Side | None:
    if payload is None:
        return None
    address = reverse("admin:integration_flowrun_payload", args=[payload.run_id, payload.pk])
    as_file = f"{address}?unmasked=1" if unmasked else address
    if payload.size > MOST_COMPARED:
        may_have_it = unmasked or _is_json(payload)
        note = _("Too large to be shown here.")
        return Side(payload=payload, note=note, download=as_file if may_have_it else "")
    content = bytes(Payload.objects.only("content").get(pk=payload.pk).content)
    document = _document(content)
    if document is _NOTHING:
        if not unmasked:
            return Side(payload=payload, note=_("Not JSON: not shown, as it cannot be masked."))
        text = content.decode("utf-8", errors="replace")
        return _cut(Side(payload=payload, download=as_file), text)
    document, part = _record(document, partner)
    shown = document if unmasked else masked(document)
    text = json.dumps(shown, indent=2, ensure_ascii=False, default=str)
    return _cut(Side(payload=payload, document=document, shown=shown, part=part, download=as_file), text)


def _cut(side: Side, text: str) -> Side:
    note = _("Only the beginning is shown: the file has all of it.") if len(text) > MOST_SHOWN else ""
    return Side(
        payload=side.payload,
        document=side.document,
        shown=side.shown,
        part=side.part,
        download=side.download,
        text=text[:MOST_SHOWN],
        note=note,
    )


def _record(document: Any, partner: Payload | None) -> tuple[Any, str]:
    """Give the record of a collection that the other payload was made of, where its label names one."""
    if partner is None or not partner.label or not isinstance(document, dict):
        return document, ""
    for name, value in document.items():
        for place, record in enumerate(value if isinstance(value, list) else []):
            if isinstance(record, dict) and record.get("messageId") == partner.label:
                return record, f"{name}[{place}]"
    return document, ""


def _document(content: bytes) -> Any:
    try:
        return json.loads(content.decode("utf-8-sig"), parse_float=Decimal)
    except (ValueError, RecursionError):
        return _NOTHING


def _is_json(payload: Payload) -> bool:
    return "json" in payload.media_type
