"""The questions of reconciliation about events: who was asked for, who is reserved, and what was reported of whom."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from integration import reconciliation_queries as rows_of
from integration.admin.reconciliation_shape import HEAD_END, RUN, Column, Question, View, label_of, of_states, page_of
from integration.choices import OutcomeState, ReservationState


_EVENT = Column(
    label=_("Event"),
    value=lambda row: row.event.external_id,
    address=page_of("integration_event", lambda row: row.event_id),
)
_EVENT_ENDS = Column(label=_("Event ends"), value=lambda row: row.event.ends_at)
_EVENTS = (
    Column(
        label=_("Event"),
        value=lambda event: event.external_id,
        address=page_of("integration_event", lambda event: event.pk),
    ),
    Column(label=_("DERMS instance"), value=lambda event: event.drms_instance_id),
    Column(label=_("Starts"), value=lambda event: event.starts_at),
    Column(label=_("State"), value=lambda event: event.get_state_display()),
    Column(label=_("Requested"), value=lambda event: event.requested, counts="requested"),
    Column(label=_("Reserved"), value=lambda event: event.reserved, counts="reserved"),
    Column(label=_("Participated"), value=lambda event: event.participated, counts="participated"),
)
_OUTCOMES = (
    Column(
        label=_("Device (nicId)"),
        value=lambda row: row.nic_id,
        address=page_of("integration_outcome", lambda row: row.pk),
    ),
    HEAD_END,
    _EVENT,
    Column(label=_("Outcome"), value=lambda row: row.outcome),
    Column(label=_("Taken by DACS"), value=lambda row: row.get_state_display()),
    Column(
        label=_("Reservation here"),
        value=lambda row: label_of(ReservationState, row.reservation_state) or _("None"),
    ),
    RUN,
)
_RESERVATIONS = (
    Column(
        label=_("Device (nicId)"),
        value=lambda row: row.nic_id,
        address=page_of("integration_reservation", lambda row: row.pk),
    ),
    HEAD_END,
    _EVENT,
    _EVENT_ENDS,
    Column(label=_("State"), value=lambda row: row.get_state_display()),
    Column(label=_("What DACS said"), value=lambda row: row.message),
    RUN,
)

RESERVATIONS = Question(
    code="reservations",
    title=_("Reservations by event"),
    explanation=_("For each event: the devices that DERMS asked for, those that DACS reserved, those that took part."),
    date_label=_("Event starts"),
    permissions=("integration.view_event", "integration.view_reservation", "integration.view_outcome"),
    filters=("program", "event", "dates"),
    counted=rows_of.reservations,
    days=30,
    views=(
        View(code="events", label=_("Events"), rows=rows_of.events, columns=_EVENTS),
        of_states("requested", _("Requested"), rows_of.reservations),
        of_states("reserved", _("Reserved"), rows_of.reservations, ReservationState.RESERVED),
        View(code="participated", label=_("Participated"), rows=rows_of.reservations_participated, by_event=True),
        of_states("refused", _("Refused"), rows_of.reservations, ReservationState.REFUSED, gap=True),
        of_states("failed", _("Failed"), rows_of.reservations, ReservationState.FAILED, gap=True),
        of_states("unknown", _("Being sent, or unknown"), rows_of.reservations, ReservationState.SENDING, gap=True),
    ),
    columns=_RESERVATIONS,
)

OUTCOMES = Question(
    code="outcomes",
    title=_("Outcomes against reservations"),
    explanation=_(
        "Devices that were reported and are not reserved here, and reserved ones that nothing was reported of."
    ),
    date_label=_("Event starts"),
    permissions=("integration.view_event", "integration.view_reservation", "integration.view_outcome"),
    filters=("program", "event", "dates", "hours"),
    counted=rows_of.outcomes,
    days=30,
    views=(
        View(
            code="without-outcome",
            label=_("Reservations without outcome"),
            rows=rows_of.reservations_without_outcome,
            gap=True,
            by_event=True,
            columns=_RESERVATIONS,
        ),
        View(
            code="without-reservation",
            label=_("Outcomes without reservation"),
            rows=lambda chosen: rows_of.with_reservation_state(rows_of.outcomes_without_reservation(chosen)),
            gap=True,
            by_event=True,
        ),
        View(
            code="not-taken",
            label=_("Outcomes that DACS does not have"),
            rows=lambda chosen: rows_of.with_reservation_state(rows_of.outcomes_not_taken(chosen)),
            gap=True,
            states=tuple(state for state in OutcomeState if state != OutcomeState.POSTED),
        ),
        View(
            code="reported",
            label=_("Outcomes reported"),
            rows=lambda chosen: rows_of.with_reservation_state(rows_of.outcomes(chosen)),
            states=(),
        ),
    ),
    columns=_OUTCOMES,
)
