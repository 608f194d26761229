"""
Moves of IMDs from state to state, one by one and in bulk, by one table: the transitions of `InitialMeasurement`.

Every move leaves a transition row (`house.md` D8).
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from vee.models import InitialMeasurement
from vee.storage import write_steps


SYSTEM = "system"
_STATE_FIELD: Any = InitialMeasurement._meta.get_field("state")
_METHODS: dict[tuple[str, str], str] = {
    (str(found.source), str(found.target)): found.name for found in _STATE_FIELD.get_all_transitions(InitialMeasurement)
}
LEGAL: frozenset[tuple[str, str]] = frozenset(_METHODS)


class UnableToMove(Exception):
    """The move is not allowed, or the IMD is no longer in the state that it starts from."""


class IllegalMove(UnableToMove):
    """The life cycle has no such transition."""


class StateChangedMeanwhile(UnableToMove):
    """Somebody else moved at least one of the IMDs."""


def steps_of(path: Sequence[str]) -> list[tuple[str, str]]:
    """
    Give the steps of a path of states.

    :raises IllegalMove: when one of them is not in the table, or there is none.
    """
    steps = [(str(source), str(target)) for source, target in itertools.pairwise(path)]
    for step in steps:
        if step not in LEGAL:
            raise IllegalMove(f"An IMD cannot move from {step[0]} to {step[1]}.")
    if not steps:
        raise IllegalMove("A move needs a state to start from and one to go to.")
    return steps


def bulk_move(
    *,
    imd_ids: Sequence[int],
    path: Sequence[str],
    at: dt.datetime,
    by: str = SYSTEM,
    reason: str = "",
    details: Mapping[int, str] | None = None,
    details_of: str | None = None,
    also: Mapping[str, Any] | None = None,
) -> None:
    """
    Move many IMDs along a path of states with one conditional UPDATE, and leave one transition row per step.

    `details` is JSON text by IMD; it lies on the step that leads to `details_of` (default: the last one). `also` are
    further columns to set.

    :raises IllegalMove: when the life cycle does not have a step of the path.
    :raises StateChangedMeanwhile: when not all of them are in the first state; then none is moved.
    """
    steps = steps_of(path)
    if not imd_ids:
        return
    with transaction.atomic():
        moved = InitialMeasurement.objects.filter(pk__any_of=imd_ids, state=str(path[0])).update(
            state=str(path[-1]), state_changed_at=at, **(also or {})
        )
        if moved != len(imd_ids):
            raise StateChangedMeanwhile(f"{len(imd_ids) - moved} of {len(imd_ids)} are no longer in {path[0]}.")
        record_steps(imd_ids=imd_ids, steps=steps, at=at, by=by, reason=reason, details=details, details_of=details_of)


def record_entry(
    *,
    imd_ids: Sequence[int],
    path: Sequence[str],
    at: dt.datetime,
    by: str,
    details: Mapping[int, str] | None = None,
    details_of: str | None = None,
) -> None:
    """
    Leave the transition rows of IMDs that are stored where a path ends: their creation, and each step of the path.

    :raises IllegalMove: when the life cycle does not have a step of the path.
    """
    first = ("", str(path[0]))
    record_steps(
        imd_ids=imd_ids,
        steps=[first, *steps_of(path)] if len(path) > 1 else [first],
        at=at,
        by=by,
        details=details,
        details_of=details_of,
    )


def move(
    *,
    imd: InitialMeasurement,
    path: Sequence[str],
    at: dt.datetime,
    by: str = SYSTEM,
    reason: str = "",
    details: str | None = None,
) -> None:
    """
    Move one IMD along a path of states through its transition methods, save it and leave the transition rows.

    :raises IllegalMove: when the life cycle does not have a step of the path.
    :raises StateChangedMeanwhile: when the IMD is not in the first state.
    """
    steps = steps_of(path)
    if imd.state != str(path[0]):
        raise StateChangedMeanwhile(f"The IMD is in {imd.state}, not in {path[0]}.")
    for step in steps:
        getattr(imd, _METHODS[step])()
    imd.state_changed_at = at
    with transaction.atomic():
        imd.save(update_fields=["state", "state_changed_at"])
        record_steps(
            imd_ids=[imd.pk],
            steps=steps,
            at=at,
            by=by,
            reason=reason,
            details=None if details is None else {imd.pk: details},
        )


def record_steps(
    *,
    imd_ids: Sequence[int],
    steps: Sequence[tuple[str, str]],
    at: dt.datetime,
    by: str = SYSTEM,
    reason: str = "",
    details: Mapping[int, str] | None = None,
    details_of: str | None = None,
) -> None:
    """Leave the transition rows of a move; a step from "" is an IMD's creation."""
    carrying = details_of or steps[-1][1]
    told = details or {}
    texts = list(dict.fromkeys(told[imd_id] for imd_id in imd_ids if imd_id in told))
    place = {text: number for number, text in enumerate(texts, start=1)}
    write_steps(
        imd_ids=imd_ids,
        steps=[(source, target, target == carrying) for source, target in steps],
        texts=texts,
        text_of=[place[told[imd_id]] if imd_id in told else 0 for imd_id in imd_ids],
        at=at,
        by=by[:150],
        reason=reason[:500],
    )
