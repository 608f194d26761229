"""Values derived from final measurements, computed as they are read. No function here writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from vee.engine import derivations
from vee.engine.derivations import Derivation, Facts
from vee.engine.parameters import UnableToReadParameters
from vee.models import MeasuringComponent, ValueDerivation
from vee.queries import Measurement


Derive = Callable[[Measurement], dict[str, Decimal | None]]


def derivations_of(component: MeasuringComponent) -> list[Derivation]:
    """
    Give what is derived from a component's measurements, in order; one query.

    What does not fit any more (a formula that names a value that was taken away) is left out.
    """
    rows = ValueDerivation.objects.filter(type=component.type_id).order_by("sequence", "name")
    found: list[Derivation] = []
    for row in rows:
        try:
            found.append(
                derivations.read(
                    name=row.name,
                    uom=row.uom,
                    scale=row.scale,
                    method=row.method,
                    parameters=row.parameters,
                    before=[each.name for each in found],
                )
            )
        except UnableToReadParameters:
            continue
    return found


def deriver(component: MeasuringComponent, found: Sequence[Derivation]) -> Derive:
    """Give the function that derives the values of one measurement of a component."""
    device = component.device
    point = component.service_point or (device.service_point if device is not None else None)
    facts = Facts(
        seconds_per_interval=component.type.seconds_per_interval,
        multiplier=component.multiplier,
        # The nearest one counts: the component's, then its device's, then its service point's.
        characteristics={
            **(point.characteristics if point is not None else {}),
            **(device.characteristics if device is not None else {}),
            **component.characteristics,
        },
    )

    def derive(measurement: Measurement) -> dict[str, Decimal | None]:
        return derivations.compute_all(found, value=measurement.value, condition=measurement.condition, facts=facts)

    return derive
