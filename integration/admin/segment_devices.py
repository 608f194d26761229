"""The devices of a segment of reservations: which of them a refusal of all meant, or that it did not say."""

from __future__ import annotations

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from foundation.words import in_words
from integration.choices import FaultType, SegmentState
from integration.models import Reservation, Segment


MOST_SHOWN = 200


def shown(segment: Segment) -> SafeString:
    """Say which devices a refusal meant, or that DACS's answer named none, and list them."""
    rows = Reservation.objects.filter(run=segment.run_id, segment=segment).order_by("line", "pk")
    lines = [entry["line"] for entry in segment.errors if entry.get("named")]
    if lines:
        return _listed(_("DACS refused the segment as a whole and named:"), rows.filter(line__in=lines))
    if segment.state == SegmentState.FAILED and segment.fault_type == FaultType.BUSINESS:
        words = _(
            "DACS refused the segment as a whole; its answer names no device. These are the devices of the segment:"
        )
        return _listed(words, rows)
    return _listed("", rows)


def _listed(words: str, rows: QuerySet[Reservation]) -> SafeString:
    found = list(rows[: MOST_SHOWN + 1])
    first = found[0] if found else None
    entries = format_html_join(
        "",
        '<li><a href="{}">{}</a>{}</li>',
        (
            (
                reverse("admin:integration_reservation_change", args=[row.pk]),
                f"{row.head_end_system}/{row.nic_id}",
                f" · {_('line')} {row.line} · {row.get_state_display()}"
                + (f" · {in_words(row.message)}" if row.message else ""),
            )
            for row in found[:MOST_SHOWN]
        ),
    )
    more = SafeString("")
    if len(found) > MOST_SHOWN and first is not None:
        address = reverse("admin:integration_reservation_changelist")
        more = format_html(
            '<p><a href="{}?run__id__exact={}&amp;segment__id__exact={}">{}</a></p>',
            address, first.run_id, first.segment_id, _("Show all of them"),
        )  # fmt: skip
    said = format_html("<p>{}</p>", words) if words else ""
    return format_html("{}<ul>{}</ul>{}", said, entries, more)
