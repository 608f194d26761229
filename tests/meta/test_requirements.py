"""What is installed is what was locked: each package by version and hash, in the files that `make` installs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest


REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements"
INSTALLED = ("base", "sandbox", "tracing", "audit", "dev", "docs")


def locked(name: str) -> dict[str, list[str]]:
    """Package and version to the hashes that are accepted, of a compiled file."""
    text = (REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return {line.split()[0]: re.findall(r"--hash=sha256:([0-9a-f]{64})", line) for line in lines}


@pytest.mark.parametrize("name", INSTALLED)
def test_every_package_is_locked_by_version_and_hash(name: str) -> None:
    packages = locked(name)

    assert len(packages) > 5
    assert [package for package in packages if not re.fullmatch(r"[\w.-]+(\[[\w,-]+\])?==[\w.+!-]+", package)] == []
    assert [package for package, hashes in packages.items() if not hashes] == []


@pytest.mark.parametrize("name", INSTALLED)
def test_every_package_that_is_asked_for_is_locked(name: str) -> None:
    wanted = {
        re.split(r"[\[=<>~ ;#]", line)[0].lower().replace("_", "-")
        for line in (REQUIREMENTS / f"{name}.in").read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.startswith(("#", "-"))
    }
    found = {re.split(r"[\[=]", package)[0].lower().replace("_", "-") for package in locked(name)}

    assert wanted - found == set()


def test_the_files_agree() -> None:
    runtime, development = locked("base"), locked("dev")
    plain = {re.sub(r"\[[^]]*\]", "", package) for package in development}

    assert {re.sub(r"\[[^]]*\]", "", package) for package in runtime} - plain == set()
