"""What every tier shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings


# Properties are about what is true, not about how fast this machine is.
settings.register_profile("tieline", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tieline")


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """The third-party sample data, found through TIELINE_SAMPLE_DATA."""
    place = os.environ.get("TIELINE_SAMPLE_DATA")
    if not place:
        pytest.skip("TIELINE_SAMPLE_DATA is not set: the sample data is not part of the project")
    return Path(place)


@pytest.fixture
def rule_not_available(monkeypatch: pytest.MonkeyPatch) -> str:
    """A rule that a configuration may name and this version cannot run."""
    from vee.engine import registry

    name = "rule_of_a_later_version"
    monkeypatch.setattr(registry, "KNOWN", registry.KNOWN | {name})
    return name
