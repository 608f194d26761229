"""The configuration document of a running product: exported, compared, changed, applied, refused."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.functional.harness.client import Client, problem
from tests.functional.harness.configuration import DACS_CANARY, DERMS_CANARY, DROP_CANARY
from tests.functional.harness.processes import PYTHON, ROOT
from tests.functional.harness.product import Product


ADDRESS = "/api/v1/configuration/"
YAML = {"Accept": "application/yaml"}


def export(client: Client) -> str:
    answer = client.get(ADDRESS, headers=YAML)
    assert answer.status_code == 200, answer.text
    return answer.content.decode()


def post(client: Client, text: str, query: str = "") -> Any:
    return client.post(f"{ADDRESS}{query}", data=text.encode(), headers={"Content-Type": "application/yaml"})


def config(product: Product, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **product.environment}
    command = [PYTHON, "manage.py", "config", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300)


class TestConfigurationDocument:
    def test_an_export_holds_no_secret_and_changes_nothing_where_it_came_from(self, client: Client) -> None:
        text = export(client)

        done = post(client, text)

        assert [canary for canary in (DACS_CANARY, DERMS_CANARY, DROP_CANARY) if canary in text] == []
        assert list(yaml.safe_load(text))[:3] == ["roles", "certificates", "connections"]
        assert (done.status_code, done.json()["changes"], done.json()["only_here"]) == (200, [], {})
        assert export(client) == text

    def test_a_change_is_told_by_every_way_before_it_is_applied(
        self, client: Client, product: Product, tmp_path: Path
    ) -> None:
        before = export(client)
        sections = yaml.safe_load(before)
        [group] = [each for each in sections["vee_groups"] if each["code"] == "FN-INTERVAL"]
        description = group["description"]
        group["description"] = "Changed by a document"
        changed = yaml.safe_dump({"vee_groups": [group]}, sort_keys=False)
        path = tmp_path / "changed.yaml"
        path.write_text(changed)

        dry = post(client, changed, "?dry_run=true").json()
        difference = config(product, "diff", str(path))
        assert export(client) == before
        done = post(client, changed).json()

        field = {"path": "description", "old": description, "new": "Changed by a document"}
        assert [each["fields"] for each in dry["changes"]] == [[field]]
        assert done["changes"] == dry["changes"]
        assert difference.returncode == 1, difference.stderr
        assert difference.stdout.splitlines()[:3] == [
            "vee_groups FN-INTERVAL: changed",
            f"- description: {description}",
            "+ description: Changed by a document",
        ]
        (tmp_path / "before.yaml").write_text(before)
        applied = config(product, "apply", str(tmp_path / "before.yaml"))
        assert "1 change made." in applied.stdout, applied.stderr
        assert export(client) == before

    def test_a_bad_place_is_named_by_line_and_nothing_is_applied(self, client: Client) -> None:
        before = export(client)

        answer = post(client, "parameters:\n  MAX_RETRIES: 9\nexception_types:\n  SPIKE:\n    colour: red\n")

        [error] = problem(answer, 400)["errors"]
        assert (error["pointer"], error["line"]) == ("/exception_types/SPIKE/colour", 5)
        assert export(client) == before
