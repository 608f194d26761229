"""
The deliveries by procrastinate: `by_procrastinate.py queue NUMBER` stores them, `… work` delivers what is stored.

Runs in the environment of requirements/queue-peers.txt; DATABASE_URL, TARGET and PAYLOAD say where and what.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading

import procrastinate
import requests


CONCURRENCY = 4
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"]))
_local = threading.local()


@app.task(name="deliver", retry=5)
def deliver(number: int) -> None:
    """Post one message over a pooled session of this thread."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.trust_env = False
    answer = _local.session.post(
        os.environ["TARGET"],
        data=os.environ["PAYLOAD"].encode(),
        headers={"Content-Type": "application/json", "Idempotency-Key": f"m-{number}"},
        timeout=60,
    )
    answer.raise_for_status()


async def main(what: str, number: int) -> None:
    async with app.open_async():
        if what == "queue":
            await app.schema_manager.apply_schema_async()
            await deliver.batch_defer_async(*({"number": each} for each in range(number)))
        elif what == "left":
            jobs = await app.job_manager.list_jobs_async()
            print(sum(job.status != "succeeded" for job in jobs))
        else:
            await app.run_worker_async(concurrency=CONCURRENCY, wait=True, install_signal_handlers=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
