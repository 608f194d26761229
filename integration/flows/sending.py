"""
Sending a collection with bounded concurrency. Plain Python.

The first item goes alone: a target that is down is found out before anything else is sent. Then up to
`max_concurrency` items are on their way at once; results come as they are ready, with their place, and those that are
ready at the same time come together: they can be written together.
"""

from __future__ import annotations

import concurrent.futures
import contextvars
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar


Item = TypeVar("Item")
Result = TypeVar("Result")


class Sending(Generic[Item, Result]):
    """
    One pass over a collection; iterate it once for lists of `(index, result)` in order of completion.

    `send` runs in threads, each with the caller's context variables, and tells its failures in its result: an
    exception of it is a defect and ends the pass. `while_waiting` is called in the caller's thread at least every
    `wait_seconds`. After `stop` nothing more is started; what is on its way is still waited for and given.
    """

    def __init__(
        self,
        *,
        items: Sequence[Item],
        send: Callable[[Item], Result],
        max_concurrency: int,
        while_waiting: Callable[[], None],
        wait_seconds: float = 5.0,
    ) -> None:
        if max_concurrency < 1:
            raise ValueError(f"max_concurrency must be 1 or more, not {max_concurrency}")
        self._items = items
        self._send = send
        self._max_concurrency = max_concurrency
        self._while_waiting = while_waiting
        self._wait_seconds = wait_seconds
        self._stopped = False

    def stop(self) -> None:
        """Start nothing more."""
        self._stopped = True

    def __iter__(self) -> Iterator[list[tuple[int, Result]]]:
        waiting: dict[concurrent.futures.Future[Result], int] = {}
        next_index = 0
        with concurrent.futures.ThreadPoolExecutor(
            max_workers=min(self._max_concurrency, max(len(self._items), 1)), thread_name_prefix="send"
        ) as pool:
            while True:
                # Until the first has come back there is room for one.
                room = 1 if next_index <= 1 else self._max_concurrency
                while not self._stopped and next_index < len(self._items) and len(waiting) < room:
                    context = contextvars.copy_context()
                    future = pool.submit(context.run, self._send, self._items[next_index])
                    waiting[future] = next_index
                    next_index += 1
                    room = 1 if next_index == 1 else self._max_concurrency
                if not waiting:
                    return
                done, _ = concurrent.futures.wait(
                    waiting, timeout=self._wait_seconds, return_when=concurrent.futures.FIRST_COMPLETED
                )
                if not done:
                    self._while_waiting()
                    continue
                ready: list[tuple[int, Result]] = []
                for future in sorted(done, key=waiting.__getitem__):
                    if ready and future.exception() is not None:
                        yield ready
                        ready = []
                    ready.append((waiting.pop(future), future.result()))
                yield ready
