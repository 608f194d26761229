"""The environment that the settings are read from, and what to do when something in it is missing."""

from __future__ import annotations

import os
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("TIELINE_VAR", BASE_DIR / "var"))
SECRETS_FILE = VAR_DIR / "secrets.env"


def read_secrets_file(path: Path = SECRETS_FILE) -> None:
    """Put what `make run` generated once into the environment; what is set there already wins."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        name, separator, value = line.partition("=")
        if separator and not name.lstrip().startswith("#"):
            os.environ.setdefault(name.strip(), value.strip())


def required(name: str, purpose: str, how: str) -> str:
    """
    Give a variable that a start needs.

    :raises ImproperlyConfigured: when it is missing, saying what it is for and how to make one.
    """
    value = os.environ.get(name, "").strip()
    if not value:
        raise ImproperlyConfigured(
            f"{name} is not set. It is {purpose}. {how} "
            "(`make run` generates what is missing for a trial on this machine.)"
        )
    return value
