from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration.flows import enrollment_payload, enrollment_shape
from integration.flows.enrollment_shape import ASSET_TEXTS, CUSTOMER_TEXTS, LOCATION_TEXTS
from tests.unit.integration.flows.samples import record


_PLACES = [
    *("messageId", "drmsInstanceId", "unknown", "customerInfo", "programInfo", "locationInfo", "assetInfo"),
    *(f"customerInfo__{name}" for name in CUSTOMER_TEXTS),
    *(f"locationInfo__{name}" for name in LOCATION_TEXTS),
    *(
        f"programInfo__{name}"
        for name in ("cisServiceAgreementId", "programCode", "startDateTimeISO", "endDateTimeISO")
    ),
    *(f"assetInfo__{name}" for name in ("installationMethod", "assetOwnership", "assetList", "assetList__0")),
    *(f"assetInfo__assetList__0__{name}" for name in ("sequence", "unknown", *ASSET_TEXTS)),
]
_VALUES = st.one_of(
    st.sampled_from([None, "", " ", "\u2003", True, False, 1, 2**70, 1.5, Decimal(1), Decimal("1.0"), [], {}, [None]]),
    st.sampled_from(["X1SI", "X1UI", "X1XX", "W1CO", "W1OW", "2023-06-05T00:00:00Z", "2023-06-05", "20230605T000000Z"]),
    st.builds(
        lambda letter, length: letter * length,
        st.sampled_from(["x", "\u00e9", "\U0001f600", "\x00"]),
        st.sampled_from([1, 50, 51, 100, 101, 120, 121, 254, 255]),
    ),
)


@given(changes=st.lists(st.tuples(st.sampled_from(_PLACES), _VALUES), max_size=3))
def test_a_record_that_fits_has_no_misfit(changes: list[tuple[str, Any]]) -> None:
    changed = record()
    for place, value in changes:
        try:
            changed = _with(changed, place, value)
        except (TypeError, KeyError, IndexError, AttributeError):
            continue

    if enrollment_shape.fits(changed):
        assert list(enrollment_payload._findings(changed, "")) == []


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"customerInfo": None, "locationInfo": None, "more": {"of": ["a", "later", "release"]}},
        {"programInfo__endDateTimeISO": ""},
        {"assetInfo__installationMethod": "X1UI", "assetInfo__assetList": []},
    ],
)
def test_what_almost_every_record_looks_like_fits(changes: dict[str, Any]) -> None:
    assert enrollment_shape.fits(record(**changes))


@pytest.mark.parametrize("value", [None, [], "text", 1, {}])
def test_what_is_no_record_does_not_fit(value: Any) -> None:
    assert not enrollment_shape.fits(value)


def _with(changed: dict[str, Any], place: str, value: Any) -> dict[str, Any]:
    *parents, last = place.split("__")
    parent: Any = changed
    for step in parents:
        parent = parent[int(step)] if step.isdigit() else parent[step]
    parent[int(last) if last.isdigit() else last] = value
    return changed
