"""Bodies that are too large to hold: sized uploads from chunks, downloads in chunks. Plain Python."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from outbound.retry import FaultType
from outbound.transports.base import Answer, TransportError


CHUNK_BYTES = 256 * 1024
MAX_TRANSFER_SECONDS = 3600.0
SLOWEST_BYTES_PER_SECOND = 64 * 1024


class SourceFailed(Exception):
    """What was to be sent could not be read; the cause says why. It is no fault of the target."""


class SourceSizeWrong(TransportError):
    """What was to be sent is not as long as announced. The target got no complete body."""

    fault = FaultType.TECHNICAL
    sent = False


class SizedChunks:
    """Chunks whose length together is known: sent with a Content-Length, and never more or less than that."""

    def __init__(self, chunks: Iterable[bytes], size: int) -> None:
        self._chunks = chunks
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """
        Give the chunks.

        :raises SourceFailed: when one cannot be read, or they are not as long as announced.
        """
        sent = 0
        source = iter(self._chunks)
        while True:
            try:
                chunk = next(source, b"")
            except Exception as error:
                raise SourceFailed("The source of an upload failed.") from error
            sent += len(chunk)
            if sent > self._size or (not chunk and sent < self._size):
                wrong = SourceSizeWrong(f"The body has {sent} bytes so far, announced were {self._size}.")
                raise SourceFailed("The source of an upload failed.") from wrong
            if not chunk:
                return
            yield chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """An answer whose body is still to be read; `answer.body` holds it only when the status is no success."""

    answer: Answer
    chunks: Iterator[bytes] = field(repr=False)


def transfer_seconds(*, read_timeout: float, size: int) -> float:
    """Give how long a transfer may last: the read timeout, and a second for each 64 KiB, an hour at most."""
    return min(read_timeout + size / SLOWEST_BYTES_PER_SECOND, MAX_TRANSFER_SECONDS)
