"""What a document says is derived from the measurements of a component type."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from vee.engine import derivations
from vee.engine.parameters import UnableToReadParameters
from vee.models import MeasuringComponentType, ValueDerivation
from vee.operations.configuration_entries import DerivationEntry
from vee.operations.configuration_sections import delete, plain, put, refuse, repeated


def apply_derivations(
    kind: MeasuringComponentType, entries: Sequence[DerivationEntry], index: int, *, by: Any, at: dt.datetime
) -> bool:
    """
    Make the derivations of a type those of the document; tell whether anything changed.

    :raises UnableToApplyConfiguration: with a pointer inside the section, `/0/derivations/1/parameters/formula` say.
    """
    refuse(repeated([(f"/{index}/derivations/{place}/name", entry.name) for place, entry in enumerate(entries)]))
    before: list[str] = []
    ordered = sorted(enumerate(entries), key=lambda pair: (pair[1].sequence, pair[1].name))
    for place, entry in ordered:
        try:
            derivations.read(
                name=entry.name, uom=entry.uom, scale=entry.scale, method=entry.method,
                parameters=plain(entry.parameters), before=before,
            )  # fmt: skip
        except UnableToReadParameters as error:
            pointer = f"/{index}/derivations/{place}/parameters{error.pointer}"
            refuse([{"pointer": pointer, "code": "invalid", "message": str(error)}])
        before.append(entry.name)
    there = {row.name: row for row in kind.derivations.all()}
    changed = False
    for name in there.keys() - {entry.name for entry in entries}:
        delete(there[name], by=by, at=at)
        changed = True
    for entry in entries:
        row = there.get(entry.name) or ValueDerivation(type=kind, name=entry.name)
        values = {
            "sequence": entry.sequence, "method": entry.method.value, "uom": entry.uom, "scale": entry.scale,
            "parameters": plain(entry.parameters),
        }  # fmt: skip
        changed |= put(row, values, by=by, at=at)
    return changed
