"""Files that came with messages: what they hold, the attempts at them, and their segments."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import EvidenceAdmin
from foundation.words import in_words
from integration import file_queries
from integration.admin import segment_devices
from integration.admin.badges import state_counts
from integration.choices import SegmentState
from integration.models import FileAttempt, Reservation, Segment, StoredFile


_SEGMENTS = {
    "PENDING": "default",
    "IN_PROGRESS": "info",
    "DONE": "success",
    "FAILED": "danger",
    "SKIPPED": "warning",
}


@admin.register(StoredFile)
class StoredFileAdmin(EvidenceAdmin):
    """The list of files, and the page of one with its attempts."""

    list_display = ["name", "flow", "message_id", "rows", "refused_rows", "size", "received_at"]
    list_select_related = ["flow"]
    list_filter = ["flow"]
    search_fields = ["name__startswith", "message_id__startswith"]
    search_help_text = _("The start of a file name or of a messageId.")
    ordering = ["-received_at", "pk"]
    fieldsets = [
        (None, {"fields": ["name", "flow_run", "drms_instance_id", "message_id"]}),
        (_("Content"), {"fields": ["rows", "refused_rows", "size", "sha256", "received_at", "purged_at"]}),
        (_("Work"), {"fields": ["attempts", "segments"]}),
    ]
    readonly_fields = ["flow_run", "attempts", "segments"]

    @display(description=_("Flow run"))
    def flow_run(self, file: StoredFile) -> str:
        address = reverse("admin:integration_flowrun_change", args=[file.run_id])
        return format_html('<a href="{}">{}</a>', address, file.run_id)

    @display(description=_("Attempts"))
    def attempts(self, file: StoredFile) -> str:
        told = [_attempt(each) for each in file.run.file_attempts.order_by("number")]
        return "; ".join(told) or "–"

    @display(description=_("Segments"))
    def segments(self, file: StoredFile) -> str:
        counts = file_queries.segment_counts(file.run)
        address = f"{reverse('admin:integration_segment_changelist')}?run__id__exact={file.run_id}"
        told = state_counts(counts, of=SegmentState, badges=_SEGMENTS, address=address)
        return format_html('{} <a href="{}">{}</a>', told, address, _("Show them"))


@admin.register(Segment)
class SegmentAdmin(EvidenceAdmin):
    """The list of segments, and the page of one with the rows that were refused."""

    list_display = ["number", "run", "first_line", "rows", "state_badge", "succeeded", "refused", "tries", "reason"]
    list_filter = ["state"]
    ordering = ["-run_id", "number"]
    fields = [
        *("run", "number", "first_line", "rows", "state", "attempts", "succeeded", "refused"),
        *("fault_type", "fault_code", "fault_reason", "devices_meant", "refused_rows", "started_at", "finished_at"),
    ]
    readonly_fields = ["devices_meant", "refused_rows"]
    list_select_related = ["run"]

    def get_fields(self, request: HttpRequest, obj: Segment | None = None) -> list[str]:
        """Leave out the devices where the segment has none, as of another flow."""
        fields = list(super().get_fields(request, obj))
        reserves = obj is not None and Reservation.objects.filter(run=obj.run_id, segment=obj).exists()
        return fields if reserves else [name for name in fields if name != "devices_meant"]

    @display(description=_("Devices"))
    def devices_meant(self, segment: Segment) -> str:
        return segment_devices.shown(segment)

    @display(description=_("Refused rows"))
    def refused_rows(self, segment: Segment) -> str:
        rows = ((_("line"), row["line"], row["id"], row["value"], row["code"]) for row in segment.errors)
        entries = format_html_join("", "<li>{} {} · {} · {} ({})</li>", rows)
        return format_html("<ul>{}</ul>", entries) if entries else "–"

    @display(description=_("State"), ordering="state", label=_SEGMENTS)
    def state_badge(self, segment: Segment) -> tuple[str, Any]:
        return segment.state, segment.get_state_display()

    @display(description=_("Tries"), ordering="attempts")
    def tries(self, segment: Segment) -> int:
        return segment.attempts

    @display(description=_("Fault"))
    def reason(self, segment: Segment) -> str:
        return Truncator(in_words(segment.fault_reason)).chars(80)


def _attempt(attempt: FileAttempt) -> str:
    if attempt.ended_at is None:
        return f"{attempt.number}: {_('at work')}"
    told = f"{attempt.number}: {attempt.ack_type}, {attempt.succeeded} + {attempt.refused}"
    return f"{told} ({in_words(attempt.fault_reason)})" if attempt.fault_reason else told
