from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vee.engine import derivations
from vee.engine.derivations import Derivation, Facts
from vee.engine.parameters import UnableToReadParameters


QUARTER_HOURLY = Facts(seconds_per_interval=900, multiplier=Decimal(40), characteristics={"heat": "11"})
REGISTER = Facts(seconds_per_interval=None, multiplier=Decimal(1), characteristics={})


def derivation(method: str, name: str = "X", scale: int = 3, before: tuple[str, ...] = (), **given: Any) -> Derivation:
    return derivations.read(name=name, uom="U", scale=scale, method=method, parameters=given, before=before)


def compute(*found: Derivation, value: Any = "2", facts: Facts = QUARTER_HOURLY) -> list[Decimal | None]:
    number = None if value is None else Decimal(value)
    return list(derivations.compute_all(found, value=number, condition=501000, facts=facts).values())


class TestHeatingValue:
    def test_a_volume_becomes_energy(self) -> None:
        assert compute(derivation("HEATING_VALUE", heating_value=10.55, correction="0.98")) == [Decimal("20.678")]

    def test_a_characteristic_of_the_place_counts_before_the_types_own(self) -> None:
        found = derivation("HEATING_VALUE", heating_value=10.55, characteristic="heat")

        assert compute(found) == [Decimal("22.000")]
        assert compute(found, facts=REGISTER) == [Decimal("21.100")]

    def test_a_characteristic_that_is_no_number_gives_no_value(self) -> None:
        facts = Facts(900, Decimal(1), {"heat": "much"})

        assert compute(derivation("HEATING_VALUE", heating_value=10, characteristic="heat"), facts=facts) == [None]


class TestDemand:
    def test_energy_of_an_interval_becomes_average_demand(self) -> None:
        assert compute(derivation("DEMAND")) == [Decimal("8.000")]

    def test_a_register_has_none(self) -> None:
        assert compute(derivation("DEMAND"), facts=REGISTER) == [None]

    @given(st.integers(-(10**9), 10**9), st.sampled_from([300, 900, 1800, 3600]))
    def test_demand_by_time_is_the_energy_again(self, count: int, size: int) -> None:
        energy = Decimal(count).scaleb(-3)
        [demand] = compute(derivation("DEMAND", scale=6), value=energy, facts=Facts(size, Decimal(1), {}))

        assert demand is not None
        assert demand * size / 3600 == energy


class TestFormula:
    def test_uses_what_is_known_and_the_values_before_it(self) -> None:
        energy = derivation("HEATING_VALUE", name="Net energy", heating_value=10)
        cost = derivation(
            "FORMULA", name="COST", before=("Net energy",), formula="net_energy * 0.11 + value / hours / multiplier"
        )

        assert compute(energy, cost) == [Decimal("20.000"), Decimal("2.400")]

    def test_what_has_no_result_is_no_value(self) -> None:
        assert compute(derivation("FORMULA", formula="value / (value - 2)")) == [None]
        assert compute(derivation("FORMULA", formula="hours"), facts=REGISTER) == [None]
        assert compute(derivation("DEMAND"), derivation("FORMULA", name="Y", formula="value"), value=None) == [
            None,
            None,
        ]

    def test_results_are_rounded_half_even(self) -> None:
        assert compute(derivation("FORMULA", scale=0, formula="value + 0.5")) == [Decimal(2)]

    @pytest.mark.parametrize(
        ("method", "given_parameters", "pointer"),
        [
            ("FORMULA", {"formula": "colour + 1"}, "/formula"),
            ("FORMULA", {"formula": "value > 1"}, "/formula"),
            ("FORMULA", {}, "/formula"),
            ("HEATING_VALUE", {}, "/heating_value"),
            ("HEATING_VALUE", {"heating_value": 0}, "/heating_value"),
            ("DEMAND", {"per": "hour"}, "/per"),
        ],
    )
    def test_what_does_not_fit_is_refused_by_its_place(
        self, method: str, given_parameters: dict[str, Any], pointer: str
    ) -> None:
        with pytest.raises(UnableToReadParameters) as refusal:
            derivation(method, **given_parameters)

        assert refusal.value.pointer == pointer

    @pytest.mark.parametrize(("name", "used"), [("ENERGY", "energy"), ("Net kWh", "net_kwh"), ("2ND", "_2nd")])
    def test_a_formula_names_values_in_lower_case(self, name: str, used: str) -> None:
        assert derivations.formula_name(name) == used
