"""The section of the configuration document that lookups are."""

from __future__ import annotations

from foundation.configuration import Section
from lookups.operations.configuration import apply_section
from lookups.operations.configuration_whole import WHOLE_KEYS
from lookups.queries.listing import configuration_section


LOOKUPS = Section(
    name="lookups",
    holds="code translation, configuration properties, e-mail recipients",
    document=configuration_section,
    apply=apply_section,
    covers=("lookups.Lookup", "lookups.LookupRow", "lookups.LookupAlias"),
    keys=WHOLE_KEYS,
    identified_by={"columns": ("name",), "rows": ("propertyName", "Recipient")},
    left_out={
        "Lookup.key": "follows from the name",
        **{f"Lookup.{field}": "the product keeps it" for field in ("version", "changed_at", "changed_by")},
    },
)
