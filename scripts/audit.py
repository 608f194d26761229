#!/usr/bin/env python3
"""
What is in the product and what is known against it: `make audit` (ARGS=--sbom FILE for the list alone).

The tools have an environment of their own, `.venv-audit`, pinned by requirements/audit.txt. The list (CycloneDX, JSON)
is made from the locked requirements alone and needs no network. The advisories have to be reached: when a package could
not be looked up that is said and the run fails; it never passes for want of an answer.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / ".venv-audit"
AUDITED = ("base", "sandbox", "tracing", "analytics")
"""What may be installed beside or below the product; tests and tools are not in the list."""

COULD_NOT_LOOK_UP = ("could not be audited", "ConnectionError", "ServiceError", "Max retries", "Failed to connect")


def main(given: Sequence[str] | None = None) -> int:
    """Give 0 when nothing is known against what is locked, 1 otherwise, 2 when that could not be found out."""
    parser = argparse.ArgumentParser(description="Known vulnerabilities, and the list of what is in the product.")
    parser.add_argument("--sbom", metavar="FILE", help="only write the list of components (CycloneDX, JSON)")
    options = parser.parse_args(given)
    # Beside this file, which is on the path only when it is run as a program.
    import bootstrap

    try:
        bootstrap.ensure_environment(PLACE, "audit")
    except bootstrap.UnableToBootstrap as error:
        print(f"\n{error}", file=sys.stderr)
        return 2
    if options.sbom:
        return subprocess.run(sbom_command(Path(options.sbom)), cwd=ROOT, check=False).returncode
    return max(audit(name) for name in AUDITED)


def sbom_command(target: Path) -> list[str]:
    """Give the command that lists what the product is made of, with versions and hashes; the same list each time."""
    command = [str(PLACE / "bin" / "cyclonedx-py"), "requirements", "requirements/base.txt", "--of", "JSON"]
    return [*command, "--output-reproducible", "-o", str(target)]


def audit(name: str) -> int:
    """Look one file of locked requirements up, say what came of it, give its status."""
    command = [str(PLACE / "bin" / "pip-audit"), "--strict", "--require-hashes", "--disable-pip"]
    done = subprocess.run(
        [*command, "-r", f"requirements/{name}.txt"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    status, text = verdict(done.returncode, f"{done.stdout}{done.stderr}")
    print(f"requirements/{name}.txt: {text}")
    return status


def verdict(returncode: int, said: str) -> tuple[int, str]:
    """Tell apart what pip-audit says: nothing known (0), something known (1), not found out (2)."""
    if any(words in said for words in COULD_NOT_LOOK_UP) or "Traceback" in said:
        lines = [line for line in said.strip().splitlines() if line.strip()]
        return 2, f"NOT AUDITED, the advisories could not be reached from here. {lines[-1][:300]}"
    if returncode:
        return 1, f"known vulnerabilities:\n{said.strip()}"
    return 0, "nothing known"


if __name__ == "__main__":
    sys.exit(main())
