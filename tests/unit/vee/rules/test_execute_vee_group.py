from __future__ import annotations

from tests.unit.vee.engine.builders import DAY, batch, facts, spec
from vee.codes import ComponentKind, Severity
from vee.engine import runner
from vee.engine.context import NoHistory
from vee.engine.plan import GroupSpec, build_plan


class TestExecuteVeeGroup:
    def test_a_terminate_inside_the_nested_group_ends_the_whole_run(self) -> None:
        groups = {
            "OUTER": GroupSpec(
                "OUTER",
                [spec("execute_vee_group", {"group": "COMMON"}, sequence=1), spec("interval_spike_check", sequence=2)],
            ),
            "COMMON": GroupSpec(
                "COMMON",
                [spec("uom_check", sequence=1, severity=Severity.TERMINATE), spec("multiplier_check", sequence=2)],
            ),
        }
        plan = build_plan(groups=groups, group="OUTER", on=DAY, kind=ComponentKind.INTERVAL)
        result = runner.run(batch=batch([1, 1, 9], about=[facts(uom="KW")]), plan=plan, context=NoHistory())

        assert [(f.rule, f.group, f.group_path) for f in result.findings] == [("uom_check", "COMMON", "OUTER > COMMON")]
        assert [entry.rule for entry in result.log] == ["uom_check"]
