"""
The business keys of flows without a ledger of their own: the runs themselves say which message came before.

A message is known by one identifier of its run. Taking one locks the flow's row for the moment in which the run is
stored, so that of two equal messages at once one is worked on.
"""

from __future__ import annotations

import datetime as dt
import uuid

from django.db.models import QuerySet

from integration import queries
from integration.choices import RunState
from integration.flows.contract import Finding, MessageInProgress, MessageKeyReused, Reply
from integration.models import Flow, FlowRun


def answered(*, flow_id: int, name: str, value: str, digest: str, at: dt.datetime) -> Reply | None:
    """
    Give the original answer when this message was answered for good; None when it is to be worked on.

    :raises MessageKeyReused: when the key came before with another body.
    :raises MessageInProgress: when a live run is working on it.
    """
    _refuse_other_body(_runs(flow_id, name, value), name, value, digest)
    _refuse_at_work(_runs(flow_id, name, value), name, value, at)
    return queries.answered_for_good(flow_id=flow_id, digest=digest)


def claim(*, flow_id: int, name: str, value: str, run_id: uuid.UUID, at: dt.datetime) -> None:
    """
    Take the key for a run, in the transaction that stores it.

    :raises MessageKeyReused: when the key came just now with another body.
    :raises MessageInProgress: when another run took it just now.
    """
    Flow.objects.select_for_update().get(pk=flow_id)
    digest = FlowRun.objects.values_list("body_digest", flat=True).get(pk=run_id)
    others = _runs(flow_id, name, value).exclude(pk=run_id)
    _refuse_other_body(others, name, value, digest)
    _refuse_at_work(others, name, value, at)


def _runs(flow_id: int, name: str, value: str) -> QuerySet[FlowRun]:
    return FlowRun.objects.filter(flow_id=flow_id, identifiers__name=name, identifiers__value=value)


def _refuse_other_body(runs: QuerySet[FlowRun], name: str, value: str, digest: str) -> None:
    # A resubmission has the body that a person corrected: it is the message from then on.
    latest = runs.order_by("-started_at", "-pk").values_list("body_digest", flat=True).first()
    if latest is not None and latest != digest:
        message = f"{name} {value} came before with another body."
        finding = Finding(pointer=f"/{name}", code="key_reused", message=message)
        raise MessageKeyReused(message, findings=[finding], message_id=value)


def _refuse_at_work(runs: QuerySet[FlowRun], name: str, value: str, at: dt.datetime) -> None:
    if runs.filter(state=RunState.IN_PROGRESS, lease_until__gt=at).exists() or (
        runs.filter(state=RunState.RECEIVED).exists()
    ):
        raise MessageInProgress(f"{name} {value} is being worked on.")
