"""Reads of flows, runs and incidents."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from django.db.models import Q, QuerySet

from integration import search_queries
from integration.choices import AckType, PayloadDirection
from integration.flows import registry
from integration.flows.contract import Reply
from integration.models import Flow, FlowRun, Payload, RunIdentifier, TransferredFile


class UnknownRun(LookupError):
    """There is no run of this id."""


class RequestPurged(LookupError):
    """The stored request of the run is gone."""


def flow_list() -> QuerySet[Flow]:
    """Give all flows, by name."""
    return Flow.objects.order_by("display_name", "pk")


def flow(code: str) -> Flow:
    """
    Give a flow by its code or short name.

    :raises UnknownFlow: when there is none.
    """
    return Flow.objects.get(identifier=registry.find(code).identifier)


def is_available(flow: Flow) -> bool:
    """Whether this version can run the flow."""
    try:
        return registry.find(flow.identifier).available
    except registry.UnknownFlow:
        return False


def run_list(*, search: str = "", account_id: int | None = None) -> QuerySet[FlowRun]:
    """
    Give runs, newest first; `search` is the start of a business identifier, or the id of a run.

    With an account only those of the messages that it sent.
    """
    runs = FlowRun.objects.select_related("flow").order_by("-started_at", "id")
    if account_id is not None:
        runs = runs.filter(requested_by_id=account_id)
    return runs.filter(search_condition(search)) if search.strip() else runs


def search_condition(search: str) -> Q:
    """Give the condition for runs that a person looks for, by business identifier, run id or correlation id."""
    text = search.strip()
    # One list of ids, each found by an index of its own: conditions joined by "or" would read every run.
    found = (
        RunIdentifier.objects.filter(value__istartswith=text)
        .values("run_id")
        .union(FlowRun.objects.filter(correlation_id=text).values("pk"))
    )
    try:
        found = found.union(FlowRun.objects.filter(pk=uuid.UUID(text)).values("pk"))
    except ValueError:
        return Q(pk__in=found)
    return Q(pk__in=found)


def run_detail(run_id: uuid.UUID, *, account_id: int | None = None) -> FlowRun:
    """
    Give a run with its flow, steps, identifiers and transitions.

    :raises UnknownRun: when there is none; with an account, also when somebody else sent the message.
    """
    run = (
        run_list(account_id=account_id)
        .select_related("parent", "requested_by")
        .prefetch_related("steps", "identifiers", "transitions", "children")
        .filter(pk=run_id)
        .first()
    )
    if run is None:
        raise UnknownRun(f"There is no flow run {run_id}.")
    return run


def payloads_of(run_id: uuid.UUID, *, limit: int = 100) -> Sequence[Payload]:
    """Give a run's payloads in the order in which they were stored; content included, so at most `limit`."""
    return list(Payload.objects.filter(run_id=run_id).order_by("pk")[:limit])


def payload_list(run_id: uuid.UUID, *, limit: int = 1_000) -> QuerySet[Payload]:
    """Give a run's payloads without their content, in the order in which they were stored."""
    return Payload.objects.filter(run_id=run_id).defer("content").order_by("pk")[:limit]


def stored_request(run_id: uuid.UUID) -> bytes:
    """
    Give the request of a run as it came.

    :raises RequestPurged: when its retention has passed.
    """
    stored = Payload.objects.filter(run_id=run_id, direction=PayloadDirection.REQUEST_IN).order_by("pk").first()
    if stored is None:
        raise RequestPurged("The stored request is gone: its retention has passed.")
    return bytes(stored.content)


def answered_for_good(*, flow_id: int, digest: str) -> Reply | None:
    """Give the latest stored answer to the same body in which nothing was left as FAILURE; None when there is none."""
    response = (
        Payload.objects.filter(
            direction=PayloadDirection.RESPONSE_OUT,
            run__flow_id=flow_id,
            run__body_digest=digest,
            run__ack_type__in=[AckType.SUCCESS, AckType.ERROR],
            run__response_status__isnull=False,
        )
        .select_related("run")
        .order_by("-run__started_at", "-pk")
        .first()
    )
    if response is None:
        return None
    return Reply(
        status=response.run.response_status or 200,
        body=bytes(response.content),
        run_id=str(response.run_id),
        repeated=True,
    )


class UnknownFile(LookupError):
    """The ledger holds no file of this id."""


def transferred_files(*, search: str = "") -> QuerySet[TransferredFile]:
    """Give the ledger of files, what changed last first; `search` is the start of a name or a message id."""
    files = TransferredFile.objects.select_related("flow").order_by("-changed_at", "-pk")
    text = search.strip()
    return files.filter(search_queries.transferred_files(text)) if text else files


def transferred_file(file_id: int) -> TransferredFile:
    """
    Give a file with its flow and its history.

    :raises UnknownFile: when there is none.
    """
    found = TransferredFile.objects.select_related("flow").prefetch_related("events").filter(pk=file_id).first()
    if found is None:
        raise UnknownFile(f"There is no file {file_id}.")
    return found
