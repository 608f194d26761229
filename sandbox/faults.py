"""
Ways to misbehave: rules that a person or a test sets through the control API.

The first rule that matches a request and is not used up decides; its fields add up, so that a rule may wait and
then answer 503. With `after_effect` the peer does its work first and misbehaves in its answer: the case in which a
sender must not assume that nothing happened.
"""

from __future__ import annotations

import itertools
import re
import threading
from dataclasses import dataclass, field
from typing import Any

from sandbox.exchange import PeerRequest


MAX_DELAY_SECONDS = 600.0
_FLAGS = ("reset", "down", "half_answer", "nonsense", "after_effect")
_FIELDS = {"match", "times", "delay_seconds", "status", "body", "headers", *_FLAGS}
_MATCH_FIELDS = {"path", "body", "method"}


class UnableToReadRule(Exception):
    """A fault rule that cannot be understood; the message names the field."""


@dataclass(slots=True, kw_only=True)
class FaultRule:
    """
    One rule.

    `path` and `body` are regular expressions that are searched for in the request's path and body; `times` is how
    many requests it is for (None: until it is deleted). Without any misbehaviour named, a rule answers normally.
    """

    id: int
    method: str = ""
    path: re.Pattern[str] | None = None
    body_pattern: re.Pattern[str] | None = None
    times: int | None = None
    delay_seconds: float = 0.0
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    down: bool = False
    half_answer: bool = False
    nonsense: bool = False
    after_effect: bool = False
    used: int = 0

    def matches(self, request: PeerRequest) -> bool:
        """Whether the rule is for this request."""
        if self.times is not None and self.used >= self.times:
            return False
        if self.method and self.method != request.method:
            return False
        if self.path and not self.path.search(request.path):
            return False
        return not (self.body_pattern and not self.body_pattern.search(request.text))

    def as_document(self) -> dict[str, Any]:
        """Give the rule as the control API shows it."""
        return {
            "id": self.id,
            "match": {
                "method": self.method,
                "path": self.path.pattern if self.path else "",
                "body": self.body_pattern.pattern if self.body_pattern else "",
            },
            "times": self.times,
            "used": self.used,
            "delay_seconds": self.delay_seconds,
            "status": self.status,
            "body": self.body,
            "headers": self.headers,
            **{flag: getattr(self, flag) for flag in _FLAGS},
        }


class FaultBook:
    """The rules of one peer. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[FaultRule] = []
        self._ids = itertools.count(1)

    def add(self, document: dict[str, Any]) -> FaultRule:
        """
        Add a rule.

        :raises UnableToReadRule: when a field is unknown or its value makes no sense; nothing is added then.
        """
        fields = _read_fields(document)
        with self._lock:
            rule = FaultRule(id=next(self._ids), **fields)
            self._rules.append(rule)
        return rule

    def remove(self, rule_id: int) -> bool:
        """Delete one rule; False when there is none with this id."""
        with self._lock:
            before = len(self._rules)
            self._rules = [rule for rule in self._rules if rule.id != rule_id]
            return len(self._rules) < before

    def clear(self) -> None:
        """Delete all rules."""
        with self._lock:
            self._rules = []

    def rules(self) -> list[FaultRule]:
        """Give the rules in the order in which they are tried."""
        with self._lock:
            return list(self._rules)

    def take(self, request: PeerRequest) -> FaultRule | None:
        """Find the rule for this request and count it as used."""
        with self._lock:
            for rule in self._rules:
                if rule.matches(request):
                    rule.used += 1
                    return rule
        return None


def _read_fields(document: dict[str, Any]) -> dict[str, Any]:
    unknown = set(document) - _FIELDS
    if unknown:
        raise UnableToReadRule(f"Unknown field: {', '.join(sorted(unknown))}. Known: {', '.join(sorted(_FIELDS))}.")
    match = document.get("match") or {}
    if isinstance(match, str):
        match = {"path": match}
    if not isinstance(match, dict) or set(match) - _MATCH_FIELDS:
        raise UnableToReadRule("match is a path expression or an object with path, body and method.")
    headers = document.get("headers") or {}
    if not isinstance(headers, dict):
        raise UnableToReadRule("headers is an object of names and values.")
    return {
        "method": str(match.get("method") or "").upper(),
        "path": _pattern(match.get("path"), "match.path"),
        "body_pattern": _pattern(match.get("body"), "match.body"),
        "times": _whole_number(document.get("times"), "times", low=1, high=1_000_000),
        "delay_seconds": _seconds(document.get("delay_seconds")),
        "status": _whole_number(document.get("status"), "status", low=200, high=599),
        "body": document.get("body"),
        "headers": {str(name): str(value) for name, value in headers.items()},
        **{flag: _flag(document.get(flag), flag) for flag in _FLAGS},
    }


def _pattern(value: Any, name: str) -> re.Pattern[str] | None:
    if value is None or value == "":
        return None
    try:
        return re.compile(str(value))
    except re.error as error:
        raise UnableToReadRule(f"{name} is not a regular expression: {error}") from error


def _whole_number(value: Any, name: str, *, low: int, high: int) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise UnableToReadRule(f"{name} is a whole number from {low} to {high}.")
    return value


def _seconds(value: Any) -> float:
    if value is None or value == "":
        return 0.0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MAX_DELAY_SECONDS:
        raise UnableToReadRule(f"delay_seconds is a number from 0 to {MAX_DELAY_SECONDS:g}.")
    return float(value)


def _flag(value: Any, name: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise UnableToReadRule(f"{name} is true or false.")
    return value
