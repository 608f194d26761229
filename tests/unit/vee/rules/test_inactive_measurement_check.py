from __future__ import annotations

from typing import Any

import pytest

from tests.unit.vee.engine.builders import START, batch, facts, run_rule
from tests.unit.vee.engine.worlds import DAY, OWN, World, read
from vee.codes import ComponentKind
from vee.engine import registry
from vee.engine.context import FOREVER, Installation, Period
from vee.engine.findings import RunResult


RULE = "inactive_measurement_check"
HOUR = 3600


def run(values: list[Any], world: World, **parameters: Any) -> RunResult:
    return run_rule(RULE, batch(values, seconds=HOUR, about=[facts(device_id=3)]), parameters, world)


def installed(start: int, end: int = FOREVER, *off: tuple[int, int]) -> Installation:
    return Installation(Period(start, end), off=tuple(Period(*one) for one in off))


def register(world: World, **parameters: Any) -> RunResult:
    about = facts(device_id=3, end=START + DAY)
    return run_rule(RULE, batch([5], seconds=None, kind=ComponentKind.SCALAR, about=[about]), parameters, world)


class TestDisconnected:
    def test_only_intervals_wholly_in_an_off_period_are_added_up(self) -> None:
        world = World(installed=[installed(0, FOREVER, (START + HOUR // 2, START + 3 * HOUR + 60))])
        [finding] = run([9, 1, "0.5", 9], world).findings

        assert (finding.observed, finding.limit, finding.exception_type) == ("1.5", "0", "INACTIVE-CONSUMPTION")
        assert (finding.first_interval, finding.last_interval, finding.count) == (1, 2, 2)

    @pytest.mark.parametrize(("threshold", "found"), [("1.5", 0), ("1.499999999999", 1)])
    def test_the_threshold_itself_is_tolerated(self, threshold: str, found: int) -> None:
        world = World(installed=[installed(0, FOREVER, (START, START + 2 * HOUR))])

        assert len(run([1, "0.5", 9], world, threshold=threshold).findings) == found

    def test_before_the_installation_and_after_the_removal_the_device_is_inactive(self) -> None:
        world = World(installed=[installed(START + HOUR, START + 2 * HOUR), installed(START + 3 * HOUR)])
        [finding] = run([1, 9, 2, 9], world).findings

        assert (finding.observed, finding.first_interval, finding.last_interval, finding.count) == ("3", 0, 2, 2)

    def test_an_active_device_passes(self) -> None:
        world = World(installed=[installed(0, START + HOUR), installed(START + HOUR)])

        assert run([1, 2], world).findings == []

    def test_an_off_period_that_lasts_ends_with_the_installation(self) -> None:
        world = World(installed=[installed(0, START + HOUR, (0, FOREVER)), installed(START + HOUR)])
        [finding] = run([1, 9], world).findings

        assert finding.observed == "1"


class TestRegister:
    def test_a_period_that_is_wholly_off_fails(self) -> None:
        world = World(installed=[installed(0, FOREVER, (START - DAY, FOREVER))], reads={OWN: [read(START, 1)]})

        assert [finding.observed for finding in register(world).findings] == ["5"]

    def test_a_period_that_is_partly_off_is_not_evaluated(self) -> None:
        world = World(installed=[installed(0, FOREVER, (START + 60, FOREVER))], reads={OWN: [read(START, 1)]})

        assert [step.reason for step in register(world).row_log(0)] == [
            "the device was active for a part of the register's period"
        ]

    def test_the_period_begins_at_the_read_before(self) -> None:
        world = World(installed=[installed(0, FOREVER, (START - HOUR, FOREVER))], reads={OWN: [read(START - DAY, 1)]})

        assert register(world).findings == []

    def test_without_a_read_before_it_is_not_evaluated(self) -> None:
        world = World(installed=[installed(0)])

        assert [step.reason for step in register(world).row_log(0)] == ["there is no consumption"]


class TestUninstalled:
    def test_a_device_without_an_installation_fails_once(self) -> None:
        [finding] = run([1, 2], World()).findings

        assert (finding.point, finding.exception_type) == ("uninstalled", "DEVICE-NOT-INSTALLED")

    def test_it_has_the_severity_and_type_of_the_rule_unless_a_type_is_named(self) -> None:
        given_batch = batch([1], about=[facts(device_id=3)])
        as_rule = run_rule(RULE, given_batch, None, World(), severity="INFO", exception_type="MINE")
        named = run_rule(RULE, given_batch, {"uninstalled_exception_type": "OTHER"}, World(), exception_type="MINE")

        assert [(one.severity, one.exception_type) for one in as_rule.findings] == [("INFO", "MINE")]
        assert [one.exception_type for one in named.findings] == ["OTHER"]

    def test_turned_off_its_consumption_counts_as_outside_of_installations(self) -> None:
        [finding] = run([1, 2], World(), uninstalled=False).findings

        assert (finding.point, finding.observed) == ("main", "3")

    def test_without_a_device_it_is_not_evaluated(self) -> None:
        world = World()
        result = run_rule(RULE, batch([1]), history=world)

        assert [step.reason for step in result.row_log(0)] == ["the measuring component belongs to no device"]
        assert world.asked == {}


class TestUsageSubscription:
    def test_is_asked_for_only_when_switched_on(self) -> None:
        world = World(installed=[installed(0)])

        assert run([1], world).findings == []
        assert "has_usage_subscription" not in world.asked
        [finding] = run([1], world, missing_usage_subscription=True).findings
        assert (finding.point, finding.exception_type) == ("missing_usage_subscription", "NO-USAGE-SUBSCRIPTION")

    def test_one_is_enough(self) -> None:
        world = World(installed=[installed(0)], subscribed=True)

        assert run([1], world, missing_usage_subscription=True).findings == []

    def test_all_switches_off_is_refused(self) -> None:
        with pytest.raises(registry.UnableToReadParameters, match="has to be on"):
            registry.parse_parameters(RULE, {"disconnected": False, "uninstalled": False})
