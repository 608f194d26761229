"""Shared by the tests of lookups: an empty registry of uses, so that no flow's columns get in the way."""

from __future__ import annotations

import pytest

from lookups import usage


@pytest.fixture(autouse=True)
def _own_registry_of_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage, "_uses", {})
