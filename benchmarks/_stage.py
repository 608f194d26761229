"""What the benchmarks through the product share: the product, its peers, and the bare client to hold it against."""

from __future__ import annotations

import contextlib
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import requests
import yaml

from tests.functional.harness.configuration import document
from tests.functional.harness.peers import Peer
from tests.functional.harness.product import Product


BENCH = "bench"


@dataclass(frozen=True, slots=True)
class Stage:
    """A product of its own with its peers."""

    product: Product
    dacs: Peer
    derms: Peer

    def reset(self) -> None:
        self.dacs.reset()
        self.derms.reset()


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Product and peers while the block runs; on SQLite, or on what DATABASE_URL and REDIS_URL name."""
    with tempfile.TemporaryDirectory(prefix="tieline-bench-") as folder, contextlib.ExitStack() as stack:
        peers = [Peer(kind=kind, logs=Path(folder)) for kind in ("dacs", "derms", "mail")]
        for peer in peers:
            stack.callback(peer.stop)
            peer.start()
        dacs, derms, mail = peers
        config = Path(folder) / "config.yaml"
        settings = document(dacs=dacs, derms=derms, mail=mail)
        for name in ("DACS", "DERMS"):
            # Two busy cores may make anybody wait; a benchmark is no test of time-outs.
            settings["connections"][name]["read_timeout"] = 30
        config.write_text(yaml.safe_dump(settings))
        secrets = {"DACS_PASSWORD": BENCH, "DERMS_PASSWORD": BENCH, "API_MAX_BODY_BYTES": str(256 * 1024 * 1024)}
        product = Product(var=Path(folder) / "var", config=config, password=BENCH, environment=secrets)
        stack.callback(product.stop)
        product.start()
        yield Stage(product=product, dacs=dacs, derms=derms)


def in_parallel(work: Callable[[Sequence[Any]], None], items: Sequence[Any], *, concurrency: int) -> None:
    """Give each of some threads its share of the items."""
    with ThreadPoolExecutor(concurrency) as pool:
        for done in [pool.submit(work, items[number::concurrency]) for number in range(concurrency)]:
            done.result()


def send_bare(url: str, requests_: Sequence[dict[str, Any]], *, concurrency: int) -> float:
    """Send recorded requests again with a pooled client and nothing else; give the seconds it took."""

    def send(share: Sequence[dict[str, Any]]) -> None:
        with requests.Session() as session:
            session.trust_env = False
            for entry in share:
                answer = session.request(
                    entry["method"],
                    url + entry["path"],
                    data=entry["body"].encode(),
                    headers={"Content-Type": "application/json"},
                    timeout=30,
                )
                assert answer.status_code == 200, answer.text

    began = time.perf_counter()
    in_parallel(send, requests_, concurrency=concurrency)
    return time.perf_counter() - began


def figure(name: str, seconds: Sequence[float], count: int, unit: str) -> float:
    """Print one contender's median rate with its slowest and fastest round; give the median."""
    rates = sorted(count / taken for taken in seconds)
    middle = statistics.median(rates)
    print(f"{name:<28}{middle:>12,.0f} {unit}/s   ({rates[0]:,.0f} to {rates[-1]:,.0f})")
    return middle


class Memory:
    """The most that the product's processes together held, sampled while the block runs."""

    def __init__(self, product: Product) -> None:
        self._product = product
        self._over = threading.Event()
        self.before = 0.0
        self.peak = 0.0

    def __enter__(self) -> Self:
        self.before = self.peak = self._now()
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            self.peak = max(self.peak, self._now())

    def _now(self) -> float:
        total = 0
        for pid in self._product.processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += psutil.Process(pid).memory_info().rss
        return total / 1_048_576
