"""The sections of the configuration document, in the order in which they depend on each other."""

from __future__ import annotations

from collections.abc import Mapping

from foundation.configuration import Section


SECTIONS: tuple[Section, ...] = ()
"""All sections; one stands behind those whose records it refers to by name."""

NOT_COVERED: Mapping[str, str] = {}
"""Models that can be edited in the admin and are no configuration, by label, and why."""
