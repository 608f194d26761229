"""The world of a campaign: the product under its supervisor, services and peers of its own, all of them on loopback."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import yaml

from tests.faults.points import fault_points
from tests.faults.services import PostgresServer, RedisServer
from tests.functional.harness.configuration import document
from tests.functional.harness.peers import Peer
from tests.functional.harness.product import Product


PASSWORD = "operator-of-the-faults"
_DATABASE = "tieline_faults"
_READING_SECONDS, _AGAIN_SECONDS = 60.0, 0.2
_T = TypeVar("_T")
_POINTS = Path(fault_points.__file__).parent


class World:
    """
    Everything that takes part. The peers are never killed: their records are the truth.

    `faults` is the directory that tells the product's processes what befalls them, see `points/fault_points.py`.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.postgres = PostgresServer(directory / "postgres")
        self.redis = RedisServer(directory / "redis")
        self.dacs = Peer(kind="dacs", logs=directory, recorded=True)
        self.derms = Peer(kind="derms", logs=directory, recorded=True)
        self.mail = Peer(kind="mail", logs=directory)
        self.faults = directory / "faults"
        self.clock = 0.0
        # Several campaigns may look after the supervisor at once; one starts it.
        self.starting = threading.Lock()
        for name in ("armed", "fired"):
            (self.faults / name).mkdir(parents=True)
        config = directory / "config.yaml"
        config.write_text(yaml.safe_dump(_settings(self)))
        self.database_url = self.postgres.url.replace("/postgres", f"/{_DATABASE}")
        self.product = Product(
            var=directory / "var",
            config=config,
            password=PASSWORD,
            environment={
                "DATABASE_URL": self.database_url,
                "REDIS_URL": self.redis.url,
                "DACS_PASSWORD": "dacs-of-the-faults",
                "DERMS_PASSWORD": "derms-of-the-faults",
                "API_MAX_BODY_BYTES": str(64 * 1024 * 1024),
                "PYTHONPATH": str(_POINTS),
                fault_points.DIRECTORY: str(self.faults),
            },
        )

    def start(self) -> None:
        for service in (self.postgres, self.redis, self.dacs, self.derms, self.mail):
            service.start()
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {_DATABASE}")
        self.product.start()

    def stop(self) -> None:
        """End all of it; what cannot be ended in order is ended all the same."""
        with contextlib.ExitStack() as stack:
            for service in (self.postgres, self.redis, self.mail, self.derms, self.dacs, self.product):
                stack.callback(service.stop)

    def set_clock(self, offset: float) -> None:
        """Let the product's processes see a clock that is so many seconds ahead."""
        self.clock = offset
        new = self.faults / f".{fault_points.CLOCK}"
        new.write_text(str(offset))
        new.rename(self.faults / fault_points.CLOCK)

    def read(self, do: Callable[[psycopg.Connection[Any]], _T]) -> _T:
        """
        Read the product's database, past the product.

        What befalls the database befalls this line too, whichever campaign does it: it is read again then.
        """
        deadline = time.monotonic() + _READING_SECONDS
        while True:
            try:
                with psycopg.connect(self.database_url) as connection:
                    return do(connection)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(_AGAIN_SECONDS)

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Give the rows of a statement."""
        return self.read(lambda connection: connection.execute(statement, values).fetchall())  # type: ignore[call-overload]

    def value(self, statement: str, *values: Any) -> Any:
        return self.rows(statement, *values)[0][0]


@contextlib.contextmanager
def world(directory: Path) -> Iterator[World]:
    """Build a world below a directory, and leave nothing of it running."""
    # PostgreSQL runs under an account of its own when root starts it.
    for place in (directory, *directory.parents):
        if place.stat().st_uid == os.geteuid() and place != place.parent and place.name.startswith("tieline-"):
            place.chmod(0o755)
    made = World(directory)
    try:
        made.start()
        yield made
    finally:
        made.stop()


def _settings(world: World) -> dict[str, Any]:
    settings = document(dacs=world.dacs, derms=world.derms, mail=world.mail)
    for name in ("DACS", "DERMS"):
        # Short enough that a slow peer is one that does not answer, long enough for two busy cores.
        settings["connections"][name]["read_timeout"] = 5
    # A peer that fails now and then is no reason to give a message up.
    settings["parameters"] |= {"MAX_RETRIES": 20, "RETRY_CAP_SECONDS": 10}
    return settings
