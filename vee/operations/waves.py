"""The order among IMDs of one component: which of a chunk may go through VEE together."""

from __future__ import annotations

from collections.abc import Sequence

from vee.codes import ComponentKind
from vee.engine import registry
from vee.engine.plan import Plan
from vee.operations.groups import Plans
from vee.operations.preparation import DueImd
from vee.storage import NO_VALUE


def in_waves(imds: Sequence[DueImd], plans: Plans) -> list[list[DueImd]]:
    """
    Cut IMDs, ordered by component and their turn, into waves that are processed one after another.

    An IMD that needs what an earlier one of its component leaves behind waits for it: readings, which are subtracted
    from the ones before them; intervals with a gap, which may look at the measurement beyond it or at other days; those
    that are compared with the day before; and whatever passes a rule that wants IMDs in order. All others go at once.
    """
    waiting: dict[str, bool] = {}
    waves: dict[int, list[DueImd]] = {}
    latest: dict[int, int] = {}
    for imd in imds:
        component = imd.component.id if imd.component is not None else -imd.id
        number = latest.get(component, -1)
        number = number + 1 if number < 0 or _looks_back(imd) or _in_order(imd, plans, waiting) else number
        latest[component] = number
        waves.setdefault(number, []).append(imd)
    return [waves[number] for number in sorted(waves)]


def _looks_back(imd: DueImd) -> bool:
    values = imd.values
    if imd.component is not None and imd.component.high_quality_tolerance is not None:
        return True
    if imd.component is not None and imd.component.kind == ComponentKind.SUBTRACTIVE_INTERVAL:
        return True
    return values is None or not len(values) or (not imd.whole and bool((values == NO_VALUE).any()))


def _in_order(imd: DueImd, plans: Plans, known: dict[str, bool]) -> bool:
    """Tell whether a rule of the IMD's plan wants the IMDs of a component one after another."""
    if imd.component is None:
        return False
    plan = plans.plan_of(imd=imd, component=imd.component)
    if plan.signature not in known:
        known[plan.signature] = _wants_order(plan)
    return known[plan.signature]


def _wants_order(plan: Plan) -> bool:
    names = {step.rule for step in plan.steps if step.problem is None and not step.skip}
    return any(registry.get(name).in_order for name in names)
