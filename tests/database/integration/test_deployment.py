"""What a deployment is held to: `check --deploy` under production settings, and what switches it off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


ROOT = Path(__file__).resolve().parents[3]


def check(tmp_path: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    """Run `check --deploy` as an operator would, on an environment of a production and these changes."""
    environment = {
        "PATH": os.environ["PATH"],
        "TIELINE_VAR": str(tmp_path),
        "SECRET_KEY": "a-key-of-a-production-as-long-and-as-mixed-0123456789-as-it-has-to-be",
        "FIELD_ENCRYPTION_KEYS": "KuggiiBn8T-dqNFLLiaSbI8qJLbHwqskOnps057w5dA=",
        "ALLOWED_HOSTS": "tieline.example.org",
        "BEHIND_TLS_PROXY": "1",
        **changes,
    }
    return subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_production_as_shipped_has_nothing_to_complain_about(tmp_path: Path) -> None:
    done = check(tmp_path)

    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_what_weakens_it_is_a_complaint(tmp_path: Path) -> None:
    weakened = {
        "integration.W010": ("SECOND_FACTOR_REQUIRED", "0"),
        "integration.W011": ("LOGIN_FAILURE_LIMIT", "0"),
        "integration.W012": ("API_REQUESTS_PER_MINUTE", "0"),
        "integration.W013": ("ALLOWED_HOSTS", "*"),
        "integration.W014": ("TRUST_PLAIN_HTTP", "1"),
        "integration.W015": ("TIELINE_EMBEDDED", "1"),
        "security.W008": ("HTTPS_ONLY", "0"),
        "security.W018": ("DEBUG", "1"),
    }
    done = check(tmp_path, **dict(weakened.values()))

    assert done.returncode == 1
    assert {complaint for complaint in weakened if f"({complaint})" not in done.stderr} == set()
