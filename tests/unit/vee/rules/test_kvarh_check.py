from __future__ import annotations

from typing import Any

from tests.unit.vee.engine.builders import START, M, batch, facts, run_rule
from tests.unit.vee.engine.worlds import DAY, OWN, World, interval_component, read, register, series
from vee.codes import ComponentKind
from vee.engine.findings import RunResult


RULE = "kvarh_check"
OTHER = 20


def run(values: list[Any], active: list[Any] | None, uom: str = "KVARH", **parameters: Any) -> RunResult:
    """Run the rule over kVARh where the same device measured these kWh, or the other way round."""
    other = "KWH" if uom == "KVARH" else "KVARH"
    world = World(
        sibling_ids=(OTHER, 30),
        known=[interval_component(OTHER, uom=other), interval_component(30, uom="KW")],
        intervals={} if active is None else {OTHER: series(active)},
    )
    return run_rule(RULE, batch(values, about=[facts(device_id=3, component_uom=uom)]), parameters, world)


class TestIntervals:
    def test_reactive_without_active_energy_fails(self) -> None:
        [finding] = run([1, "0.5"], [0, 0]).findings

        assert finding.message == "1.5 KVARH were measured with 0 KWH; without active energy 0 are allowed."
        assert (finding.observed, finding.limit, finding.exception_type) == ("1.5", "0", "KVARH")

    def test_a_little_may_be_tolerated(self) -> None:
        assert run([1, 1], [0, 0], minimum_reactive=2).findings == []
        assert len(run([1, "1.000001"], [0, 0], minimum_reactive=2).findings) == 1

    def test_both_or_none_passes(self) -> None:
        assert run([1, 1], [0, "0.001"]).findings == []
        assert run([0, 0], [0, 0]).findings == []

    def test_a_ratio_may_be_limited(self) -> None:
        assert run([3, 3], [2, 2], max_ratio="1.5").findings == []
        [finding] = run([3, 4], [2, 2], max_ratio="1.5").findings
        assert (finding.observed, finding.limit) == ("1.75", "1.5")

    def test_the_active_imd_is_judged_when_it_comes_later(self) -> None:
        [finding] = run([0, 0], [1, 1], uom="KWH").findings

        assert finding.observed == "2"

    def test_what_cannot_be_compared_is_not_evaluated(self) -> None:
        reasons = [run([1, 1], given).row_log(0)[0].reason for given in (None, [0], [0, None])]

        assert reasons == ["the other energy was not measured for the whole period"] * 3
        assert run([1, M], [0, 0]).row_log(0)[0].reason == "values are missing"
        assert run([1, 1], [0, 0], uom="KW").row_log(0)[0].reason == "it measures neither KVARH nor KWH"

    def test_a_device_with_two_candidates_is_not_evaluated(self) -> None:
        world = World(sibling_ids=(20, 21), known=[interval_component(20), interval_component(21)])
        result = run_rule(RULE, batch([1], about=[facts(device_id=3, component_uom="KVARH")]), history=world)

        assert result.row_log(0)[0].reason == "the device has not one component for the other energy"


class TestRegisters:
    def test_reads_at_the_same_instants_are_compared(self) -> None:
        end = START + DAY
        about = facts(device_id=3, component_uom="KVARH", end=end)
        given = batch([5], seconds=None, kind=ComponentKind.SCALAR, about=[about])

        def run_with(*reads: Any) -> RunResult:
            world = World(
                sibling_ids=(OTHER,), known=[register(OTHER)], reads={OWN: [read(START, 1)], OTHER: list(reads)}
            )
            return run_rule(RULE, given, history=world)

        assert len(run_with(read(START, 1), read(end, 0)).findings) == 1
        assert run_with(read(START, 1), read(end, "0.1")).findings == []
        assert run_with(read(START - 60, 1), read(end, 0)).row_log(0)[0].reason == (
            "the other energy was not measured for the whole period"
        )
