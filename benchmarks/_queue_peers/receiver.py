"""
The target of the deliveries: takes every POST, and tells how often which message came and when.

Run as a program: `receiver.py PORT`. `GET /told` gives the counts since `GET /forget`, and the most that waited for
their answers at once; after `GET /wait/0.02` each answer takes so many seconds.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import time
from collections import Counter


counts: Counter[str] = Counter()
bodies: set[str] = set()
first = last = seconds = 0.0
waiting = most = 0
TAKEN = b'{"status": "taken"}'


class Http(asyncio.Protocol):
    """As much of HTTP/1.1 as clients with kept connections need."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.buffer = b""

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, rest = self.buffer.split(b"\r\n\r\n", 1)
            lines = head.split(b"\r\n")
            pairs = (each.partition(b":") for each in lines[1:])
            headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
            size = int(headers.get(b"content-length", b"0"))
            if len(rest) < size:
                return
            self.buffer = rest[size:]
            path = lines[0].split()[1]
            if path in (b"/told", b"/forget") or path.startswith(b"/wait/"):
                self.answer(control(path))
            else:
                self.take(headers, rest[:size])

    def take(self, headers: dict[bytes, bytes], content: bytes) -> None:
        global first, last, waiting, most
        last = time.time()
        first = first or last
        counts[headers.get(b"idempotency-key", b"").decode()] += 1
        bodies.add(hashlib.sha256(content).hexdigest())
        if not seconds:
            self.answer(TAKEN)
            return
        waiting += 1
        most = max(most, waiting)
        asyncio.get_running_loop().call_later(seconds, self.late)

    def late(self) -> None:
        global waiting
        waiting -= 1
        self.answer(TAKEN)

    def answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)  # type: ignore[attr-defined]


def control(path: bytes) -> bytes:
    """Do what the benchmark asks for; gives the answer."""
    global first, last, seconds, most
    if path == b"/told":
        told = {"first": first, "last": last, "most": most, "counts": counts, "bodies": sorted(bodies)}
        return json.dumps(told).encode()
    if path == b"/forget":
        counts.clear()
        bodies.clear()
        first = last = 0.0
        most = 0
    else:
        seconds = float(path.removeprefix(b"/wait/"))
    return TAKEN


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Http, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
