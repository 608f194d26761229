"""The customer information system beside DACS: takes usage, and word of its corrections."""

from __future__ import annotations

from typing import Any

from sandbox.exchange import PeerAnswer, PeerRequest
from sandbox.problems import problem


NOT_VALID = 11241
_PERIOD = ("usage_transaction", "usage_subscription", "service_point", "start", "end")


class Usage:
    """What came, by usage transaction: the versions of it, and its corrections."""

    def __init__(self) -> None:
        self.transactions: dict[str, list[dict[str, Any]]] = {}
        self.corrections: dict[str, list[dict[str, Any]]] = {}

    def take(self, request: PeerRequest) -> PeerAnswer:
        """Keep one version of usage; one that lacks a member, or has no totals, is refused."""
        return self._keep(request, self.transactions, needed="totals")

    def take_correction(self, request: PeerRequest) -> PeerAnswer:
        """Keep word of a correction."""
        return self._keep(request, self.corrections, needed="new_totals")

    def state(self) -> dict[str, Any]:
        """What came."""
        return {"usage": dict(self.transactions), "usageCorrections": dict(self.corrections)}

    def reset(self) -> None:
        """Forget everything."""
        self.transactions.clear()
        self.corrections.clear()

    def _keep(self, request: PeerRequest, where: dict[str, list[dict[str, Any]]], *, needed: str) -> PeerAnswer:
        document = request.json_object()
        lacking = [name for name in _PERIOD if not document.get(name)]
        if lacking or not isinstance(document.get(needed), list):
            return problem(request, detail=f"{', '.join(lacking) or needed} is required.", number=NOT_VALID)
        identifier = str(document["usage_transaction"])
        where.setdefault(identifier, []).append(document)
        return PeerAnswer(status=201, document={"usage_transaction": identifier, "count": len(where[identifier])})
