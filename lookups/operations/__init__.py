"""Writes: saving a lookup as a new version, reverting, importing, applying configuration and shipped defaults."""

from __future__ import annotations

from lookups.operations.configuration import TableChange, apply_configuration
from lookups.operations.defaults import InstalledDefaults, install_defaults
from lookups.operations.grid import ColumnEdit, save_grid
from lookups.operations.importing import ImportReport, UnableToImport, import_csv
from lookups.operations.rows import UnknownRow, add_row, change_row, remove_row, replace_rows
from lookups.operations.saving import LookupChangedMeanwhile, SaveResult, UnableToSaveLookup, save_lookup
from lookups.operations.versions import revert


__all__ = [
    "ColumnEdit",
    "ImportReport",
    "InstalledDefaults",
    "LookupChangedMeanwhile",
    "SaveResult",
    "TableChange",
    "UnableToImport",
    "UnableToSaveLookup",
    "UnknownRow",
    "add_row",
    "apply_configuration",
    "change_row",
    "import_csv",
    "install_defaults",
    "remove_row",
    "replace_rows",
    "revert",
    "save_grid",
    "save_lookup",
]
