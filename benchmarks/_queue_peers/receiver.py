"""
The target of the deliveries: takes every POST, and tells how often which message came and when.

Run as a program: `receiver.py PORT`. `GET /told` gives the counts since `GET /forget`.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter


counts: Counter[str] = Counter()
first = last = 0.0


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
            self.answer(lines[0].split()[1], headers)

    def answer(self, path: bytes, headers: dict[bytes, bytes]) -> None:
        global first, last
        body = b'{"status": "taken"}'
        if path == b"/told":
            body = json.dumps({"first": first, "last": last, "counts": counts}).encode()
        elif path == b"/forget":
            counts.clear()
            first = last = 0.0
        else:
            last = time.time()
            first = first or last
            counts[headers.get(b"idempotency-key", b"").decode()] += 1
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.transport.write(head.encode() + body)  # type: ignore[attr-defined]


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Http, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
