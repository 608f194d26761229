"""What every peer has: its name, its state, its answers, and one effect per Idempotency-Key."""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections.abc import Callable, Iterable
from typing import Any

from sandbox.exchange import PeerAnswer, PeerRequest


Action = Callable[[PeerRequest], PeerAnswer]


class UnableToChangeState(Exception):
    """A change through the control API that makes no sense; the message says why."""


class Service:
    """
    A simulated peer.

    A subclass names its `actions`: method, end of the path, function. Paths are matched at their end, so that
    any context root (`/ccs`, `/ouaf`, `/nms-drms/rest/v1`) works.
    """

    name = "peer"
    title = "Peer"

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._answered: dict[tuple[str, str, str], tuple[str, PeerAnswer]] = {}
        self.replayed = 0

    def actions(self) -> Iterable[tuple[str, str, Action]]:
        """Give `(method, end of the path, function)`; an end that finishes with `/` takes one more segment."""
        raise NotImplementedError

    def not_found(self, request: PeerRequest) -> PeerAnswer:
        """Answer an address that the peer does not have."""
        return PeerAnswer(status=404, document={"title": "Not Found", "detail": request.path})

    def answer(self, request: PeerRequest) -> PeerAnswer:
        """Do what the request asks, once per Idempotency-Key, and answer it."""
        path = request.path.partition("?")[0]
        for method, ending, action in self.actions():
            if request.method == method and _ends_with(path, ending):
                return self._once(request, path, action)
        return self.not_found(request)

    def state(self) -> dict[str, Any]:
        """Give what the peer knows, for people and tests."""
        raise NotImplementedError

    def change(self, document: dict[str, Any]) -> None:
        """
        Change the state by hand.

        :raises UnableToChangeState: when the peer has no such thing to change.
        """
        if document:
            raise UnableToChangeState(f"{self.title} has nothing that can be set.")

    def reset(self) -> None:
        """Forget everything."""
        with self.lock:
            self._answered.clear()
            self.replayed = 0

    def _once(self, request: PeerRequest, path: str, action: Action) -> PeerAnswer:
        key = request.idempotency_key
        with self.lock:
            if not key:
                return action(request)
            digest = hashlib.sha256(request.body).hexdigest()
            place = (request.method, path, key)
            known = self._answered.get(place)
            if known is None:
                answer = action(request)
                # Only what had an effect is remembered: a refused request may be corrected and sent again.
                if answer.status < 300:
                    self._answered[place] = (digest, answer)
                return answer
            if known[0] != digest:
                return PeerAnswer(
                    status=409,
                    document={"title": "Conflict", "detail": f"Idempotency-Key {key} came with another body before."},
                )
            self.replayed += 1
            return dataclasses.replace(known[1], replayed=True)


def _ends_with(path: str, ending: str) -> bool:
    if ending.endswith("/"):
        parent, _, last = path.rstrip("/").rpartition("/")
        return bool(last) and f"{parent}/".endswith(ending)
    return path.rstrip("/").endswith(ending)
