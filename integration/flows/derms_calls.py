"""
What the flows from DACS to DERMS share (`integration.md` 3.2, 3.4): the way by division, the call within the budget.

DACS waits 300 s at most and must be answered well before (C-36): a call gets what is left of 60 s.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from integration.flows import derms_answers, fault_answers, peer_calls
from integration.flows.derms_answers import DERMS, DermsAnswer
from integration.flows.fault_answers import Stopped
from integration.flows.run import Run
from integration.flows.step import Step
from lookups.queries import Found, UnknownColumn, UnknownLookup
from lookups.usage import register_use
from outbound import options
from outbound import queries as outbound_queries
from outbound.models import Connection
from outbound.transports import rest
from outbound.transports.base import TransportError


ROUTING = "OUTL-BRT-DACS_DRMS_Routing"
DIVISION, INSTANCE, SITE = "DACS_Division", "DRMS_Instance", "DRMS_Site_Connection"
TIME_BUDGET_SECONDS = 60.0
ACKNOWLEDGES_SYNCS = "derms_sends_enroll_ack"


def uses_routing(used_by: str) -> None:
    """Say that a flow reads the routing lookup."""
    register_use(table=ROUTING, used_by=used_by, columns=(DIVISION, INSTANCE, SITE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Which DERMS serves a division, and through which of its connections."""

    instance: str
    connection_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The connection to DERMS, ready to be called."""

    connection: Connection
    client: rest.RestClient

    @property
    def acknowledges_syncs(self) -> bool:
        """Whether DERMS sends the acknowledgement of a sync itself (its releases from 24B on)."""
        return bool(options.value(self.connection.options, ACKNOWLEDGES_SYNCS))


def route(run: Run, step: Step, *, division: str, pointer: str) -> Site | Stopped:
    """Find the site of a division: none is a business fault that names the table and the value."""
    try:
        routing = run.table(ROUTING)
        site = routing.translate(source=DIVISION, value=division, target=SITE, strict=False)
        instance = routing.translate(source=DIVISION, value=division, target=INSTANCE, strict=False)
    except (UnknownLookup, UnknownColumn) as error:
        return _failed(step, fault_answers.configuration(error))
    if site.found is not Found.FOUND or not site.result:
        return _failed(
            step,
            fault_answers.not_in_lookup(table=routing.name, name="division", value=division, pointer=pointer),
        )
    step.note({"division": division, "connectionId": site.result, "row": site.row, "version": site.version})
    return Site(instance=instance.result or "", connection_id=site.result)


def target(step: Step) -> Target | Stopped:
    """Find the connection to DERMS."""
    try:
        connection = outbound_queries.connection(DERMS)
        return Target(connection=connection, client=rest.client(connection))
    except outbound_queries.UnknownConnection as error:
        return _failed(step, fault_answers.configuration(error))
    except TransportError as error:
        fault, status = peer_calls.fault_of(error, peer=DERMS)
        return _failed(step, Stopped(fault=fault, status=status))


def send(
    step: Step, *, target: Target, path: str, document: Mapping[str, Any], key: str, started: float
) -> DermsAnswer | Stopped:
    """
    Call DERMS once and read its answer: SUCCESS or ERROR, or why the run stops.

    :param key: goes along as idempotency key.
    :param started: when the run began, by the monotonic clock.
    """
    left = TIME_BUDGET_SECONDS - (time.monotonic() - started)
    call = peer_calls.call(
        client=target.client,
        peer=DERMS,
        method="POST",
        path=path,
        document=document,
        idempotency_key=key,
        timeout=max(min(left, float(target.connection.read_timeout)), 0.1),
    )
    answer = derms_answers.read(call)
    step.exchange(
        request=call.request,
        response=call.response,
        label=key,
        succeeded=answer.fault is None and not answer.text,
        media_type=call.media_type,
    )
    if answer.fault is not None:
        return _failed(step, Stopped(fault=answer.fault, status=answer.caller_status, refused=answer.refused))
    if answer.text:
        step.warn(answer.text)
    return answer


def _failed(step: Step, stop: Stopped) -> Stopped:
    step.fail(stop.fault)
    return stop
