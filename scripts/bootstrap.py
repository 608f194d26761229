#!/usr/bin/env python3
"""
Make this checkout ready to run: `python3 scripts/bootstrap.py run|check|test|bench|docs`.

Uses the standard library alone, so that a bare Python 3.11 is enough. It makes `.venv/`, installs the pinned
requirements when they have changed, for `run` generates what secrets are missing into `var/secrets.env`, and for
`test` sees to PostgreSQL, Redis and Chromium from Debian's packages. What it may not do itself it names as one
command to type. It prints what it does, and never a secret.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path


ROOT = Path(__file__).resolve().parent.parent
OLDEST_PYTHON = (3, 11)
REQUIREMENTS = {"run": ["base.txt", "sandbox.txt"], "dev": ["dev.txt"], "docs": ["docs.txt"], "audit": ["audit.txt"]}
"""
Which files under requirements/ an environment is made of.

`dev` contains all of `run`; `docs` and `audit` have environments of their own.
"""

PROFILES = {"run": "run", "setup": "run", "check": "dev", "test": "dev", "bench": "dev", "docs": "docs"}
STAMP = "tieline-installed.json"
UNFINISHED = "tieline-unfinished"
PROGRESS_EVERY_SECONDS = 10

_started = time.monotonic()


class UnableToBootstrap(Exception):
    """Something is missing that this script may not install; the message says what to do."""


def say(text: str) -> None:
    """Print one line of progress with the seconds since the start."""
    print(f"[{time.monotonic() - _started:3.0f} s] {text}", flush=True)


def main(given: list[str] | None = None) -> int:
    """Do what the purpose needs; 0 when the checkout is ready, 1 when something is missing."""
    parser = argparse.ArgumentParser(description="Make this checkout ready.")
    parser.add_argument("purpose", choices=sorted(PROFILES))
    purpose = parser.parse_args(given).purpose
    try:
        if purpose == "test":
            ensure_system_packages()
        ensure_environment(ROOT / (".venv-docs" if purpose == "docs" else ".venv"), PROFILES[purpose])
        if purpose in ("run", "setup"):
            var = Path(os.environ.get("TIELINE_VAR") or ROOT / "var")
            written = write_secrets(var / "secrets.env", os.environ)
            if written:
                say(f"Generated {', '.join(written)} in {var / 'secrets.env'} (mode 0600)")
    except UnableToBootstrap as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted; run the same command again to go on.", file=sys.stderr)
        return 130
    return 0


# --- Python ------------------------------------------------------------------------------------------------------


def find_python() -> str:
    """
    Give a Python that is new enough: this one, or one on the PATH.

    :raises UnableToBootstrap: when there is none.
    """
    if sys.version_info[:2] >= OLDEST_PYTHON:
        return sys.executable
    for minor in (13, 12, 11):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    raise UnableToBootstrap(
        f"Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} or newer is needed, "
        f"this is {sys.version_info[0]}.{sys.version_info[1]}. On Debian 12: apt-get install python3"
    )


def ensure_environment(place: Path, profile: str) -> None:
    """Make the virtualenv and install the pins of a profile, unless that has been done for these very pins."""
    pins = fingerprints()
    if is_usable(place):
        installed = read_stamp(place)
        if any(installed.get(name) == pins[name] for name in covering(profile)):
            return
    else:
        if place.exists():
            say(f"{place.name} is not complete or not for this machine: making it anew")
            shutil.rmtree(place)
        make_environment(place)
    install(place, profile)
    write_stamp(place, {profile: pins[profile]})


def covering(profile: str) -> tuple[str, ...]:
    """Name the profiles whose packages contain those of this profile."""
    return (profile, "dev") if profile == "run" else (profile,)


def fingerprints() -> dict[str, str]:
    """Give each profile's fingerprint: it changes with any pin that the profile installs."""
    base = (ROOT / "requirements" / "base.txt").read_bytes() + (ROOT / "requirements" / "sandbox.txt").read_bytes()
    result = {}
    for profile, names in REQUIREMENTS.items():
        digest = hashlib.sha256(base)
        for name in names:
            digest.update((ROOT / "requirements" / name).read_bytes())
        result[profile] = digest.hexdigest()
    return result


def is_usable(place: Path) -> bool:
    """Tell whether the virtualenv is complete: a run that was killed in the middle leaves a mark."""
    python = place / "bin" / "python"
    if (place / UNFINISHED).exists() or not python.exists():
        return False
    probe = f"import sys, pip; sys.exit(sys.version_info[:2] < {OLDEST_PYTHON!r})"
    return subprocess.run([str(python), "-c", probe], capture_output=True, check=False).returncode == 0


def make_environment(place: Path) -> None:
    """
    Make an empty virtualenv.

    :raises UnableToBootstrap: when Python's venv module is missing and may not be installed.
    """
    python = find_python()
    if subprocess.run([python, "-c", "import venv, ensurepip"], capture_output=True, check=False).returncode:
        say("Python's venv module is missing (Debian keeps it in a package of its own)")
        apt_install(["python3-venv"])
    say(f"Making the virtualenv {place.name} with Python {version_of(python)}")
    place.mkdir(parents=True)
    (place / UNFINISHED).touch()
    made = subprocess.run([python, "-m", "venv", str(place)], capture_output=True, text=True, check=False)
    if made.returncode:
        raise UnableToBootstrap(f"The virtualenv could not be made:\n{made.stdout}{made.stderr}")
    (place / UNFINISHED).unlink()


