"""The section of the configuration document that overlays of base mappings have."""

from __future__ import annotations

from foundation.configuration import Section
from integration.operations import mapping_overlay_configuration


_BY_INSTALLATION = "counted and kept by each installation"
_EVIDENCE = "who did what when is evidence of the installation"

MAPPING_OVERLAYS = Section(
    name="mapping_overlays",
    holds="fields that a site adds to a base mapping or gives another value, in effect and to come",
    document=mapping_overlay_configuration.mapping_overlays_document,
    apply=mapping_overlay_configuration.apply_mapping_overlays,
    covers=("integration.MappingOverlay", "integration.MappingOverlayField"),
    keys=mapping_overlay_configuration.KEYS,
    identified_by={"fields": ("target",)},
    rights=(
        "integration.add_mappingoverlay",
        "integration.change_mappingoverlay",
        "integration.activate_mappingoverlay",
    ),
    left_out={
        "MappingOverlay.version": _BY_INSTALLATION,
        "MappingOverlay.revision": _BY_INSTALLATION,
        "MappingOverlay.effective_from": "told of what is to come; what is in effect counts from when it is applied",
        "MappingOverlay.effective_to": "follows from the version after it, or from its retirement",
        **{
            f"MappingOverlay.{name}": _EVIDENCE
            for name in ("created_at", "created_by", "activated_at", "activated_by", "retired_at", "retired_by")
        },
        "MappingOverlayField.position": "the order in the list",
    },
)
