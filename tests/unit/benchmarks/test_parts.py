"""The parts of benchmarks that need neither database nor clock."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from benchmarks import delivery_at_latency, reservation_at_latency
from benchmarks._queue_peers import receiver
from benchmarks.parts import hosts, memory, queue_place, reservations, two_hosts


class TestShareOfLimit:
    def test_is_one_when_each_wave_takes_just_the_latency(self) -> None:
        # Ten waves of four arrive at 0, 0.1, … 0.9 seconds.
        assert delivery_at_latency.of_limit(messages=40, seconds=0.9, latency=0.1, in_flight=4) == pytest.approx(1.0)

    def test_is_a_half_when_they_take_twice_as_long(self) -> None:
        assert delivery_at_latency.of_limit(messages=40, seconds=1.8, latency=0.1, in_flight=4) == pytest.approx(0.5)


class TestHowMany:
    def test_keeps_calls_in_flight_for_so_many_seconds(self) -> None:
        assert delivery_at_latency.how_many(latency=0.02, in_flight=32, seconds=6) == 9_600

    def test_is_never_too_few_to_measure(self) -> None:
        assert delivery_at_latency.how_many(latency=0.1, in_flight=4, seconds=1) == 100


class TestPostsFloor:
    @pytest.mark.parametrize(
        ("rows", "seconds"),
        [(1_000_000, 157 * 0.02), (6_400, 0.02), (6_401, 0.04)],
        ids=["million", "wave", "one more"],
    )
    def test_counts_whole_waves_of_whole_segments(self, rows: int, seconds: float) -> None:
        assert reservation_at_latency.posts_floor(rows=rows, latency=0.02, in_flight=32) == pytest.approx(seconds)


class TestHighWater:
    def test_reads_what_the_kernel_kept(self) -> None:
        assert memory.high_water("Name:\tpython\nVmPeak:\t 400000 kB\nVmHWM:\t 204800 kB\nVmRSS:\t 1 kB\n") == 200.0

    def test_is_nothing_for_a_process_without_memory(self) -> None:
        assert memory.high_water("Name:\tkthreadd\n") == 0.0

    def test_knows_this_process_and_none_that_has_ended(self) -> None:
        assert memory.most_of(os.getpid()) > 10.0
        assert memory.most_of(2**22 + 1) == 0.0


class TestHosts:
    def test_each_cable_is_a_network_of_its_own(self) -> None:
        made = hosts.plan("bench", 2)

        assert made.middle == "bench-0"
        assert made.hosts == (
            hosts.Host("bench-1", "10.231.1.2", "10.231.1.1"),
            hosts.Host("bench-2", "10.231.2.2", "10.231.2.1"),
        )

    def test_says_what_to_install_when_the_program_is_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", "/nowhere")

        with pytest.raises(hosts.UnableToMakeHosts, match="apt-get install iproute2"), hosts.network(2):
            pass

    def test_says_what_the_system_said_when_it_refuses(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        program = tmp_path / "ip"
        program.write_text("#!/bin/sh\necho 'Operation not permitted' >&2\nexit 1\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

        with (
            pytest.raises(hosts.UnableToMakeHosts, match=r"ip netns add .*: Operation not permitted"),
            hosts.network(2),
        ):
            pass

    def test_a_service_is_reached_at_the_end_of_the_own_cable(self) -> None:
        host = hosts.plan("bench", 2).hosts[1]

        assert two_hosts.seen_from("postgres://tieline@127.0.0.1:5433/postgres", host) == (
            "postgres://tieline@10.231.2.1:5433/postgres"
        )
        assert two_hosts.seen_from("redis://127.0.0.1:6380/0", host) == "redis://10.231.2.1:6380/0"

    def test_workers_have_names_of_their_own(self) -> None:
        one, both, apart = two_hosts.contenders(hosts.plan("bench", 2))

        assert [sum(processes for _, processes in each.workers) for each in (one, both, apart)] == [1, 2, 2]
        assert len({host.name for host, _ in apart.workers}) == 2
        assert len({*one.nodes(), *both.nodes(), *apart.nodes()}) == 4


class TestCounted:
    def test_counts_devices_and_keeps_acknowledgements_apart(self) -> None:
        segments = [json.dumps({"deviceList": [{"nicId": name} for name in names]}).encode() for names in ("ab", "bc")]

        found = reservations.counted([*segments, b'{"ackType": "SUCCESS"}'])

        assert (found["devices"], found["twice"], found["segments"]) == (3, 1, 2)
        assert found["acknowledgements"] == [{"ackType": "SUCCESS"}]
        assert found["digest"] == reservations.digest(segments[::-1])
        assert found["digest"] != reservations.digest(segments[:1])


class TestGenerated:
    def test_makes_as_many_rows_as_asked_for_whatever_is_read_at_once(self) -> None:
        stream = reservations.Generated(2_500)
        pieces = []
        while piece := stream.read(1_000):
            pieces.append(piece)

        lines = b"".join(pieces).split(b"\n")
        assert sum(line.endswith(b",") and b"ECOBEE" in line for line in lines) == 2_500
        assert {len(piece) for piece in pieces[:-1]} == {1_000}


class TestReceiver:
    def test_is_told_how_long_to_wait_and_forgets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(receiver, "seconds", 0.0)
        monkeypatch.setattr(receiver, "most", 3)
        receiver.counts["m-1"] += 2

        receiver.control(b"/wait/0.02")
        before = json.loads(receiver.control(b"/told"))
        receiver.control(b"/forget")

        assert receiver.seconds == 0.02
        assert (before["counts"], before["most"]) == ({"m-1": 2}, 3)
        assert json.loads(receiver.control(b"/told")) == {"first": 0, "last": 0, "most": 0, "counts": {}, "bodies": []}


class TestPlace:
    def test_without_services_the_product_is_on_what_it_has_by_itself(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgres://elsewhere/other")
        monkeypatch.setenv("REDIS_URL", "redis://elsewhere/1")
        target = "http://127.0.0.1:1"

        alone = queue_place.Place(database="", redis="", target=target, var=tmp_path).environment()
        served = queue_place.Place(database="postgres://a/b", redis="redis://c/1", target=target, var=tmp_path)

        assert not {"DATABASE_URL", "REDIS_URL"} & alone.keys()
        assert (served.environment()["DATABASE_URL"], served.environment()["REDIS_URL"]) == (
            "postgres://a/b",
            "redis://c/1",
        )
