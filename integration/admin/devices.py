"""What DACS asked of DERMS: enrollment syncs with their acknowledgement, and device status checks, overdue ones too."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from foundation.admin import EvidenceAdmin, local_moment
from integration import search_queries
from integration.admin.late_answers import over_limit
from integration.models import DeviceStatusCheck, EnrollmentSync


_OUTCOMES = {
    "IN_PROGRESS": "info",
    "SUCCESS": "success",
    "ERROR": "warning",
    "FAULT": "danger",
    "NOT_SEEN": "default",
}
_ACKS = {
    "NONE": "default",
    "EXPECTED": "info",
    "WAITING": "info",
    "DELIVERED": "success",
    "FAILED": "danger",
    "CANCELED": "warning",
}
_CHECKS = {
    "IN_PROGRESS": "info",
    "OPEN": "info",
    "ANSWERED": "success",
    "OVERDUE": "danger",
    "FAULT": "danger",
    "NOT_SEEN": "default",
}
_RESULTS = {"SUCCESS": "success", "FAILURE": "warning"}


@admin.register(EnrollmentSync)
class EnrollmentSyncAdmin(EvidenceAdmin):
    """The list of sync requests, and the page of one."""

    list_display = ["received", "sync_request_id", "subscription_id", "division", "outcome_badge", "ack_badge", "told"]
    list_filter = [
        *("outcome", "ack_state", "division", "received_at"),
        over_limit(sent="received_at", answered="ack_settled_at"),
    ]
    search_fields = ["sync_request_id__startswith", "subscription_id__startswith", "ack_message_id__startswith"]
    search_condition = staticmethod(search_queries.enrollment_syncs)
    search_help_text = _("The start of a sync request or subscription, or of the id of the outbound message.")
    ordering = ["-received_at", "id"]
    readonly_fields = ["message_run", "acknowledgement_run"]
    fieldsets = [
        (None, {"fields": ["sync_request_id", "subscription_id", "division", "drms_instance", "received_at", "cycle"]}),
        (_("DERMS"), {"fields": ["outcome", "outcome_text", "answered_at", "message_run"]}),
        (
            _("Acknowledgement to DACS"),
            {
                "fields": [
                    *("ack_state", "ack_has_error", "ack_message_id", "ack_due_at", "ack_settled_at", "ack_error"),
                    "acknowledgement_run",
                ]
            },
        ),
    ]

    @display(description=_("Received"), ordering="received_at")
    def received(self, sync: EnrollmentSync) -> str:
        return local_moment(sync.received_at)

    @display(description=_("Outcome"), ordering="outcome", label=_OUTCOMES)
    def outcome_badge(self, sync: EnrollmentSync) -> tuple[str, str]:
        return sync.outcome, sync.get_outcome_display()

    @display(description=_("Acknowledgement"), ordering="ack_state", label=_ACKS)
    def ack_badge(self, sync: EnrollmentSync) -> tuple[str, str]:
        return sync.ack_state, sync.get_ack_state_display()

    @display(description=_("DACS is told"))
    def told(self, sync: EnrollmentSync) -> Any:
        if sync.ack_has_error is None:
            return "–"
        return _("Error") if sync.ack_has_error else _("Success")

    @display(description=_("Run"))
    def message_run(self, sync: EnrollmentSync) -> str:
        return _run_link(sync.run_id)

    @display(description=_("Run of DERMS's acknowledgement"))
    def acknowledgement_run(self, sync: EnrollmentSync) -> str:
        return _run_link(sync.ack_run_id)


@admin.register(DeviceStatusCheck)
class DeviceStatusCheckAdmin(EvidenceAdmin):
    """The list of checks; the filter on the state lists those that are overdue."""

    list_display = ["asked", "communication_id", "head_end_system", "nic_id", "state_badge", "result_badge", "answered"]
    list_filter = [
        *("state", "result", "answer_state", "head_end_system", "division", "asked_at"),
        over_limit(sent="asked_at", answered="answered_at"),
    ]
    search_fields = ["communication_id__startswith", "nic_id__startswith"]
    search_condition = staticmethod(search_queries.status_checks)
    search_help_text = _("The start of a communication or of a NIC id.")
    ordering = ["-asked_at", "-id"]
    readonly_fields = ["check_run", "answer_run_link"]
    fieldsets = [
        (None, {"fields": ["communication_id", "state", "asked_at", "overdue_at", "check_run"]}),
        (_("Device"), {"fields": ["head_end_system", "nic_id", "device_type", "division"]}),
        (_("Answer"), {"fields": ["result", "answered_at", "answer_state", "reply", "answer_run_link"]}),
    ]

    @display(description=_("Asked"), ordering="asked_at")
    def asked(self, check: DeviceStatusCheck) -> str:
        return local_moment(check.asked_at)

    @display(description=_("State"), ordering="state", label=_CHECKS)
    def state_badge(self, check: DeviceStatusCheck) -> tuple[str, str]:
        return check.state, check.get_state_display()

    @display(description=_("Answer"), ordering="result", label=_RESULTS)
    def result_badge(self, check: DeviceStatusCheck) -> tuple[str, str]:
        return check.result, check.get_result_display()

    @display(description=_("Answered"), ordering="answered_at")
    def answered(self, check: DeviceStatusCheck) -> str:
        return local_moment(check.answered_at)

    @display(description=_("Run"))
    def check_run(self, check: DeviceStatusCheck) -> str:
        return _run_link(check.run_id)

    @display(description=_("Run of the answer"))
    def answer_run_link(self, check: DeviceStatusCheck) -> str:
        return _run_link(check.answer_run_id)


def _run_link(run_id: Any) -> str:
    if run_id is None:
        return "–"
    address = reverse("admin:integration_flowrun_change", args=[run_id])
    return format_html('<a href="{}" class="text-primary-600">{}</a>', address, run_id)
