"""How claims are told, when rounds are measured again, and the page that is made of them."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from benchmarks import _report, bench
from benchmarks._report import Claim
from benchmarks.parts import vee_report


class TestInTurns:
    def test_lets_contenders_take_turns_and_warms_them_up(self) -> None:
        order: list[str] = []

        def contender(name: str) -> float:
            order.append(name)
            return 1.0

        taken = _report.in_turns({"a": lambda: contender("a"), "b": lambda: contender("b")}, rounds=2)

        assert "".join(order) == "ababab"
        assert taken == {"a": [1.0, 1.0], "b": [1.0, 1.0]}

    def test_measures_again_when_rounds_lie_apart_more_than_twice(self, capsys: pytest.CaptureFixture[str]) -> None:
        seconds = iter([1.0, 2.5, 1.0, 1.1])

        taken = _report.in_turns({"a": lambda: next(seconds)}, rounds=2, warm_up=False)

        assert taken == {"a": [1.0, 1.1]}
        assert "measured again" in capsys.readouterr().out

    def test_says_so_when_they_still_do(self, capsys: pytest.CaptureFixture[str]) -> None:
        seconds = iter([1.0, 2.5, 1.0, 2.5])

        _report.in_turns({"a": lambda: next(seconds)}, rounds=2, warm_up=False)

        assert "the machine is not quiet" in capsys.readouterr().out


class TestRecord:
    def test_keeps_claims_for_the_table(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        kept = tmp_path / "claims.jsonl"
        monkeypatch.setenv(_report.RESULTS, str(kept))
        claim = Claim(area="Queue", bar="H4", what="rate against W / L", measured=0.71, at_least=0.7)

        _report.record(claim)

        assert _report.recorded(kept) == [claim]


class TestPage:
    def test_shows_claims_by_area_sizes_and_load(self) -> None:
        claims = [
            Claim(area="Queue", bar="H4", what="rate", measured=0.5, at_least=0.7, detail="a | b"),
            Claim(area="Memory", what="high-water mark", measured=1234.0, unit="MiB"),
            Claim(area="Queue", bar="H7", what="backlog", measured=0.9, at_least=0.8),
        ]

        text = bench.page(
            claims, command="make bench", minutes=3.4, load=(0.5, 1.0, 1.5), ran=[("a.py --rows 10", True)]
        )

        assert text.index("| H4 | rate | 0.50 x | at least 0.70 x | **no** | a \\| b |") < text.index("| H7 |")
        assert text.index("| H7 | backlog |") < text.index("| | **Memory** |")
        assert "|  | high-water mark | 1,234 MiB | - | - |  |" in text
        assert "- `a.py --rows 10` (on a PostgreSQL and a Redis of its own)" in text
        assert "Load before: 0.5, 1.0, 1.5." in text

    def test_tells_what_was_not_measured(self) -> None:
        first, *others = bench.FULL

        assert bench.left_out(bench.FULL) == ""
        assert bench.left_out(others) == f"\nNot measured in this run, or not to its end: `{first[0]}`.\n"

    @pytest.mark.parametrize("chosen", [bench.FULL, bench.QUICK], ids=["full", "quick"])
    def test_every_script_that_is_to_run_is_there(self, chosen: tuple[tuple[str, bool], ...]) -> None:
        missing = [
            command for command, _ in chosen if not (bench.ROOT / "benchmarks" / command.partition(" ")[0]).is_file()
        ]

        assert not missing


class TestMain:
    @pytest.fixture
    def scripts(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A directory of benchmarks of our own, with one that misses its bar."""
        directory = tmp_path / "benchmarks"
        directory.mkdir()
        claim = Claim(area="Queue", bar="H4", what="rate", measured=0.1, at_least=0.7)
        line = json.dumps(dataclasses.asdict(claim))
        (directory / "misses.py").write_text(
            f"import os, pathlib\npathlib.Path(os.environ[{_report.RESULTS!r}]).write_text({line!r})\n"
        )
        (directory / "fails.py").write_text("raise SystemExit(3)\n")
        monkeypatch.setattr(bench, "ROOT", tmp_path)
        monkeypatch.setattr(bench, "FULL", (("misses.py", False),))
        monkeypatch.setattr(bench, "QUICK", (("misses.py", False),))
        return directory

    @pytest.mark.usefixtures("scripts")
    @pytest.mark.parametrize(("arguments", "status"), [([], 1), (["--quick"], 0)], ids=["full", "quick"])
    def test_small_sizes_need_not_reach_a_bar(
        self, arguments: list[str], status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr("sys.argv", ["bench.py", *arguments])

        assert bench.main() == status

        assert "| H4 | rate | 0.10 x | at least 0.70 x | **no** |" in capsys.readouterr().out

    @pytest.mark.usefixtures("scripts")
    def test_names_a_script_that_failed(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(bench, "QUICK", (("fails.py --rows 1", False),))
        monkeypatch.setattr("sys.argv", ["bench.py", "--quick"])

        assert bench.main() == 1

        assert "FAILED: fails.py --rows 1" in capsys.readouterr().out


class TestVeeClaims:
    def test_compares_each_number_of_processes_with_its_own_and_with_the_floors(self) -> None:
        rates = {
            "product, 1 process(es)": [90.0, 100.0, 110.0],
            "rows, 1 process(es)": [2.0],
            "product, 2 process(es)": [150.0],
            "rows, 2 process(es)": [3.0],
            "blocks alone": [200.0],
            "rules alone": [500.0],
            "rows, one IMD at a time, 2 process(es)": [1.0],
        }

        claims = vee_report.claims_of(rates, vendor="postgresql")

        told = {
            (claim.bar, "2 process" in claim.what): (claim.measured, claim.reached)
            for claim in claims
            if claim.bar and "one IMD" not in claim.what
        }
        assert told == {
            ("V1", False): (50.0, None),
            ("V2", False): (0.5, True),
            ("V3", False): (0.2, True),
            ("V1", True): (50.0, False),
            ("V2", True): (0.75, None),
            ("V3", True): (0.3, None),
        }
        assert [claim.measured for claim in claims if "one IMD" in claim.what] == [150.0]
        assert (claims[-1].measured, claims[-1].reached) == (1.5, True)

    def test_has_a_bar_of_its_own_on_sqlite(self) -> None:
        claims = vee_report.claims_of({"product, 1 process(es)": [90.0], "rows, 1 process(es)": [2.0]}, vendor="sqlite")

        assert [(claim.bar, claim.measured, claim.reached) for claim in claims] == [("V10", 45.0, True)]


class TestReport:
    @pytest.fixture
    def report(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bench.Report:
        """Of a script that reports how often it ran, and fails when it is told to."""
        (tmp_path / "benchmarks").mkdir()
        claim = json.dumps({"area": "Queue", "what": "runs", "measured": 1.0})
        (tmp_path / "benchmarks" / "one.py").write_text(
            "import os, pathlib, sys\n"
            f"pathlib.Path(os.environ['{_report.RESULTS}']).open('a').write({claim + chr(10)!r})\n"
            "sys.exit(pathlib.Path('broken').exists())\n"
        )
        monkeypatch.setattr(bench, "ROOT", tmp_path)
        return bench.Report("one.py --rounds 3", False, tmp_path)

    def test_keeps_what_a_script_measured_and_how_long_it_took(self, report: bench.Report) -> None:
        assert not report.kept

        assert report.measure()

        assert report.kept
        assert [claim.what for claim in report.claims] == ["runs"]
        assert report.seconds > 0

    def test_one_that_failed_is_told_and_is_to_be_run_again(self, report: bench.Report, tmp_path: Path) -> None:
        (tmp_path / "broken").touch()

        assert not report.measure()

        assert not report.kept
        assert len(report.claims) == 1
        (tmp_path / "broken").unlink()
        assert report.measure()
        assert len(report.claims) == 1
