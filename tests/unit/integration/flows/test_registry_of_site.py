from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from integration.flows import registry


GOOD = """
from integration.flows.mapped import MappedFlow
from integration.flows.registry import Declaration

DECLARATION = Declaration(
    name="own_flow", identifier="SITE-OWN", display_name="Own", pattern="SYNC", direction="A → B", uris=("own",)
)
FLOW = MappedFlow()
"""


@pytest.fixture(autouse=True)
def packaged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(tmp_path)
    yield
    registry.declare(registry.PACKAGED)
    sys.modules.pop("own_module", None)


def load(tmp_path: Path, source: str) -> None:
    (tmp_path / "own_module.py").write_text(source)
    registry.load(["own_module"])


class TestLoad:
    def test_declares_a_site_flow_beside_the_packaged_ones(self, tmp_path: Path) -> None:
        load(tmp_path, GOOD)

        found = registry.find("site_own")
        assert (found.name, found.module, found.site, found.available) == ("own_flow", "own_module", True, True)
        assert (*registry.PACKAGED, found) == registry.DECLARATIONS
        assert not registry.find("enrollment_request").site

    def test_without_modules_there_are_the_packaged_flows(self) -> None:
        registry.load([])

        assert registry.DECLARATIONS == registry.PACKAGED

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("DECLARATION = Declaration", "OTHER = Declaration", "it has no DECLARATION"),
            ("FLOW = MappedFlow()", "FLOW = object()", "its FLOW has no accept, identifiers, recall, claim, run"),
            ("FLOW = MappedFlow()", "", "its FLOW has no accept"),
            ('name="own_flow"', 'name="device_score"', "device_score is a name of OU DACS DERMS Device Score FTP"),
            ('"SITE-OWN"', '"OUTL_BA_DRMS_DACS_ENROLLRQ"', "is a name of OU DERMS DACS Enrollment Request already"),
            ('name="own_flow"', 'name="Own Flow"', "the name 'Own Flow' is small letters"),
            ('"SITE-OWN"', '"SITE/OWN"', "the identifier 'SITE/OWN' is letters"),
            ('"SYNC"', '"EVENTUALLY"', "the pattern is one of SYNC, ASYNC, SCHEDULED, not 'EVENTUALLY'"),
            ('("own",)', "()", "it is served nowhere"),
            ('("own",)', '("activate",)', "the uri 'activate' is"),
            ("from integration", "from nowhere", "it cannot be imported (ModuleNotFoundError"),
            ("FLOW = ", "1 / 0\nFLOW = ", "it cannot be imported (ZeroDivisionError"),
        ],
    )
    def test_says_what_is_wrong_with_a_module_and_declares_nothing(
        self, tmp_path: Path, old: str, new: str, message: str
    ) -> None:
        assert old in GOOD

        with pytest.raises(registry.UnableToLoadFlow) as refused:
            load(tmp_path, GOOD.replace(old, new, 1))

        assert str(refused.value).startswith("TIELINE_FLOWS names own_module: ")
        assert message in str(refused.value)
        assert registry.DECLARATIONS == registry.PACKAGED

    def test_two_modules_do_not_share_a_name(self, tmp_path: Path) -> None:
        (tmp_path / "own_module.py").write_text(GOOD)

        with pytest.raises(registry.UnableToLoadFlow, match="already"):
            registry.load(["own_module", "own_module"])
