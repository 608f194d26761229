"""
The messages of the embedded broker: rows in one SQLite file, claimed by a process, deleted when the task is done.

Knows nothing of kombu or Celery; `integration.sqlite_broker` makes a transport of it and says why it exists.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import sqlite3
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil


BUSY_SECONDS = 20
"""How long a statement waits for another process's write."""

RELEASE_EVERY_SECONDS = 1.0
"""How often rows of processes that have died are given back."""

START_TIME_TOLERANCE_SECONDS = 1.0
"""A process's start time is derived from the boot time, which moves a little when the clock is corrected."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    tag TEXT NOT NULL UNIQUE,
    payload TEXT NOT NULL,
    deliveries INTEGER NOT NULL DEFAULT 0,
    owner TEXT
);
CREATE INDEX IF NOT EXISTS message_ready ON message (queue, priority DESC, id) WHERE owner IS NULL;
CREATE INDEX IF NOT EXISTS message_owner ON message (owner) WHERE owner IS NOT NULL;
"""


@functools.lru_cache(maxsize=1)
def _owner_of(pid: int) -> str:
    return f"{pid}:{psutil.Process(pid).create_time():.2f}"


def this_process() -> str:
    """Name this process as the owner of a claim: its id and when it started, as ids are used again."""
    return _owner_of(os.getpid())


def is_alive(owner: str) -> bool:
    """Tell whether the process that a claim names still runs; a zombie does not."""
    pid, _, started = owner.partition(":")
    try:
        process = psutil.Process(int(pid))
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return bool(abs(process.create_time() - float(started)) <= START_TIME_TOLERANCE_SECONDS)
    except psutil.NoSuchProcess:
        return False


class MessageFile:
    """
    The messages of all queues in one SQLite file.

    One connection behind a lock: acknowledgements come from the worker's threads. It is opened at first use
    and opened afresh in a forked child, because SQLite's connections do not survive a fork.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened_by = 0
        self._released_at = 0.0

    def put(self, *, queue: str, priority: int, payload: dict[str, Any]) -> str:
        """Store a message, give the tag under which it is acknowledged."""
        tag = uuid.uuid4().hex
        payload = {**payload, "properties": {**payload["properties"], "delivery_tag": tag}}
        self._write(
            "INSERT INTO message (queue, priority, tag, payload) VALUES (?, ?, ?, ?)",
            (queue, priority, tag, json.dumps(payload)),
        )
        return tag

    def claim(self, *, queue: str, owner: str) -> dict[str, Any] | None:
        """Give the next message of a queue to this owner, None when there is none."""
        with self._connected() as connection:
            # A plain read takes no lock: an idle worker does not disturb those that write.
            ready = connection.execute(
                "SELECT 1 FROM message WHERE queue = ? AND owner IS NULL LIMIT 1", (queue,)
            ).fetchone()
            if ready is None:
                return None
            rows = connection.execute(
                "UPDATE message SET owner = ?, deliveries = deliveries + 1 WHERE id = ("
                " SELECT id FROM message WHERE queue = ? AND owner IS NULL ORDER BY priority DESC, id LIMIT 1"
                ") RETURNING payload, deliveries",
                (owner, queue),
            ).fetchall()
        if not rows:
            return None
        payload: dict[str, Any] = json.loads(rows[0][0])
        if rows[0][1] > 1:
            payload["redelivered"] = True
            payload["properties"].setdefault("delivery_info", {})["redelivered"] = True
        return payload

    def remove(self, tag: str) -> None:
        """Forget a message whose task is done or was refused."""
        self._write("DELETE FROM message WHERE tag = ?", (tag,))

    def release(self, *, tag: str, owner: str) -> None:
        """Give a claimed message back, unless another process has it by now."""
        self._write("UPDATE message SET owner = NULL WHERE tag = ? AND owner = ?", (tag, owner))

    def release_of_dead_owners(self) -> None:
        """Give back what processes held that no longer run; does its work at most once a second."""
        now = time.monotonic()
        if now - self._released_at < RELEASE_EVERY_SECONDS:
            return
        self._released_at = now
        with self._connected() as connection:
            owners = connection.execute("SELECT DISTINCT owner FROM message WHERE owner IS NOT NULL").fetchall()
        for (owner,) in owners:
            if owner != this_process() and not is_alive(owner):
                self._write("UPDATE message SET owner = NULL WHERE owner = ?", (owner,))

    def size(self, queue: str) -> int:
        """Count the messages of a queue that nobody has claimed."""
        with self._connected() as connection:
            return int(
                connection.execute(
                    "SELECT count(*) FROM message WHERE queue = ? AND owner IS NULL", (queue,)
                ).fetchone()[0]
            )

    def purge(self, queue: str) -> int:
        """Remove the messages of a queue that nobody has claimed, give their number."""
        return self._write("DELETE FROM message WHERE queue = ? AND owner IS NULL", (queue,))

    def close(self) -> None:
        """Close the connection; a later use opens it again."""
        with self._lock:
            if self._connection is not None and self._opened_by == os.getpid():
                self._connection.close()
            self._connection = None

    def _write(self, statement: str, parameters: tuple[Any, ...]) -> int:
        with self._connected() as connection:
            return connection.execute(statement, parameters).rowcount

    @contextlib.contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            if self._connection is None or self._opened_by != os.getpid():
                self._connection = self._open()
                self._opened_by = os.getpid()
            yield self._connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # Autocommit: each statement here is a transaction of its own.
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        deadline = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                # Before the first table, so that the file shrinks again after a burst.
                connection.execute("PRAGMA auto_vacuum = FULL")
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = NORMAL")
                connection.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT;")
            except sqlite3.OperationalError as error:
                # Two processes that make the file at once: SQLite does not wait for the change to WAL by itself.
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                    connection.close()
                    raise
                time.sleep(0.05)
            else:
                return connection
