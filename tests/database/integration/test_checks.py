from __future__ import annotations

import dataclasses

import pytest

from integration import checks
from integration.flows import registry


class TestFlowsAreWhole:
    def test_finds_nothing_wrong_with_the_shipped_flows(self) -> None:
        assert checks.flows_are_whole(None) == []

    def test_finds_a_flow_without_code_and_view(self, monkeypatch: pytest.MonkeyPatch) -> None:
        half = dataclasses.replace(
            registry.find("enrollment_sync"), name="half_a_flow", module="integration.flows.registry"
        )
        monkeypatch.setattr(registry, "DECLARATIONS", (half,))

        assert [message.id for message in checks.flows_are_whole(None)] == ["integration.E001", "integration.E002"]
