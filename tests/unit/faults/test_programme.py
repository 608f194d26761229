from __future__ import annotations

import importlib

import pytest

from tests.faults import programme
from tests.faults.points.fault_points import POINTS, Point


class TestKills:
    def test_the_same_seed_gives_the_same_programme(self) -> None:
        first, second, other = (
            programme.kills(seed=seed, number=50, seconds=100, load="messages") for seed in (1, 1, 2)
        )

        assert first == second
        assert first != other

    def test_every_second_one_is_at_a_named_point_and_none_comes_twice_before_all_have(self) -> None:
        found = programme.kills(seed=3, number=50, seconds=100, load="messages")

        names = [fault.target.split()[0] for fault in found if fault.kind == "point"]
        of_the_load = {point.name for point in POINTS if point.load == "messages"}
        assert len(names) == 25
        assert set(names[: len(of_the_load)]) == of_the_load
        assert {fault.target for fault in found if fault.kind == "kill"} == set(programme.KILLED)
        assert [fault.at for fault in found] == sorted(fault.at for fault in found)
        assert 0 < found[0].at < found[-1].at < 100


def test_points_that_are_passed_once_come_before_the_work() -> None:
    kill, once, again = (
        programme.Fault(1, "kill", "web"),
        programme.Fault(2, "point", "file-received:after process"),
        programme.Fault(3, "point", "segment-claimed:before group"),
    )

    assert programme.before_the_work([kill, once, again]) == ([once], [kill, again])


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_a_named_point_is_a_function_of_the_product(point: Point) -> None:
    found: object = importlib.import_module(point.module)
    for part in point.function.split("."):
        found = getattr(found, part)

    assert callable(found)
