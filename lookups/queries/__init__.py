"""Reads: translating values, configuration properties, recipients, versions and warnings."""

from __future__ import annotations

from lookups.names import CONFIG_PROPS, EMAIL_ID
from lookups.queries.cautions import LookupWarning, warnings
from lookups.queries.configuration import (
    UnableToReadProperty,
    UnableToReadRecipients,
    UnknownProperty,
    UnknownRecipient,
    config_property,
    recipients,
)
from lookups.queries.listing import configuration_section, lookup_list, lookup_named
from lookups.queries.tables import (
    Found,
    LookupResult,
    Table,
    UnableToTranslate,
    UnknownColumn,
    UnknownLookup,
    lookup_value,
    table,
)
from lookups.queries.versions import UnknownVersion, difference, latest_differences, state_at


__all__ = [
    "CONFIG_PROPS",
    "EMAIL_ID",
    "Found",
    "LookupResult",
    "LookupWarning",
    "Table",
    "UnableToReadProperty",
    "UnableToReadRecipients",
    "UnableToTranslate",
    "UnknownColumn",
    "UnknownLookup",
    "UnknownProperty",
    "UnknownRecipient",
    "UnknownVersion",
    "config_property",
    "configuration_section",
    "difference",
    "latest_differences",
    "lookup_list",
    "lookup_named",
    "lookup_value",
    "recipients",
    "state_at",
    "table",
    "warnings",
]
