"""The product in the background for the duration of the demo, when it does not run already."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator

import requests

from integration.environment import BASE_DIR, VAR_DIR


START_SECONDS = 180.0
STOP_SECONDS = 40.0


class UnableToStart(Exception):
    """The product could not be started; the message has the last lines of its log."""


def is_live(url: str) -> bool:
    """Whether a product answers at this address."""
    try:
        return requests.get(f"{url}/health/live", timeout=3).status_code == 200
    except requests.RequestException:
        return False


def is_ready(url: str) -> bool:
    """Whether it can do its work."""
    try:
        return requests.get(f"{url}/health/ready", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@contextlib.contextmanager
def running(*, url: str, port: int) -> Iterator[None]:
    """
    Run the product while the block runs, and stop it afterwards.

    :raises UnableToStart: when it ends at once or is not ready in time.
    """
    VAR_DIR.mkdir(parents=True, exist_ok=True)
    log = VAR_DIR / "demo-product.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "supervise", "--port", str(port)],
            cwd=BASE_DIR,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while not is_ready(url):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise UnableToStart("The product did not start:\n" + "\n".join(_last_lines(log.read_text())))
                time.sleep(0.3)
            yield
        finally:
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _last_lines(text: str, count: int = 15) -> list[str]:
    return text.rstrip().splitlines()[-count:]
