"""Repair of IMDs in ERROR: the component that they are about, and their period (`vee.md` 2.2, I8)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.db import transaction

from vee.choices import ImdState
from vee.locks import lock_imd
from vee.models import ImdTransition, InitialMeasurement, MeasuringComponent, RunLog
from vee.operations import actions
from vee.operations.actions import ImdNotFound, StateDoesNotAllow, UnableToAct, check_request


class RepairNotUsable(UnableToAct):
    """What was given does not fit; `field` names it."""

    def __init__(self, message: str, *, field: str) -> None:
        super().__init__(message)
        self.field = field


def repair(
    *,
    imd_id: int,
    by: Any,
    reason: str,
    at: dt.datetime,
    component_identifier: str | None = None,
    start: dt.datetime | None = None,
    end: dt.datetime | None = None,
    perform: bool = False,
) -> InitialMeasurement:
    """
    Change the measuring component or the period of an IMD in ERROR, and perform VEE at once when asked to.

    None leaves something as it is. What it was before stays in the IMD's log; the received values are not touched.

    :raises UnableToAct: NotPermitted, ReasonMissing, ImdNotFound, StateDoesNotAllow, or RepairNotUsable.
    """
    reason = check_request(by=by, right="vee.edit_imd", reason=reason)
    with transaction.atomic():
        try:
            imd = lock_imd(imd_id=imd_id)
        except InitialMeasurement.DoesNotExist:
            raise ImdNotFound(f"There is no IMD {imd_id}.") from None
        if imd.state != ImdState.ERROR:
            raise StateDoesNotAllow(f"An IMD in state {imd.state} cannot be repaired.")
        before = _facts(imd)
        if component_identifier is not None:
            component = MeasuringComponent.objects.filter(identifier=component_identifier).first()
            if component is None:
                message = f"There is no measuring component {component_identifier}."
                raise RepairNotUsable(message, field="measuring_component")
            imd.measuring_component = component
            imd.component_identifier = component.identifier
        imd.start, imd.end = start or imd.start, end or imd.end
        if imd.end < imd.start:
            raise RepairNotUsable("The end lies before the start.", field="end")
        after = _facts(imd)
        if after != before:
            imd.save(update_fields=["measuring_component", "component_identifier", "start", "end"])
            changed = {name: [before[name], after[name]] for name in after if after[name] != before[name]}
            ImdTransition.objects.create(
                imd=imd,
                from_state=imd.state,
                to_state=imd.state,
                at=at,
                by=by.get_username(),
                reason=reason,
                log=RunLog.objects.create(details={"repaired": changed}),
            )
        return actions.perform_vee(imd_id=imd_id, by=by, reason=reason, at=at) if perform else imd


def _facts(imd: InitialMeasurement) -> dict[str, str]:
    return {
        "measuring_component": imd.component_identifier,
        "start": imd.start.isoformat(),
        "end": imd.end.isoformat(),
    }
