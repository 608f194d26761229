"""What belongs to a run: the tree of its repetitions, and messages, files, events and incidents around it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from integration.models import (
    Cancellation,
    DeviceStatusCheck,
    EnrollmentSync,
    Event,
    FileAttempt,
    FlowRun,
    Incident,
    Outcome,
    Reservation,
    RunTransition,
    StoredFile,
    TransferredFile,
    TransferredFileEvent,
)
from integration.run_timeline import Attempt, attempts_of
from outbound.models import OutboundMessage


MOST_RUNS = 200
"""How many runs of a tree are shown."""

MOST_RELATED = 20
"""How many records of each kind are shown beside a run."""


@dataclass(slots=True, kw_only=True)
class Node:
    """A run with the attempts at it, and the runs that repeat it."""

    run: FlowRun
    attempts: list[Attempt] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


def tree(run: FlowRun) -> Node:
    """Give the original that a run goes back to, with all that repeats it, in a read per generation."""
    original = run
    while original.parent is not None:
        original = original.parent
    nodes = {original.pk: Node(run=original)}
    generation: list[Any] = [original.pk]
    while generation and len(nodes) < MOST_RUNS:
        repeated = FlowRun.objects.filter(parent__in=generation).select_related("requested_by")
        children = list(repeated.order_by("started_at", "pk")[: MOST_RUNS - len(nodes)])
        for child in children:
            nodes[child.pk] = Node(run=child)
            nodes[child.parent_id].children.append(nodes[child.pk])
        generation = [child.pk for child in children]
    moves: dict[Any, list[RunTransition]] = {}
    for each in RunTransition.objects.filter(run__in=list(nodes)).order_by("pk"):
        moves.setdefault(each.run_id, []).append(each)
    for key, node in nodes.items():
        node.attempts = attempts_of(moves.get(key, []))
    return nodes[original.pk]


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Records of one kind; `more`: there are others."""

    model: type[Any]
    rows: list[Any]
    more: bool


def related(run: FlowRun, *, may_view: Callable[[type[Any]], bool]) -> list[Related]:
    """Give the records that go with a run, of those kinds that the person may see; kinds without any are left out."""
    found = []
    for model, rows in _kinds(run):
        if not may_view(model):
            continue
        some: list[Any] = list(rows()[: MOST_RELATED + 1])
        if some:
            found.append(Related(model=model, rows=some[:MOST_RELATED], more=len(some) > MOST_RELATED))
    return found


def _kinds(run: FlowRun) -> Sequence[tuple[type[Any], Callable[[], QuerySet[Any]]]]:
    return (
        (OutboundMessage, lambda: _messages(run)),
        (EnrollmentSync, lambda: EnrollmentSync.objects.filter(Q(run=run) | Q(ack_run=run)).order_by("pk")),
        (DeviceStatusCheck, lambda: DeviceStatusCheck.objects.filter(Q(run=run) | Q(answer_run=run)).order_by("pk")),
        (StoredFile, lambda: StoredFile.objects.filter(run=run)),
        (TransferredFile, lambda: _files(run)),
        (Event, lambda: _events(run)),
        (Cancellation, lambda: Cancellation.objects.filter(run=run).order_by("pk")),
        (Incident, lambda: Incident.objects.filter(latest_run=run).order_by("-last_seen_at", "pk")),
        (FlowRun, lambda: _neighbours(run)),
    )


def _messages(run: FlowRun) -> QuerySet[OutboundMessage]:
    acknowledgements: Collection[str] = {
        *FileAttempt.objects.filter(run=run).exclude(ack_message_id="").values_list("ack_message_id", flat=True),
        *EnrollmentSync.objects.filter(run=run).exclude(ack_message_id="").values_list("ack_message_id", flat=True),
    }
    wanted = Q(message_id__in=acknowledgements)
    if run.correlation_id:
        wanted |= Q(correlation_id=run.correlation_id)
    messages = OutboundMessage.objects.filter(wanted).select_related("message_type")
    return messages.defer("payload", "answer", "headers").order_by("pk")


def _files(run: FlowRun) -> QuerySet[TransferredFile]:
    # Joined by "or" they would be looked for among all files.
    touched = TransferredFileEvent.objects.filter(run=run).values("file_id")
    found = TransferredFile.objects.filter(run=run).values("pk").union(touched)
    return TransferredFile.objects.filter(pk__in=found).order_by("pk")


def _events(run: FlowRun) -> QuerySet[Event]:
    reserved = Reservation.objects.filter(run=run).values("event_id")
    reported = Outcome.objects.filter(run=run).values("event_id")
    return Event.objects.filter(Q(pk__in=reserved) | Q(pk__in=reported)).order_by("pk")


def _neighbours(run: FlowRun) -> QuerySet[FlowRun]:
    """Give runs of the same piece of work, repetitions aside: those stand in the tree."""
    if not run.correlation_id:
        return FlowRun.objects.none()
    rows = FlowRun.objects.filter(correlation_id=run.correlation_id, parent__isnull=True).exclude(pk=run.pk)
    return rows.select_related("flow").order_by("started_at", "pk")
