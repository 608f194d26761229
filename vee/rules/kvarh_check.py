"""
kVARh Check (`vee.md` 5.4): reactive energy without active energy.

`fail <=> |kVARh| > minimum_reactive and kWh = 0`, or `|kVARh| / |kWh| > max_ratio` where a ratio is set. The other of
the two is the one component of the same device, kind and interval size with that unit; what it measured over the same
period is asked of the final measurements, so the IMD that comes later of the two is the one that is judged.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from vee.codes import ComponentKind, Role
from vee.engine import consumption
from vee.engine.batch import Batch
from vee.engine.context import NEVER, Context, Windows
from vee.engine.findings import Finding, Result
from vee.engine.fixed_point import number_text, row_sums
from vee.engine.parameters import RuleParameters, described, quantity
from vee.engine.rule import ALL_KINDS, FailurePoint, Rule
from vee.engine.sentences import Said, fails, gettext_noop


class Parameters(RuleParameters, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a site may set."""

    minimum_reactive: Annotated[
        Decimal, quantity("Reactive energy up to this is tolerated without active energy.", unit="kVARh", minimum=0)
    ] = Decimal(0)
    max_ratio: Annotated[
        Decimal | None,
        quantity("How many kVARh there may be for a kWh; empty: any number.", unit="kVARh/kWh", above=0),
    ] = None
    reactive_uom: Annotated[str, described("The unit of reactive energy.", min_length=1, max_length=20)] = "KVARH"
    active_uom: Annotated[str, described("The unit of active energy.", min_length=1, max_length=20)] = "KWH"


def evaluate(batch: Batch, parameters: Parameters, context: Context) -> Result:
    """Compare each IMD's energy with its counterpart's."""
    result = Result()
    totals = consumption.totals(batch)
    units = {parameters.reactive_uom: parameters.active_uom, parameters.active_uom: parameters.reactive_uom}
    wanted = [units.get(facts.component_uom) for facts in batch.facts]
    other_unit = [row for row, unit in enumerate(wanted) if unit is None]
    result.leave_out(other_unit, f"it measures neither {parameters.reactive_uom} nor {parameters.active_uom}")
    measurable = np.array([unit is not None for unit in wanted], dtype=np.bool_)
    result.leave_out(np.flatnonzero(measurable & ~totals.complete), "values are missing")
    rows = np.flatnonzero(measurable & totals.complete)
    if not len(rows):
        return result
    part = batch.take(rows)
    partners = _partners(part, [wanted[row] for row in rows.tolist()], context)
    result.leave_out(rows[partners == 0], "the device has not one component for the other energy")
    measured = _measured(part, partners, context)
    pending = [
        int(row) for row, partner, amount in zip(rows, partners, measured, strict=True) if partner and amount is None
    ]
    result.leave_out(pending, "the other energy was not measured for the whole period")
    for row, amount in zip(rows.tolist(), measured, strict=True):
        if amount is not None:
            own = Fraction(totals.of(row), 10**batch.scale)
            pair = (own, amount) if wanted[row] == parameters.active_uom else (amount, own)
            if finding := _finding(row, *pair, parameters=parameters):
                result.findings.append(finding)
    return result


def _partners(batch: Batch, wanted: list[str | None], context: Context) -> NDArray[np.int64]:
    """Give the one component of each IMD's device that measures the other energy alike; 0 where there is not one."""
    siblings = context.siblings(batch)
    facts = context.components(np.array(sorted({one for each in siblings for one in each}), dtype=np.int64))
    found = np.zeros(batch.size, dtype=np.int64)
    for row, ids in enumerate(siblings):
        alike = [
            known.component_id
            for known in (facts[one] for one in ids if one in facts)
            if known.uom == wanted[row]
            and known.kind == batch.kind
            and known.seconds_per_interval == batch.seconds_per_interval
        ]
        found[row] = alike[0] if len(alike) == 1 else 0
    return found


def _measured(batch: Batch, partners: NDArray[np.int64], context: Context) -> list[Fraction | None]:
    """Give what the partners measured over each IMD's period; None where that is not known."""
    if not partners.any():
        return [None] * batch.size
    if batch.kind == ComponentKind.SCALAR:
        starts, ends = consumption.periods(batch, context)
        known = np.flatnonzero((starts != NEVER) & (partners != 0))
        amounts: list[Fraction | None] = [None] * batch.size
        if len(known):
            reads = context.register_reads(partners[known], starts[known], ends[known])
            for row, read in zip(known.tolist(), reads, strict=True):
                amount = consumption.register_total(read, int(starts[row]), int(ends[row]))
                amounts[row] = None if amount is None else Fraction(amount)
        return amounts
    size = batch.seconds_per_interval
    if size is None:
        return [None] * batch.size
    found = context.measured(Windows(partners, batch.starts, batch.length, size, batch.scale))
    there = consumption.meant(found.valid, found.conditions)
    sums = row_sums(found.values, there)
    complete = there.all(axis=1) & (partners != 0)
    return [Fraction(int(sums[row]), 10**batch.scale) if complete[row] else None for row in range(batch.size)]


def _finding(row: int, reactive: Fraction, active: Fraction, *, parameters: Parameters) -> Finding | None:
    reactive, active = abs(reactive), abs(active)
    texts = [consumption.quantity_text(amount * 10**9, 9) for amount in (reactive, active)]
    said = f"{texts[0]} {parameters.reactive_uom} were measured with {texts[1]} {parameters.active_uom}"
    if active == 0:
        if reactive <= Fraction(parameters.minimum_reactive):
            return None
        limit = number_text(parameters.minimum_reactive)
        return Finding(row, f"{said}; without active energy {limit} are allowed.", observed=texts[0], limit=limit)
    if parameters.max_ratio is None or reactive <= Fraction(parameters.max_ratio) * active:
        return None
    limit = number_text(parameters.max_ratio)
    observed = consumption.quantity_text(reactive / active * 10_000, 4)
    return Finding(row, f"{said}: a ratio of {observed}; allowed is {limit}.", observed=observed, limit=limit)


def sentence(parameters: Parameters) -> Said:
    """Say what the rule does."""
    if not parameters.max_ratio:
        return fails(gettext_noop("{fails} when a device measured reactive energy but no active energy."))
    return fails(
        gettext_noop(
            "{fails} when a device measured reactive energy but no active energy, or more than {ratio} for each kWh."
        ),
        ratio=number_text(parameters.max_ratio),
    )


RULE = Rule(
    name="kvarh_check",
    code="",
    title="kVARh Check",
    summary="Reports reactive energy without active energy of the same device over the same period.",
    kinds=ALL_KINDS,
    roles=frozenset({Role.INITIAL_LOAD}),
    parameters=Parameters,
    failure_points=(FailurePoint("reactive energy without active energy", "KVARH"),),
    sentence=sentence,
    evaluate=evaluate,
)
