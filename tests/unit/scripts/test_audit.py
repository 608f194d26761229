"""An audit never passes because nothing could be looked up."""

from __future__ import annotations

import pytest

from tests.script_loading import load


audit = load("audit")


class TestVerdict:
    def test_nothing_known(self) -> None:
        assert audit.verdict(0, "No known vulnerabilities found\n") == (0, "nothing known")

    def test_something_known(self) -> None:
        status, text = audit.verdict(1, "Found 1 known vulnerability in 1 package\nname 1.0 CVE-2026-1 1.1\n")

        assert status == 1
        assert "CVE-2026-1" in text

    @pytest.mark.parametrize("returncode", [0, 1])
    @pytest.mark.parametrize(
        "said",
        [
            "ERROR:pip_audit._cli:x: Dependency not found on PyPI and could not be audited: x (1.4.6)",
            "No known vulnerabilities found\nx could not be audited",
            "requests.exceptions.ConnectionError: Max retries exceeded",
        ],
    )
    def test_what_could_not_be_looked_up_is_no_pass(self, returncode: int, said: str) -> None:
        status, text = audit.verdict(returncode, said)

        assert status == 2
        assert text.startswith("NOT AUDITED")
