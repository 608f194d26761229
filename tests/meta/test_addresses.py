"""No two addresses share a name: a page that redirects to the name of another would come back to itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.urls import get_resolver


def _named(resolver: Any, *, before: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    for pattern in resolver.url_patterns:
        address = f"{before}{pattern.pattern}"
        if hasattr(pattern, "url_patterns"):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _named(pattern, before=address, space=inner)
        elif pattern.name:
            yield f"{space}{pattern.name}", address


def test_a_name_leads_to_one_address() -> None:
    addresses = defaultdict(set)
    for name, address in _named(get_resolver()):
        addresses[name].add(address)

    assert len(addresses) > 100
    assert {name: found for name, found in addresses.items() if len(found) > 1} == {}
