"""All questions of reconciliation in their order; those about enrollments, syncs and status checks are told here."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from assets.choices import SubscriptionStatus, SyncStatus
from integration import reconciliation_queries as rows_of
from integration.admin.reconciliation_events import OUTCOMES, RESERVATIONS
from integration.admin.reconciliation_shape import HEAD_END, RUN, Column, Question, View, label_of, of_states, page_of
from integration.choices import CheckState, RecordState, SyncAckState


ENROLLMENTS = Question(
    code="enrollments",
    title=_("Enrollments"),
    explanation=_("Records of enrollment requests: sent to DACS, acknowledged to the DERMS, and active."),
    date_label=_("Received"),
    permissions=("integration.view_enrollmentrecord",),
    filters=("program", "dates"),
    days=30,
    counted=rows_of.enrollments,
    views=(
        of_states("sent", _("Sent"), rows_of.enrollments),
        of_states("acknowledged", _("Acknowledged"), rows_of.enrollments, RecordState.SUCCESS),
        View(code="active", label=_("Active"), rows=rows_of.enrollments_active, dacs_side=True),
        of_states("refused", _("Refused"), rows_of.enrollments, RecordState.ERROR, gap=True),
        of_states("failed", _("Not processed"), rows_of.enrollments, RecordState.FAILURE, gap=True),
        of_states("unanswered", _("Without an answer yet"), rows_of.enrollments, RecordState.IN_PROGRESS, gap=True),
        View(
            code="acknowledged-not-active",
            label=_("Acknowledged, not active"),
            rows=rows_of.enrollments_acknowledged_not_active,
            gap=True,
            dacs_side=True,
        ),
        View(
            code="active-not-acknowledged",
            label=_("Active, not acknowledged"),
            rows=rows_of.enrollments_active_not_acknowledged,
            gap=True,
            dacs_side=True,
        ),
    ),
    columns=(
        Column(label=_("Message id"), value=lambda row: row.message_id),
        Column(label=_("Received"), value=lambda row: row.received_at),
        Column(label=_("Acknowledgement"), value=lambda row: row.get_state_display()),
        Column(label=_("What DACS said"), value=lambda row: row.answer_value),
        RUN,
    ),
    with_dacs_side=rows_of.with_subscription,
    dacs_side_columns=(
        Column(label=_("Subscription"), value=lambda row: row.subscription),
        Column(label=_("Program"), value=lambda row: row.program_code),
        Column(label=_("Subscription state"), value=lambda row: label_of(SubscriptionStatus, row.subscription_status)),
    ),
)

SYNCS = Question(
    code="syncs",
    title=_("Syncs without acknowledgement"),
    explanation=_("Enrollment syncs of DACS, older than the hours given, that DACS was not told the end of."),
    date_label=_("Received"),
    permissions=("integration.view_enrollmentsync",),
    filters=("program", "dates", "hours"),
    counted=rows_of.syncs_without_acknowledgement,
    state_field="ack_state",
    views=(
        of_states("all", _("All"), rows_of.syncs_without_acknowledgement, gap=True),
        *(
            of_states(state.value.lower(), label, rows_of.syncs_without_acknowledgement, state, gap=True)
            for state, label in (
                (SyncAckState.NONE, _("Nothing sent")),
                (SyncAckState.EXPECTED, _("Expected of the DERMS")),
                (SyncAckState.WAITING, _("On its way")),
                (SyncAckState.FAILED, _("Not delivered")),
                (SyncAckState.CANCELED, _("Canceled")),
            )
        ),
    ),
    columns=(
        Column(
            label=_("Sync request"),
            value=lambda row: row.sync_request_id,
            address=page_of("integration_enrollmentsync", lambda row: row.pk),
        ),
        Column(label=_("Subscription"), value=lambda row: row.subscription_id),
        Column(label=_("Received"), value=lambda row: row.received_at),
        Column(label=_("DERMS"), value=lambda row: row.get_outcome_display()),
        Column(label=_("Acknowledgement"), value=lambda row: row.get_ack_state_display()),
        Column(label=_("Error"), value=lambda row: row.ack_error or row.outcome_text),
        RUN,
    ),
)

SYNC_REQUESTS = Question(
    code="sync-requests",
    title=_("Sync requests without acknowledgement"),
    explanation=_("Sync requests of the DACS side that were sent longer ago than the hours given, with no answer."),
    date_label=_("Sent"),
    permissions=("assets.view_syncrequest",),
    filters=("program", "dates", "hours"),
    counted=rows_of.sync_requests_without_acknowledgement,
    state_field="status",
    dacs_side=True,
    views=(
        of_states("all", _("All"), rows_of.sync_requests_without_acknowledgement, gap=True),
        *(
            of_states(state.value.lower(), label, rows_of.sync_requests_without_acknowledgement, state, gap=True)
            for state, label in (
                (SyncStatus.SEND_REQUEST, _("Being sent")),
                (SyncStatus.AWAITING_ACKNOWLEDGEMENT, _("Awaiting acknowledgement")),
                (SyncStatus.ERROR, _("Given up")),
            )
        ),
    ),
    columns=(
        Column(
            label=_("Sync request"),
            value=lambda row: row.sync_request_id,
            address=page_of("assets_syncrequest", lambda row: row.pk),
        ),
        Column(label=_("Subscription"), value=lambda row: row.subscription.usage_subscription.identifier),
        Column(label=_("Program"), value=lambda row: row.subscription.program.code),
        Column(label=_("Sent"), value=lambda row: row.sent_at),
        Column(label=_("Tries"), value=lambda row: row.tries),
        Column(label=_("State"), value=lambda row: row.get_status_display()),
    ),
)

CHECKS = Question(
    code="status-checks",
    title=_("Status checks without acknowledgement"),
    explanation=_("Device status checks, older than the hours given, whose answer has not come or has not got on."),
    date_label=_("Asked"),
    permissions=("integration.view_devicestatuscheck",),
    filters=("program", "dates", "hours"),
    counted=rows_of.checks_without_answer,
    views=(
        of_states("all", _("Without an answer"), rows_of.checks_without_answer, gap=True),
        of_states("open", _("Open"), rows_of.checks_without_answer, CheckState.IN_PROGRESS, CheckState.OPEN, gap=True),
        of_states("overdue", _("Overdue"), rows_of.checks_without_answer, CheckState.OVERDUE, gap=True),
        of_states("not-taken", _("Not taken by DERMS"), rows_of.checks_without_answer, CheckState.FAULT, gap=True),
        View(
            code="not-forwarded",
            label=_("Answered, DACS not told"),
            rows=rows_of.checks_answered_not_forwarded,
            gap=True,
        ),
    ),
    columns=(
        Column(
            label=_("Communication"),
            value=lambda row: row.communication_id,
            address=page_of("integration_devicestatuscheck", lambda row: row.pk),
        ),
        Column(label=_("Device (nicId)"), value=lambda row: row.nic_id),
        HEAD_END,
        Column(label=_("Asked"), value=lambda row: row.asked_at),
        Column(label=_("State"), value=lambda row: row.get_state_display()),
        Column(label=_("Answer to DACS"), value=lambda row: row.get_answer_state_display()),
        RUN,
    ),
)

QUESTIONS = (ENROLLMENTS, RESERVATIONS, OUTCOMES, SYNCS, SYNC_REQUESTS, CHECKS)
