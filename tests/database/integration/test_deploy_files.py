"""The files in `deploy/` start what is there, with settings that there are."""

from __future__ import annotations

import configparser
import http.client
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands


ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
BIN = "/opt/tieline/.venv/bin/"
HOST = "tieline.example.org"
FILLED_IN = {
    "SECRET_KEY": "a-key-of-a-production-as-long-and-as-mixed-0123456789-as-it-has-to-be",
    "FIELD_ENCRYPTION_KEYS": "KuggiiBn8T-dqNFLLiaSbI8qJLbHwqskOnps057w5dA=",
}


class _Unit(dict[str, Any]):
    """Options of a unit may come several times; all of them are kept."""

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, list) and key in self and isinstance(self[key], list):
            self[key].extend(value)
            return
        super().__setitem__(key, value)


def read_unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, dict_type=_Unit)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path)
    return parser


def commands(path: Path) -> list[list[str]]:
    unit = read_unit(path)
    if not unit.has_section("Service"):
        return []
    return [shlex.split(line) for line in unit["Service"]["ExecStart"].splitlines()]


def example() -> dict[str, str]:
    lines = (DEPLOY / "tieline.env.example").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def production(folder: Path) -> dict[str, str]:
    """Give the example's settings as filled in, on a database and a directory of its own."""
    kept = {name: value for name, value in example().items() if name not in ("DATABASE_URL", "REDIS_URL")}
    return {"PATH": os.environ["PATH"], **kept, **FILLED_IN, "TIELINE_VAR": str(folder)}


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
    return found["services"]  # type: ignore[no-any-return]


def test_the_example_of_settings_is_a_production_without_a_complaint(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env=production(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_every_setting_of_the_example_is_one() -> None:
    page = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")

    assert [name for name in example() if f"`{name}`" not in page] == []


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_starts_what_is_there(path: Path) -> None:
    for program, *words in commands(path):
        assert program.startswith(BIN)
        name = program.removeprefix(BIN)
        assert (Path(sys.prefix) / "bin" / name).exists()
        if name == "python":
            assert (words[0], words[1] in get_commands()) == ("manage.py", True)


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace(BIN, f"{sys.prefix}/bin/")
        (tmp_path / path.name).write_text(text, encoding="utf-8")

    done = subprocess.run(
        [verify, "verify", *(str(tmp_path / path.name) for path in UNITS)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
    )

    complaints = [line for line in done.stderr.splitlines() if "tieline" in line]
    assert (done.returncode, complaints) == (0, [])


def test_compose_starts_the_same_as_the_units() -> None:
    def told(words: list[str]) -> set[str]:
        return {word.replace("=", " ") for word in re.split(r" (?=-)", " ".join(words))}

    by_service = services()
    for service, unit in (("web", "web"), ("worker", "worker@"), ("beat", "beat")):
        ((_, *expected),) = commands(DEPLOY / "systemd" / f"tieline-{unit}.service")
        (_, *words) = by_service[service]["command"]
        differing = {word.split()[0] for word in told(words) ^ told(expected)}
        assert differing <= {"--bind", "--hostname"}
    setup = " ".join(by_service["setup"]["command"])
    steps = commands(DEPLOY / "systemd" / "tieline-setup.service")
    assert [f"manage.py {words[2]}" in setup for words in steps] == [True, True, True]


def test_what_compose_copies_into_the_image_is_there_and_enough() -> None:
    text = (DEPLOY / "compose" / "Dockerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE)
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "sandbox", "benchmarks", "scripts"}

    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert packages <= set(copied)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[int]:
    """The web process as its unit starts it, on a port of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    ((_, *words),) = commands(DEPLOY / "systemd" / "tieline-web.service")
    words[words.index("--bind") + 1] = f"127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, "-m", "gunicorn", *words], cwd=ROOT, env=production(tmp_path))
    yield port
    process.terminate()
    assert process.wait(30) == 0


def test_the_web_process_of_the_unit_serves(served: int) -> None:
    answers = []
    for _ in range(240):
        connection = http.client.HTTPConnection("127.0.0.1", served, timeout=10)
        try:
            connection.request("GET", "/health/live", headers={"Host": HOST})
            answers.append(connection.getresponse().status)
            break
        except OSError:
            time.sleep(0.25)
        finally:
            connection.close()

    assert answers == [200]