def version_of(python: str) -> str:
    """Give an interpreter's version as text."""
    probe = "import platform; print(platform.python_version())"
    return subprocess.run([python, "-c", probe], capture_output=True, text=True, check=True).stdout.strip()


def install(place: Path, profile: str) -> None:
    """
    Install a profile's pins with pip, quietly unless it fails.

    :raises UnableToBootstrap: with pip's own output.
    """
    say(f"Installing the pinned packages of requirements/{' and '.join(REQUIREMENTS[profile])}")
    command = [str(place / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    for name in REQUIREMENTS[profile]:
        command += ["-r", str(ROOT / "requirements" / name)]
    (place / UNFINISHED).touch()
    log = place / "tieline-pip.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        wait_with_progress(process, "still installing")
    if process.returncode:
        raise UnableToBootstrap(f"pip could not install the requirements:\n{tail(log)}")
    (place / UNFINISHED).unlink()
    say("Installed")


def wait_with_progress(process: subprocess.Popen[bytes], text: str) -> None:
    """Wait for a process and say every few seconds that it is still at work."""
    while True:
        try:
            process.wait(timeout=PROGRESS_EVERY_SECONDS)
        except subprocess.TimeoutExpired:
            say(text)
        except BaseException:
            process.terminate()
            process.wait()
            raise
        else:
            return


def tail(log: Path, lines: int = 40) -> str:
    """Give the last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def read_stamp(place: Path) -> dict[str, str]:
    """Give what was installed: profile to fingerprint."""
    try:
        return json.loads((place / STAMP).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}


def write_stamp(place: Path, installed: dict[str, str]) -> None:
    """Remember what was installed."""
    (place / STAMP).write_text(json.dumps(installed), encoding="utf-8")


# --- Debian's packages -------------------------------------------------------------------------------------------


def ensure_system_packages() -> None:
    """
    See that PostgreSQL, Redis and Chromium are there for the tests.

    :raises UnableToBootstrap: naming the one command when they may not be installed from here.
    """
    missing = missing_packages()
    if missing:
        say(f"Missing for the tests: {', '.join(missing)}")
        apt_install(missing)
        still = missing_packages()
        if still:
            raise UnableToBootstrap(f"Still missing after the installation: {', '.join(still)}")


def missing_packages() -> list[str]:
    """Name Debian's packages of what the tests need and cannot find."""
    path = f"{os.environ.get('PATH', '')}:/usr/bin:/usr/local/bin:/usr/sbin"
    missing = []
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) and not shutil.which("initdb", path=path):
        missing.append("postgresql")
    if not shutil.which("redis-server", path=path):
        missing.append("redis-server")
    if not shutil.which("chromium", path=path):
        missing.append("chromium")
    return missing


def apt_install(packages: list[str]) -> None:
    """
    Install Debian packages as root or by sudo without a password.

    :raises UnableToBootstrap: when that is not possible; the message is the command to type.
    """
    to_type = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    if not shutil.which("apt-get"):
        raise UnableToBootstrap(f"Please install: {', '.join(packages)} (on Debian: {to_type})")
    prefix = root_prefix()
    if prefix is None:
        raise UnableToBootstrap(f"Please type this once, then run the same command again:\n\n  sudo sh -c '{to_type}'")
    say(f"Installing {' '.join(packages)} from Debian's packages")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    for arguments in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", *arguments]
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        output, _ = process.communicate()
        if process.returncode:
            text = "\n".join(output.decode("utf-8", "replace").splitlines()[-20:])
            raise UnableToBootstrap(f"apt-get {arguments[0]} failed:\n{text}\n\nTo try it by hand: {to_type}")
    say(f"Installed {' '.join(packages)}")


def root_prefix() -> list[str] | None:
    """Give what to put before a command to run it as root: nothing, sudo, or None when it is not possible."""
    if os.geteuid() == 0:
        return []
    if (
        shutil.which("sudo")
        and subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
    ):
        return ["sudo", "-n"]
    return None


# --- Secrets -----------------------------------------------------------------------------------------------------


def write_secrets(path: Path, environment: Mapping[str, str]) -> list[str]:
    """
    Generate the secrets that neither the environment nor the file has, give their names.

    What the file has is never changed: a new key would make stored secrets unreadable.
    """
    present = path.read_text(encoding="utf-8") if path.exists() else ""
    known = {line.partition("=")[0].strip() for line in present.splitlines() if "=" in line and line[:1] != "#"}
    generators = {
        "SECRET_KEY": lambda: secrets.token_urlsafe(50),
        "FIELD_ENCRYPTION_KEYS": lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii"),
        # Allows loopback targets and plain HTTP: a trial on this machine.
        "TIELINE_EMBEDDED": lambda: "1",
    }
    names = [name for name in generators if name not in known and not environment.get(name)]
    if not names:
        return []
    if not present:
        present = "# Generated once by make run. Keep it: without these keys stored secrets cannot be read.\n"
    elif not present.endswith("\n"):
        present += "\n"
    write_private(path, present + "".join(f"{name}={generators[name]()}\n" for name in names))
    return names


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    # What else comes to lie beside the keys is not for other accounts either.
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as output:
            os.fchmod(output.fileno(), 0o600)
            output.write(text)
            output.flush()
            os.fsync(output.fileno())
        scratch.replace(path)
    except BaseException:
        scratch.unlink()
        raise


if __name__ == "__main__":
    sys.exit(main())
