"""The admin's pages that are measured with millions of rows: addresses, for whom, and what is held of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


SUPERUSER = "Superuser"
RECONCILIATION = "/admin/integration/reservation/reconciliation"
REPORTS = "/admin/integration/reportschedule/reports"
# Queries of the home page, whoever looks (`integration.md` 7).
HOME_QUERIES = 19
# How many times as long as with a page of rows: what is counted up to 100,000 costs more than what is counted at once.
SLOWER = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """
    A page: `address` may name `{run}`, `{imd}` and the other keys of `found`; `role` is who looks at it.

    :ivar slower: how many times as long it may take as with a page of rows; None: it adds up what it shows, and may
        grow with it.
    """

    name: str
    address: str
    role: str = SUPERUSER
    most_queries: int | None = None
    slower: float | None = SLOWER


def _lists(name: str, address: str, **chosen: str) -> list[Page]:
    """Give a list and what it shows when it is narrowed."""
    base = f"/admin/{address}/"
    return [Page(name=name, address=base)] + [
        Page(name=f"{name}: {what.replace('_', ' ')}", address=f"{base}?{query}") for what, query in chosen.items()
    ]


HOMES = [
    Page(name=f"home, {role}", address="/admin/", role=role, most_queries=HOME_QUERIES, slower=3.0)
    for role in (SUPERUSER, "Integration operator", "VEE analyst", "Auditor")
]
PAGES: tuple[Page, ...] = (
    *HOMES,
    Page(name="home, refreshed", address="/admin/home/", most_queries=HOME_QUERIES, slower=3.0),
    Page(name="set-up help", address="/admin/set-up/"),
    *_lists(
        "To Dos",
        "vee/todo",
        mine="assigned=me",
        of_nobody="assigned=nobody",
        all="status=all",
        complete="status=COMPLETE",
        of_a_week="older_than=week",
        search_of_a_component="q={component}",
        search_of_a_summary="q=Spike+of+42",
        second_page="p=2",
    ),
    Page(name="To Do, the page of one", address="/admin/vee/todo/{todo}/change/"),
    *_lists(
        "flow runs",
        "integration/flowrun",
        failed="state__exact=FAILED",
        succeeded="state__exact=SUCCEEDED",
        of_a_flow="flow__id__exact={flow}",
        failed_of_a_flow="flow__id__exact={flow}&state__exact=FAILED",
        last_day="window=24h",
        last_30_days="window=30d",
        answered_with_an_error="ack_type__exact=ERROR",
        resubmissions="kind__exact=RESUBMISSION",
        remote_faults="fault_type__exact=REMOTE",
        search_of_a_message="q={identifier}",
        search_of_an_event="q=EVT-{some}",
        search_of_a_run="q={run}",
        search_of_nothing="q=nothing-like-that",
    ),
    Page(name="flow run, the page of one", address="/admin/integration/flowrun/{run}/change/"),
    *_lists("IMDs", "vee/initialmeasurement", exception="state__exact=EXCEPTION", complete="state__exact=COMPLETE",
            edited="user_edited__exact=1", estimated="kind__exact=ESTIMATION", of_a_day="start_from_0={day}",
            search_of_a_component="q={component}", search_of_an_id="q=HES-{some}",
            search_of_nothing="q=nothing-like-that"),
    Page(name="IMD, the page of one", address="/admin/vee/initialmeasurement/{imd}/change/"),
    *_lists("exceptions", "vee/veeexception", open="open__exact=1", of_a_type="exception_type__exact=SPIKE",
            of_a_rule="rule__exact=GAP", terminating="severity__exact=TERMINATE",
            search_of_a_component="q={component}", search_of_nothing="q=nothing-like-that"),
    *_lists("register reads", "vee/registermeasurement", marked="do_not_use__exact=1",
            search_of_a_component="q={component}"),
    *_lists("measuring components", "vee/measuringcomponent", silent="readings=stale",
            search_of_one="q={component}"),
    *_lists("reading files", "vee/readingfile", loaded="status__exact=LOADED", failed="status__exact=FAILED",
            search_of_one="q=readings-{few}"),
    *_lists("outbound messages", "outbound/outboundmessage", delivered="status__exact=SUCCESS",
            not_at_their_end="waits=open", held_back="waits=held", failed_for_good="waits=dead",
            of_a_type="message_type__id__exact={type}", over_a_week_old="age=week", search_of_one="q={message}",
            search_of_a_key="q=EVT-{few}", search_of_nothing="q=nothing-like-that"),
    Page(name="outbound message, the page of one", address="/admin/outbound/outboundmessage/{message_key}/change/"),
    *_lists("mails", "outbound/mail", failed="status__exact=FAIL"),
    *_lists("transferred files", "integration/transferredfile", not_sent="state__exact=ERROR",
            sent="state__exact=SENT", of_a_flow="flow__id__exact={scheduled}", search_of_one="q=OUT_{few}"),
    *_lists("message files", "integration/storedfile", search_of_one="q=F-{few}"),
    *_lists("enrollment syncs", "integration/enrollmentsync", not_delivered="ack_state__exact=FAILED",
            delivered="ack_state__exact=DELIVERED", search_of_a_subscription="q=SA-{few}"),
    *_lists("status checks", "integration/devicestatuscheck", overdue="state__exact=OVERDUE",
            search_of_a_device="q=NIC-{few}"),
    *_lists("reservations", "integration/reservation", refused="state__exact=REFUSED",
            search_of_a_device="q=NIC-{few}"),
    *_lists("outcomes", "integration/outcome", to_be_posted_again="state__exact=AGAIN",
            search_of_a_device="q=NIC-{few}"),
    *_lists("events", "integration/event", search_of_one="q=EVT-{few}"),
    *_lists("incidents", "integration/incident", open="closed_at__isempty=1"),
    *_lists("audit trail", "foundation/auditentry", logins="action__exact=LOGIN", search_of_nothing="q=nothing-at-all"),
    Page(name="audit of the configuration", address="/admin/integration/flowstatistics/audit/"),
    Page(name="flows", address="/admin/integration/flow/"),
    Page(name="reconciliation", address=f"{RECONCILIATION}/", slower=None),
    *(
        Page(name=f"reconciliation, {code}", address=f"{RECONCILIATION}/{code}/", slower=None)
        for code in ("enrollments", "syncs", "status-checks", "reservations", "outcomes")
    ),
    *(
        Page(name=f"report, {code.replace('_', ' ')}", address=f"{REPORTS}/{code}/", slower=None)
        for code in ("data_completeness", "exceptions_by_rule", "acknowledgement_times", "event_participation")
    ),
)  # fmt: skip


def found() -> Mapping[str, Any]:
    """Give what the addresses name, from the rows that this database has: of the latest hundred where it matters."""
    from integration.models import Event, Flow, FlowRun
    from outbound.models import OutboundMessage, OutboundMessageType
    from vee.models import InitialMeasurement, ToDo

    run = FlowRun.objects.order_by("-started_at")[60:61].get()
    message = OutboundMessage.objects.filter(status="SUCCESS").order_by("-pk")[20:21].get()
    todo = ToDo.objects.exclude(status="COMPLETE").order_by("-pk")[10:11].select_related("imd").get()
    imd: InitialMeasurement = todo.imd
    return {
        "run": run.pk,
        "identifier": run.identifiers_shown.split(" ")[0],
        "flow": run.flow_id,
        "scheduled": Flow.objects.filter(pattern="SCHEDULED").order_by("pk")[0].pk,
        "todo": todo.pk,
        "imd": imd.pk,
        "component": imd.component_identifier,
        "day": f"{imd.start:%Y-%m-%d}",
        "message": message.message_id,
        "message_key": message.pk,
        "type": OutboundMessageType.objects.order_by("pk")[0].pk,
        "some": 100,
        # What some names begin with, among a few hundred and among a million.
        "few": 123 if Event.objects.count() > 500 else 10,
    }
