"""Writes of the ledger of event outcomes: what was posted as it is, is not posted again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from foundation.kept_texts import kept
from integration.choices import EventState, OutcomeState
from integration.flows.outcome_mapping import DeviceOutcome, OutcomeRequest
from integration.models import Event, FlowRun, Outcome, RunIdentifier


EVENT_IDENTIFIER = "eventId"
ANSWER_LENGTH = 500
_BATCH = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """The rows of a segment: to post now, how many DACS has as they are, and those that clash with others."""

    to_post: Sequence[DeviceOutcome]
    settled: int
    refused: Sequence[tuple[DeviceOutcome, str]]


def note_events(*, run: FlowRun, event_ids: Sequence[str]) -> None:
    """Make the run be found by the events in its file; the acknowledgement names them."""
    RunIdentifier.objects.bulk_create(
        [RunIdentifier(run=run, name=EVENT_IDENTIFIER, value=event_id) for event_id in dict.fromkeys(event_ids)],
        ignore_conflicts=True,
    )


def events_of(run: FlowRun) -> list[str]:
    """Give the events that were found in a run's file, in the order in which they were found."""
    return list(run.identifiers.filter(name=EVENT_IDENTIFIER).order_by("pk").values_list("value", flat=True))


def sort(*, request: OutcomeRequest, run: FlowRun, rows: Sequence[DeviceOutcome]) -> Sorted:
    """
    Tell what DACS has already from what it gets.

    A device has one outcome in an event: a second row that says something else is refused, because the two would take
    turns; one that says the same is settled with the first. What another file said before is corrected.
    """
    first: dict[tuple[str, str, str], DeviceOutcome] = {}
    to_post: list[DeviceOutcome] = []
    refused: list[tuple[DeviceOutcome, str]] = []
    settled = 0
    known = _known(request, rows)
    for row in rows:
        earlier = first.setdefault(row.key, row)
        posted = known.get(row.key)
        if earlier is not row:
            if earlier.values == row.values:
                settled += 1
            else:
                refused.append((row, _clash(row, earlier.line)))
        elif posted is None or posted.state != OutcomeState.POSTED:
            to_post.append(row)
        elif _values(posted) == row.values:
            settled += 1
        elif posted.run_id == run.pk and posted.line != row.line:
            refused.append((row, _clash(row, posted.line)))
        else:
            to_post.append(row)
    return Sorted(to_post=to_post, settled=settled, refused=refused)


@transaction.atomic
def record(
    *,
    request: OutcomeRequest,
    run: FlowRun,
    rows: Sequence[DeviceOutcome],
    refusal: str = "",
    at: dt.datetime,
) -> None:
    """
    Write what became of rows that were posted; `refusal` is what DACS said when it refused them.

    What DACS has is not overwritten by something that it refused.
    """
    if refusal:
        known = _known(request, rows)
        rows = [row for row in rows if row.key not in known or known[row.key].state != OutcomeState.POSTED]
    events = _events(request, [row.event_id for row in rows], at=at)
    state = OutcomeState.REFUSED if refusal else OutcomeState.POSTED
    Outcome.objects.bulk_create(
        [
            Outcome(
                event_id=events[row.event_id],
                head_end_system=row.head_end_system,
                nic_id=row.nic_id,
                run=run,
                line=row.line,
                code=row.code,
                outcome=row.outcome,
                participated_from=row.participated_from,
                participated_to=row.participated_to,
                message=row.message,
                message_cut=row.cut,
                state=state,
                answer=refusal[:ANSWER_LENGTH],
                changed_at=at,
            )
            for row in rows
        ],
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["event", "head_end_system", "nic_id"],
        update_fields=[
            *("run", "line", "code", "outcome", "participated_from", "participated_to", "message", "message_cut"),
            *("state", "answer", "changed_at"),
        ],
    )


def forget(*, run: FlowRun, at: dt.datetime) -> int:
    """Let everything of a run be posted again; give how many rows there are."""
    return Outcome.objects.filter(run=run).update(state=OutcomeState.AGAIN, answer="", changed_at=at)


def complete_events(*, run: FlowRun, at: dt.datetime) -> int:
    """Show the events that got outcomes from a run as completed; a cancelled one stays so. Give how many changed."""
    got = Outcome.objects.filter(run=run, state=OutcomeState.POSTED).values("event_id")
    return (
        Event.objects.filter(pk__in=got)
        .exclude(state__in=[EventState.CANCELED, EventState.COMPLETED])
        .update(state=EventState.COMPLETED, changed_at=at)
    )


def _known(request: OutcomeRequest, rows: Sequence[DeviceOutcome]) -> dict[tuple[str, str, str], Outcome]:
    found = Outcome.objects.select_related("event").filter(
        event__drms_instance_id=request.drms_instance_id,
        event__external_id__in={row.event_id for row in rows},
        nic_id__in={row.nic_id for row in rows},
    )
    return {(row.event.external_id, row.head_end_system, row.nic_id): row for row in found}


def _values(posted: Outcome) -> tuple[str, dt.datetime | None, dt.datetime | None, str]:
    as_row = DeviceOutcome(
        line=posted.line,
        record_id="",
        event_id="",
        nic_id=posted.nic_id,
        head_end_system=posted.head_end_system,
        code=posted.code,
        outcome=posted.outcome,
        participated_from=posted.participated_from,
        participated_to=posted.participated_to,
        message=posted.message,
    )
    return as_row.values


def _events(request: OutcomeRequest, event_ids: Sequence[str], *, at: dt.datetime) -> Mapping[str, int]:
    # An event without a reservation here is made on the spot: reservations may have been made elsewhere.
    wanted = list(dict.fromkeys(event_ids))
    Event.objects.bulk_create(
        [
            Event(drms_instance_id=request.drms_instance_id, external_id=event_id, first_seen_at=at, changed_at=at)
            for event_id in wanted
        ],
        ignore_conflicts=True,
    )
    return dict(
        Event.objects.filter(drms_instance_id=request.drms_instance_id, external_id__in=wanted).values_list(
            "external_id", "pk"
        )
    )


def _clash(row: DeviceOutcome, line: int) -> str:
    return kept(
        f"Device {row.head_end_system}/{row.nic_id} has another outcome in event {row.event_id} already (line {line})"
    )
